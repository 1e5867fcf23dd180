// Package meter runs a program and says what it cost: time, CPU and memory, of
// the program with all it starts, and of the hosts it worked on. It counts by
// control groups, so nothing that comes and goes is missed; without control
// groups only the time and the rusage of the program are known.
package meter
