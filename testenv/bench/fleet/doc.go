// Command fleet measures ferry against thousands of hosts: SSH servers inside a
// few processes on loopback, each with a real handshake and an interpreted
// shell. It prints time, CPU and peak memory of the controller alone.
//
//	fleet run --hosts 1000 [--tasks 20] [--servers 2] [--parallel 0] [--ferry bin/ferry]
//	fleet serve --hosts 500 --dir DIR --first 0    (what run starts)
package main
