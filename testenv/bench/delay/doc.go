// Package delay is a TCP proxy that puts a host farther away: what passes in
// either direction arrives half a round trip later, and opening a connection
// takes a round trip as well. Throughput stays what it was. It stands in for
// the kernel's netem where there is none.
package delay
