package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/cmd/internal/view"
	"github.com/ferry-ops/ferry/engine"
	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/inventory"
)

// validateFlags are the flags of ferry validate.
type validateFlags struct {
	vars, varFiles []string
	json           bool
}

// validation is what ferry validate --json prints.
type validation struct {
	Kind      string         `json:"kind"`
	Playbooks []validatedOne `json:"playbooks"`
	diag.Document
}

// validatedOne is one playbook without errors of its own.
type validatedOne struct {
	Path  string `json:"path"`
	Name  string `json:"name"`
	Plays int    `json:"plays"`
	Tasks int    `json:"tasks"`
	Hosts *int   `json:"hosts,omitempty"` // hosts the plays select, where an inventory was given
}

func (a *app) validateCommand() *cobra.Command {
	var f validateFlags
	cmd := &cobra.Command{
		Use:   "validate PLAYBOOK …",
		Short: "Check playbooks without touching a host, also against variables and an inventory",
		Long: `Checks playbooks and prints every mistake at once, sorted by place. No host is contacted.

With --var and --var-file the values are checked too. With --inventory (or $FERRY_INVENTORY) the inventory is checked,
the host patterns of the plays, and that every selected host has valid values for all variables.`,
		Example: `  ferry validate playbooks/*
  ferry validate migrate --var-file prod.hcl -i inventory.hcl`,
		Args:              between(1, -1),
		ValidArgsFunction: completePlaybook,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.validate(cmd.Context(), args, f)
		},
	}
	fs := cmd.Flags()
	a.varFlags(cmd, &f.vars, &f.varFiles)
	fs.BoolVar(&f.json, "json", false, "print one JSON document")
	return cmd
}

func (a *app) validate(ctx context.Context, paths []string, f validateFlags) error {
	var set diag.Set
	out := validation{Kind: "validation", Playbooks: []validatedOne{}}
	var inv *inventory.Inventory
	if named := a.namedInventories(); len(named) > 0 {
		loaded, more := inventory.Load(ctx, named, inventory.Options{Secrets: a.keyring(), Facts: a.facts()})
		if !more.HasErrors() {
			inv = loaded
		}
		set.Merge(more)
	}
	for _, p := range paths {
		one, more := a.validateOne(p, f, inv)
		set.Merge(more)
		if one != nil {
			out.Playbooks = append(out.Playbooks, *one)
		}
	}
	set.Sort()
	set.Diags = slices.CompactFunc(set.Diags, diag.Same) // two playbooks may share a file of values
	if f.json {
		out.Document = diag.NewDocument(set)
		if err := json.NewEncoder(a.out).Encode(out); err != nil {
			return err
		}
	} else {
		if len(set.Diags) > 0 {
			a.show(set)
		}
		for _, o := range out.Playbooks {
			fmt.Fprintf(a.out, "%s is valid: %s, %s", o.Name, view.Count(o.Plays, "play"), view.Count(o.Tasks, "task"))
			if o.Hosts != nil {
				fmt.Fprintf(a.out, ", %s", view.Count(*o.Hosts, "host"))
			}
			fmt.Fprintln(a.out, ".")
		}
	}
	if set.SecretProblem() {
		return &codeError{code: exitSecret}
	}
	if set.HasErrors() {
		return &codeError{code: exitInvalid}
	}
	return nil
}

// validateOne checks one playbook; without errors it is described.
func (a *app) validateOne(path string, f validateFlags, inv *inventory.Inventory) (*validatedOne, diag.Set) {
	pb, set := playbook.Load(path, a.reg, Version(), playbook.WithSecrets(a.keyring()), playbook.Keep())
	if pb == nil {
		return nil, set
	}
	broken := set.HasErrors()
	g, more := pb.Globals(playbook.Inputs{Files: f.varFiles, Vars: f.vars, YAML: engine.YAMLVariables(a.keyring()),
		SkipSecrets: inv == nil && len(f.varFiles) == 0})
	set.Merge(more)
	if broken { // its plays may lack anything
		return nil, set
	}
	out := &validatedOne{Path: path, Name: pb.Name, Plays: len(pb.Plays)}
	for _, p := range pb.Plays {
		playbook.Walk(p.Items, func(*playbook.Task) { out.Tasks++ })
		out.Tasks += len(p.Handlers)
	}
	if inv != nil {
		plays, more := engine.Hosts(engine.Config{Playbook: pb, Globals: g, Inventory: inv})
		set.Merge(more)
		hosts := map[string]bool{}
		for _, p := range plays {
			for _, h := range p.Hosts {
				hosts[h.Name] = true
			}
		}
		n := len(hosts)
		out.Hosts = &n
	}
	if set.HasErrors() {
		return nil, set
	}
	return out, set
}
