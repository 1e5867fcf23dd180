//go:build lab

package testenv_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ferry-ops/ferry/testenv/lab"
)

// A transaction can be killed anywhere. The tests of this file kill it at points
// spread over all of it and expect the same run to complete it every time.

// A longer campaign is asked for in the environment; README.md says how.
const (
	killsVar = "FERRY_LAB_KILLS" // how many transactions are killed (2)
	seedVar  = "FERRY_LAB_SEED"  // makes a campaign kill at the points of an earlier one
	atOnce   = 2                 // hosts migrated at the same time
)

func envNumber(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%s is not a number", name, text)
	}
	return n
}

// kill is one kill of a campaign.
type kill struct {
	at    float64       // share of the transaction's steps that were begun
	after time.Duration // that step was begun
	what  string
}

// Who dies: dnf under its job, the job with it, or the host.
var victims = []string{"dnf", "job", "host"}

func TestTransactionKilledInTheMiddle(t *testing.T) {
	n := int(envNumber(t, killsVar, 2))
	seed := envNumber(t, seedVar, uint64(time.Now().UnixNano()))
	if os.Getenv(killsVar) == "" && os.Getenv(seedVar) == "" {
		seed = 1 // every run of the tests is the same; a campaign looks elsewhere each time
	}
	t.Logf("%d kills; the same again: %s=%d %s=%d", n, killsVar, n, seedVar, seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	kills := make([]kill, n)
	for i := range kills {
		// Past 97 % the transaction may end before the kill arrives.
		kills[i] = kill{0.97 * (float64(i) + rnd.Float64()) / float64(n), time.Duration(rnd.IntN(60)) * time.Millisecond, victims[i%len(victims)]}
	}
	rnd.Shuffle(n, func(i, j int) { kills[i].what, kills[j].what = kills[j].what, kills[i].what })
	first := rnd.IntN(len(victims)) // few kills do not always kill the same
	for i := range kills {
		kills[i].what = victims[(slices.Index(victims, kills[i].what)+first)%len(victims)]
	}
	for from := 0; from < n; from += atOnce {
		batch := kills[from:min(from+atOnce, n)]
		t.Run(fmt.Sprint("batch ", from/atOnce+1), func(t *testing.T) {
			l := up(t, lab.Options{Name: "heal", Hosts: len(batch)})
			f := newFerry(t, l)
			for i, k := range batch {
				name := fmt.Sprintf("el-%d", i+1)
				t.Run(fmt.Sprintf("%s killed at %.0f%% + %s", k.what, 100*k.at, k.after), func(t *testing.T) {
					t.Parallel()
					killAndHeal(t, f.of(t), name, k)
				})
			}
		})
	}
}

// of is the same program for another test, with a state of its own.
func (f *ferry) of(t *testing.T) *ferry {
	return &ferry{t: t, bin: f.bin, lab: f.lab, state: t.TempDir(), dir: t.TempDir()}
}

func killAndHeal(t *testing.T, f *ferry, name string, k kill) {
	h := host(t, f.lab, name)
	r := f.start(migrateArgs("--limit", name)...)
	at := awaitStep(t, h, k.at, r)
	time.Sleep(k.after)
	was := noted(t, h)
	strike(t, h, k.what)
	// A run that saw its job die may heal the host itself.
	err := r.wait()
	t.Logf("killed at step %s; the first run ended with %v", at, err)
	if err != nil {
		f.run(0, migrateArgs("--limit", name)...)
	}
	healed(t, f, h, was)
	has(t, f.run(0, migrateArgs("--limit", name)...), "0 changes")
}

var steps = regexp.MustCompile(`(\d+)/(\d+) *$`)

// awaitStep waits until a share of the transaction's steps was begun. It reads
// the host's files from outside: in the middle of a transaction little can be run.
func awaitStep(t *testing.T, h *lab.Host, share float64, r *running) (at string) {
	t.Helper()
	root, err := h.Root()
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(tooLong); ; time.Sleep(5 * time.Millisecond) {
		text, _ := os.ReadFile(filepath.Join(root, jobDir, "log")) // there is none yet
		for line := range strings.Lines(string(text)) {
			if m := steps.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
				at = m[0]
				n, _ := strconv.ParseFloat(m[1], 64)
				of, _ := strconv.ParseFloat(m[2], 64)
				if of > 100 && n >= share*of { // "Preparing 1/1" is a step of its own
					return at
				}
			}
		}
		select {
		case <-r.ended:
			t.Fatalf("ferry ended (%v) before the transaction got to %.0f %%; it was at %q", r.err, 100*share, at)
		default:
		}
		if time.Now().After(deadline) {
			r.stuck(fmt.Sprintf("the transaction to get to %.0f %% (it is at %q)", 100*share, at))
		}
	}
}

const jobDir = "/var/lib/ferry/jobs/distro-sync-oe2203sp4"

// strike kills with what a shell can do by itself.
func strike(t *testing.T, h *lab.Host, what string) {
	t.Helper()
	switch what {
	case "host":
		if err := h.Crash(); err != nil {
			t.Fatal(err)
		}
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		return
	case "job":
		sh(t, h, 0, "read -r p t <"+jobDir+"/child; kill -s KILL -- -$p")
	default:
		sh(t, h, 0, `for p in /proc/[0-9]*; do read -r n 2>/dev/null <$p/comm && [ "$n" = dnf ] && kill -9 ${p#/proc/}; done; :`)
	}
}

// noted are the names of the packages that the killed transaction was to bring.
func noted(t *testing.T, h *lab.Host) []string {
	t.Helper()
	root, err := h.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "/var/lib/ferry/distro-sync-oe2203sp4.transaction"))
	if err != nil {
		t.Fatalf("the transaction left no note: %v", err)
	}
	names := regexp.MustCompile(`(?m)^(.*)-\d+:.*$`).ReplaceAllString(strings.TrimSpace(string(text)), "$1")
	if n := strings.Count(names, "\n") + 1; n < 160 || n > 200 {
		t.Errorf("the transaction noted %d packages", n)
	}
	return strings.Fields(names)
}

// healed proves that a host has everything an interrupted transaction was to
// bring, and a database whose indexes agree with it.
func healed(t *testing.T, f *ferry, h *lab.Host, was []string) {
	t.Helper()
	migrated(t, f.lab, h)
	sh(t, h, 0, "rpm -q "+strings.Join(was, " ")+" >/dev/null")
	sh(t, h, 0, "rpm -Va --nofiles --nodigest")
	sh(t, h, 2, "ls /var/lib/ferry/*.transaction*")
}

// TestHealTornDatabase makes a killed transaction's states that a kill makes only
// if it falls between two writes of the rpm database.
func TestHealTornDatabase(t *testing.T) {
	l := up(t, lab.Options{Name: "torn", Hosts: 1})
	f, h := newFerry(t, l), host(t, l, "el-1")
	sh(t, h, 0, "cp -a /var/lib/rpm/Providename /root/")
	r := f.start(migrateArgs()...)
	awaitStep(t, h, 0.2, r) // libcom_err is replaced by then, rpm is not
	strike(t, h, "dnf")
	was := noted(t, h)
	if err := r.wait(); err == nil {
		t.Fatal("ferry took a killed transaction for a success")
	}
	has(t, strings.Join(strings.Fields(strings.ReplaceAll(r.text(), "│", " ")), " "), "Run ferry again")
	// Of a library others need neither version is listed, nor of a program nothing
	// needs; and of what was installed so far the index of what it provides knows nothing.
	sh(t, h, 0, `rm -f /var/lib/rpm/__db.*; set -e; rpm -q --qf '%{EVR}' rpm | grep -q '^4\.16'
		rpm -e --justdb --nodeps --allmatches --noscripts libcom_err lsof; cp -a /root/Providename /var/lib/rpm/`)
	out := f.run(0, migrateArgs()...)
	has(t, out, "missing: ", "libcom_err, ", "lsof, ", "that an interrupted transaction was to bring")
	healed(t, f, h, was)
	has(t, f.run(0, migrateArgs()...), "0 changes")
	// What is removed after it stays removed.
	sh(t, h, 0, "rpm -e lsof")
	has(t, f.run(0, migrateArgs()...), "0 changes")
	sh(t, h, 1, "rpm -q lsof")
}
