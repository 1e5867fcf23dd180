// Package report turns measurements into a page: results as JSON, medians and
// ratios, the bars the project sets itself, tables, plots.
package report
