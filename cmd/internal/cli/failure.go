package cli

import (
	"bytes"
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/event"
)

// failureText renders the failure of a task on these hosts as a diagnostic at
// its place.
func (a *app) failureText(e event.Event, hosts []string, sources map[string][]byte) string {
	set := diag.Set{Sources: sources}
	set.Append(failureDiag(e, hosts))
	var b bytes.Buffer
	_ = diag.Render(&b, set, diag.Options{Color: a.color(a.out), Width: width(a.out)})
	return b.String()
}

func failureDiag(e event.Event, hosts []string) *hcl.Diagnostic {
	if e.Status == event.Unreachable && e.Error.Address != "" { // not the fault of the task that needed the host first
		who := diag.HostList(hosts)
		if len(hosts) == 1 {
			who = fmt.Sprintf("%s (%s)", who, e.Error.Address)
		}
		return diag.Errorf(e.Error.Summary, nil, "%s: %s", who, e.Error.Detail)
	}
	var rng *hcl.Range
	if e.Error.File != "" {
		at := hcl.Pos{Line: e.Error.Line} // without a column the whole line is meant
		rng = &hcl.Range{Filename: e.Error.File, Start: at, End: at}
	}
	d := diag.Errorf(e.Error.Summary, rng, "%s", e.Error.Detail)
	phase := ""
	switch {
	case len(e.Error.Argv) > 0 && len(e.Changes) > 0:
		phase = "changing the host"
	case len(e.Error.Argv) > 0:
		phase = "looking at the host"
	}
	d.Extra = &diag.RunFailure{Hosts: hosts, Address: e.Task, Phase: phase, Argv: e.Error.Argv, Exit: e.Error.Exit, Output: e.Error.Output}
	return d
}
