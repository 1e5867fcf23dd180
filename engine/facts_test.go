package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-ops/ferry/engine/ssh/sshtest"
)

// All facts that a playbook mentions are asked for at the same time: they cost one
// round trip, however many they are.
func TestFactsAreOneRoundTrip(t *testing.T) {
	const rtt = time.Second
	took := func(args string) (d time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			network := sshtest.NewMemory(rtt)
			f := newFleet(t, 1, func(int) string {
				return "  task \"command\" \"t\" {\n    argv      = [\"true\"" + args + "]\n    read_only = true\n  }\n"
			}, sshtest.Options{Listener: network, Latency: rtt / 2, Backend: sshtest.Interp()})
			f.dial = network.Dial
			start := time.Now()
			f.run(t)
			d = time.Since(start)
		})
		return d
	}
	none, many := took(""), took(", facts.kernel, facts.selinux, facts.systemd, facts.virtualization, facts.arch")
	if trips := (many - none).Round(rtt/10) / rtt; trips > 1 || many <= none {
		t.Errorf("%v with five facts and %v without", many, none)
	}
}
