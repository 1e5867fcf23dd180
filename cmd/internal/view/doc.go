// Package view shows what happens in a run. Every view is a reader of the event
// stream and of diagnostics; none knows how a run works.
package view
