// Package host is what a module sees of a host: a Reader that answers
// questions, and a Host that can also act.
//
// It is a leaf: it knows neither SSH nor playbooks. A transport (engine/ssh,
// engine/local, host/hosttest) carries commands; New puts files, facts and
// waiting on top, so that every transport behaves the same.
package host
