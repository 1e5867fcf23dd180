//go:build !race

package run_test

// raced says that the race detector is built in, which takes many times the
// memory that is measured without it.
const raced = false
