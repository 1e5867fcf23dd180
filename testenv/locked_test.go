//go:build lab

package testenv_test

import (
	"testing"

	"github.com/ferry-ops/ferry/testenv/lab"
)

// holdLocks makes what a program leaves that is killed while it holds a lock of the
// Berkeley database: it takes all of them in the shared memory, for a thread that is
// not there. A free lock is four zeroes and the kind of a lock between processes.
const holdLocks = `import glob, struct
held = 0
for name in glob.glob("/var/lib/rpm/__db.*"):
    with open(name, "r+b") as f:
        b = bytearray(f.read())
        for i in range(0, len(b) - 20, 4):
            if struct.unpack_from("<IIIII", b, i) == (0, 0, 0, 0, 0x80):
                struct.pack_into("<IIII", b, i, 2, 0, 999999, 1)
                held += 1
        f.seek(0)
        f.write(b)
print(held, "locks are held")
`

// A kill can fall while dnf holds a lock of the rpm database. Then all who open it
// wait for ever, deaf to TERM: the job that was killed, ferry's own questions and
// whoever asked before.
func TestHealHeldLock(t *testing.T) {
	l := up(t, lab.Options{Name: "held", Hosts: 1})
	f, h := newFerry(t, l), host(t, l, "el-1")
	r := f.start(migrateArgs()...)
	awaitStep(t, h, 0.1, r) // the rpm that keeps locks is still there
	strike(t, h, "dnf")
	was := noted(t, h)
	if err := r.wait(); err == nil {
		t.Fatal("ferry took a killed transaction for a success")
	}
	// Whatever the kill left: this is its worst.
	sh(t, h, 0, "rm -f /var/lib/rpm/__db.*; rpm -q rpm >/dev/null; /usr/bin/python3 -c '"+holdLocks+"'")
	sh(t, h, 137, "timeout -s KILL 5 rpm -q rpm")
	sh(t, h, 0, "setsid rpm -qa </dev/null >/dev/null 2>&1 &")
	out := f.run(0, migrateArgs()...)
	has(t, out, "shut by the shared memory of a program that was killed", "interrupted -> completed")
	healed(t, f, h, was)
	sh(t, h, 1, "pgrep -x rpm")
	has(t, f.run(0, migrateArgs()...), "0 changes")
}
