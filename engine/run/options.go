package run

import (
	"context"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// Mode says whether a run changes hosts.
type Mode string

// The modes.
const (
	Plan  Mode = "plan"  // look only; nothing is written on any host
	Apply Mode = "apply" // look, then change
)

// Host is one host of the inventory.
type Host struct {
	playbook.HostInfo
	// Become is whether the inventory wants commands run as another user.
	Become bool
	// Secrets are strings of the inventory that must not be shown.
	Secrets []string
}

// Connect opens a connection to a host; with become, as the become user. Errors
// wrap host.ErrUnreachable.
type Connect func(ctx context.Context, hostName string, become bool, becomeUser string) (host.Transport, error)

// Options are the settings of one run.
type Options struct {
	ID    string // of the run, in the journal
	Epoch int64  // higher than that of every earlier run
	Owner string // who runs, for the lock on hosts; the run's name may follow, after a colon
	// Ended returns the run with an epoch, if it is known to have ended: what it left
	// under way on a host is waited for. Nil knows of none.
	Ended func(epoch int64) (run string, ended bool)
	Mode  Mode
	// Parallel is how many hosts are worked on at once where the play does not
	// say; 0 means 50.
	Parallel int
	// Files is how many files the process may have open; 0 means no bound. No more
	// hosts are worked on at once than it lets connect.
	Files int
	// Tags selects tasks that have one of these tags; empty selects all.
	Tags []string
	// SkipTags leaves out tasks that have one of these tags.
	SkipTags []string
	// Patience is how long a host that was lost in the middle of a task may take
	// to answer again; 0 means 5 minutes.
	Patience time.Duration
	// Stop, when closed, lets tasks in progress finish and starts no others.
	Stop <-chan struct{}
	Sink event.Sink
	// OneByOne looks at each task only when its turn has come. The result is the
	// same as without it, at the price of a round trip per task.
	OneByOne bool

	// Lookup finds the host that a task is delegated to.
	Lookup func(name string) (Host, bool)
	// Approval returns what a person said about a gate, nil if nobody has yet.
	Approval func(play, gate string, batch int) (*Decision, error)
	// GateWait is how long the run waits at a gate that needs a person or a
	// maintenance window before it stops there; negative waits without end.
	GateWait time.Duration
	// Reference is how commands that are shown name this run; empty means ID.
	Reference string
	// Pending are the handlers that earlier runs of the playbook owe, by host and
	// play.
	Pending map[string]map[string][]string
	// PlanKey, in a plan, gives each task that would change something a digest.
	PlanKey []byte
	// Saved is the plan to be applied; nil applies whatever the hosts need.
	Saved *SavedPlan
	// Confirm is asked before a task changes the first host; nil asks nobody.
	Confirm func(Question) Answer
	// Skip are tasks that do not run.
	Skip map[*playbook.Task]bool
	// Took is how long a host was in a play in earlier runs, 0 if not known.
	Took func(play string) time.Duration
	// Known returns facts of a host that were observed earlier and are taken as
	// they are; nil gathers all anew. Learned is told what was gathered.
	Known   func(host string) host.Facts
	Learned func(host string, facts host.Facts)
	// Resume is what an interrupted run had reached; nil begins anew.
	Resume *Resume
}

func (o Options) reference() string {
	if o.Reference != "" {
		return o.Reference
	}
	return o.ID
}

func (o Options) patience() time.Duration {
	if o.Patience > 0 {
		return o.Patience
	}
	return 5 * time.Minute
}

func (o Options) stopped() bool {
	select {
	case <-o.Stop:
		return true
	default:
		return false
	}
}

// selected reports whether a task with these tags is to run: "always" runs
// unless it is skipped by that name, "never" only when it is asked for.
func (o Options) selected(tags []string) bool {
	has := func(list []string) bool {
		for _, t := range tags {
			for _, l := range list {
				if t == l {
					return true
				}
			}
		}
		return false
	}
	switch {
	case has(o.SkipTags):
		return false
	case has(o.Tags):
		return true
	case has([]string{"never"}):
		return false
	}
	return len(o.Tags) == 0 || has([]string{"always"})
}
