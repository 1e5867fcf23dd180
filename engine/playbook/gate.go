package playbook

import (
	"fmt"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
)

// The kinds of gates.
const (
	GateApproval = "approval" // a person says go
	GateSoak     = "soak"     // time passes
	GateCheck    = "check"    // checks pass
	GateWindow   = "window"   // nothing begins outside it
)

var gateKinds = []string{GateApproval, GateSoak, GateCheck, GateWindow}

// Where the checks of a gate look.
const (
	OnBatch      = "batch"      // at the hosts of the batch
	OnPlay       = "play"       // at every host of the play
	OnController = "controller" // from the machine ferry runs on
)

// Gate is what must hold before the next batch.
type Gate struct {
	Kind string
	Name string // unique in the play; the kind where none is written
	// After are the batches it follows, counted from 1; 0 is before the first.
	// Empty means each batch but the last.
	After   []int
	Message string        // of an approval: what to look at before saying go
	Wait    time.Duration // of a soak
	// On is where the checks look: OnBatch, OnPlay, OnController or a pattern of
	// hosts of the inventory.
	On     string
	Checks []*Task
	Window Window
	Range  hcl.Range

	body *hclsyntax.Body
}

func (g *Gate) what() string { return fmt.Sprintf("The gate %q", g.Name) }

// Items are the gate's checks as items of a play.
func (g *Gate) Items() []Item {
	out := make([]Item, len(g.Checks))
	for i, t := range g.Checks {
		out[i] = t
	}
	return out
}

// gate reads gate "KIND" { … } or gate "KIND" "NAME" { … }.
func (tr *taskReader) gate(b *hclsyntax.Block) *Gate {
	rng := b.DefRange()
	if len(b.Labels) == 0 || len(b.Labels) > 2 {
		tr.set.Append(diag.Errorf("Wrong number of labels", &rng, "A gate is written gate \"KIND\" { … }, or gate \"KIND\" \"NAME\" { … } where a play has several of a kind; this one has %s.", count(len(b.Labels), "label")))
		return nil
	}
	g := &Gate{Kind: b.Labels[0], Name: b.Labels[len(b.Labels)-1], Range: rng, body: b.Body}
	attrs := map[string][]string{
		GateApproval: {"after", "message"}, GateSoak: {"after", "wait"}, GateCheck: {"after", "on"},
		GateWindow: {"days", "hours", "time_zone"},
	}[g.Kind]
	if attrs == nil {
		tr.set.Append(diag.Errorf("Unknown gate", &b.LabelRanges[0], "There is no gate %q; there are approval (a person says go), soak (time passes), check (checks pass) and window (a maintenance window).%s", g.Kind, diag.DidYouMean(g.Kind, gateKinds)))
		return nil
	}
	var blocks []string
	if g.Kind == GateCheck {
		blocks = []string{"check"}
	}
	r := reader{what: g.what(), body: b.Body, rng: rng, set: tr.set}
	r.only(attrs, blocks)
	missing := func(name, what string) {
		if r.expr(name) == nil {
			tr.set.Append(diag.Errorf("Missing argument", &g.Range, "%s needs the argument %q: %s.", g.what(), name, what))
		}
	}
	switch g.Kind {
	case GateSoak:
		missing("wait", "how long to wait before the next batch, for example \"30m\"")
	case GateWindow:
		missing("hours", "when work may begin, for example \"22:00-04:00\"")
	case GateCheck:
		for _, c := range b.Body.Blocks {
			if t := tr.task(c); t != nil && c.Type == "check" {
				g.Checks = append(g.Checks, t)
			}
		}
		if len(b.Body.Blocks) == 0 {
			tr.set.Append(diag.Errorf("Empty gate", &g.Range, "%s holds no check, so nothing could close it. Write check \"MODULE\" \"NAME\" { … } in it.", g.what()))
		}
	}
	return g
}

// settings fills in what may depend on variables.
func (g *Gate) settings(r reader) {
	if v, ok := r.constant("after", cty.List(cty.Number)); ok {
		g.After = []int{}
		for _, e := range v.AsValueSlice() {
			n, acc := e.AsBigFloat().Int64()
			if acc != 0 || n < 0 || n > 1e6 {
				rng := r.expr("after").Range()
				r.set.Append(diag.Errorf("Invalid value", &rng, "The argument \"after\" lists numbers of batches, counted from 1; 0 stands before the first batch."))
				break
			}
			g.After = append(g.After, int(n))
		}
	}
	switch g.Kind {
	case GateApproval:
		g.Message = r.str("message")
	case GateSoak:
		g.Wait = r.duration("wait")
	case GateCheck:
		if g.On = r.str("on"); g.On == "" {
			g.On = OnBatch
		}
	case GateWindow:
		g.Window = r.window()
	}
}
