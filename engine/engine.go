package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/journal"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/run"
	"github.com/ferry-ops/ferry/inventory"
)

// DefaultStateDir is where the journal of runs is, beside what the user works on.
const DefaultStateDir = ".ferry"

// Config is everything a run needs.
type Config struct {
	Playbook  *playbook.Playbook
	Globals   playbook.Globals
	Inventory *inventory.Inventory
	Limit     []string // host patterns every play is narrowed to
	Mode      run.Mode
	Parallel  int
	Patience  time.Duration // how long a host that was lost may take to answer
	GateWait  time.Duration // how long to wait at a gate; negative: without end
	Tags      []string
	SkipTags  []string
	StateDir  string
	View      event.Sink
	Stop      <-chan struct{}
	Logger    *slog.Logger
	Request   Request // recorded, so that the run can be resumed
	// FactAge is how old recorded facts may be to be used instead of gathering
	// them; 0 gathers all anew. What is gathered is recorded then.
	FactAge time.Duration
	// Saved is the plan that is applied; nil applies whatever the hosts need.
	Saved *PlanFile
	// PlanKey, in a plan, gives each task that would change something a digest.
	PlanKey []byte
	Confirm func(run.Question) run.Answer // asked before a task changes the first host
	Skip    map[*playbook.Task]bool       // tasks that do not run
	Resumes string                        // the run this one resumes, "" if none
}

// checkVariables evaluates the variables for every host, so that a missing one
// is an error before the first connection and not in the middle of a batch. What
// is wrong for many hosts is said once.
func checkVariables(c Config, plays []run.PlayHosts, set *diag.Set) {
	g := globals(c)
	seen := map[string]bool{}
	first := map[string]*hcl.Diagnostic{}
	more := map[*hcl.Diagnostic]int{}
	for _, ph := range plays {
		for _, h := range ph.Hosts {
			if seen[h.Name] {
				continue
			}
			seen[h.Name] = true
			_, diags := c.Playbook.NewScope(ph.Play, g, h.HostInfo)
			for _, d := range diags {
				key := d.Summary + strings.ReplaceAll(d.Detail, h.Name, "HOST") + fmt.Sprint(d.Subject)
				if old := first[key]; old != nil {
					more[old]++
					continue
				}
				first[key] = d
				set.Append(d)
			}
		}
	}
	for d, n := range more {
		hosts := "another host"
		if n > 1 {
			hosts = fmt.Sprintf("%d more hosts", n)
		}
		d.Detail += "\n\nThe same is wrong for " + hosts + "."
	}
}

func runHost(h *inventory.Host) run.Host {
	vars := map[string]cty.Value{}
	for n, v := range h.Vars() {
		vars[n] = v.Value
	}
	rh := run.Host{
		HostInfo: playbook.HostInfo{Name: h.Name, Address: h.Connection.Address, Groups: h.GroupNames(), Vars: vars},
		Become:   h.Connection.Become,
	}
	for _, s := range []inventory.Secret{h.Connection.Password, h.Connection.BecomePassword} {
		if !s.IsZero() {
			rh.Secrets = append(rh.Secrets, s.Reveal())
		}
	}
	return rh
}

// Run executes the playbook on the hosts that Hosts selected. A run that
// changes hosts is recorded in the journal before it acts.
func Run(ctx context.Context, c Config, plays []run.PlayHosts) (event.Summary, error) {
	j, err := journal.Open(c.StateDir)
	if err != nil {
		return event.Summary{}, err
	}
	defer j.Close()
	rec, err := j.Begin(c.Playbook.Name, string(c.Mode), time.Now())
	if err != nil {
		return event.Summary{}, err
	}
	release, err := j.Hold(rec.ID)
	if err != nil {
		return event.Summary{}, err
	}
	defer release()
	o, err := options(c, j, rec)
	if err != nil { // refused: it is no run that could be shown, approved or resumed
		if derr := j.Drop(rec.ID); derr != nil {
			err = fmt.Errorf("%w; and %w", err, derr)
		}
		return event.Summary{}, err
	}
	remember, err := useRecorded(c, &o)
	if err != nil {
		return event.Summary{}, err
	}
	defer remember()
	d, err := NewDialer(c.Inventory, c.Logger)
	if err != nil {
		return event.Summary{}, err
	}
	defer d.Close()
	return run.New(c.Playbook, globals(c), d.Connect, o).Run(ctx, plays)
}

// options are the settings of a run, with what the journal knows.
func options(c Config, j *journal.Journal, rec journal.Run) (run.Options, error) {
	o := run.Options{
		ID: rec.ID, Epoch: rec.Epoch, Owner: Owner() + ":" + rec.ID, Mode: c.Mode, Parallel: c.Parallel, Files: openFiles(), Tags: c.Tags, SkipTags: c.SkipTags,
		Stop: c.Stop, Patience: c.Patience, GateWait: c.GateWait, PlanKey: c.PlanKey, Confirm: c.Confirm, Skip: c.Skip,
		Lookup: func(name string) (run.Host, bool) {
			h := c.Inventory.Host(name)
			if h == nil {
				return run.Host{}, false
			}
			return runHost(h), true
		},
	}
	o.Ended = func(epoch int64) (string, bool) { return j.Ended(epoch) }
	if c.StateDir != DefaultStateDir {
		o.Reference = rec.ID + " --state-dir " + host.Quote(c.StateDir)
	}
	o.Sink = event.Sinks{j}
	if c.View != nil {
		o.Sink = event.Sinks{j, c.View}
	}
	if c.Mode == run.Plan {
		o.Took = func(play string) time.Duration { return j.Took(c.Playbook.Name, play) }
		return o, nil
	}
	if c.Saved != nil {
		if err := j.Apply(c.Saved.ID, rec.ID); err != nil {
			return o, err
		}
		o.Saved = c.Saved.Saved()
	}
	o.Approval = func(play, gate string, batch int) (*run.Decision, error) {
		a, err := j.Approval(rec.ID, play, gate, batch)
		if a == nil || err != nil {
			return nil, err
		}
		return &run.Decision{By: a.By, At: a.At, Refused: a.Refused, Comment: a.Comment}, nil
	}
	var err error
	if o.Pending, err = j.Owed(c.Playbook.Name); err != nil {
		return o, err
	}
	if c.Resumes != "" {
		if o.Resume, err = reached(j, c.Playbook, c.Resumes); err != nil {
			return o, err
		}
	}
	req := c.Request.withheld(c.Playbook)
	req.Sources = sourcesDigest(c.Playbook)
	body, err := json.Marshal(req)
	if err != nil {
		return o, err
	}
	return o, j.SetOrigin(rec.ID, journal.Origin{Resumes: c.Resumes, Request: body})
}

// Owner names who runs ferry on this controller: for the lock on hosts and for
// approvals.
func Owner() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return name + "@" + host
}
