package ssh

import "sync/atomic"

// Stats counts what a Conn has done since it was dialled.
type Stats struct {
	// RoundTrips counts the times ferry waited for the host after the login:
	// opening a channel, starting its command, answering sudo's prompt, and
	// every batch of frames written after an answer was received.
	RoundTrips int64
	Commands   int64
	Logins     int64 // 1, plus one per reconnect
	BytesIn    int64 // of shells: output
	BytesOut   int64 // of shells: requests
}

type stats struct {
	trips, commands, logins, in, out atomic.Int64
}

func (s *stats) snapshot() Stats {
	return Stats{RoundTrips: s.trips.Load(), Commands: s.commands.Load(), Logins: s.logins.Load(),
		BytesIn: s.in.Load(), BytesOut: s.out.Load()}
}
