package module

import (
	"fmt"
	"sort"
)

// Registry holds the modules a playbook can use. Steps and checks have separate
// names: task "service" and check "service" are different modules.
type Registry struct {
	steps  map[string]Info
	checks map[string]Info
}

// NewRegistry returns a registry of these modules. It panics if an Info is
// incomplete or a name is taken, which is a bug in the list.
func NewRegistry(infos ...Info) *Registry {
	r := &Registry{steps: map[string]Info{}, checks: map[string]Info{}}
	for _, i := range infos {
		m := r.steps
		if i.NewCheck != nil {
			m = r.checks
		}
		_, taken := m[i.Name]
		switch {
		case i.Name == "" || i.Summary == "":
			panic(fmt.Sprintf("module: %q has no name or no summary", i.Name))
		case (i.New == nil) == (i.NewCheck == nil):
			panic(fmt.Sprintf("module: %q must have exactly one of New and NewCheck", i.Name))
		case taken:
			panic(fmt.Sprintf("module: the %s %q is registered twice", i.Kind(), i.Name))
		}
		m[i.Name] = i
	}
	return r
}

// Step returns the module for task "name".
func (r *Registry) Step(name string) (Info, bool) { i, ok := r.steps[name]; return i, ok }

// Check returns the module for check "name".
func (r *Registry) Check(name string) (Info, bool) { i, ok := r.checks[name]; return i, ok }

// StepNames returns the names usable with task and handler, sorted.
func (r *Registry) StepNames() []string { return sortedKeys(r.steps) }

// CheckNames returns the names usable with check, sorted.
func (r *Registry) CheckNames() []string { return sortedKeys(r.checks) }

// All returns every module: steps first, each part sorted by name.
func (r *Registry) All() []Info {
	var out []Info
	for _, n := range r.StepNames() {
		out = append(out, r.steps[n])
	}
	for _, n := range r.CheckNames() {
		out = append(out, r.checks[n])
	}
	return out
}

func sortedKeys(m map[string]Info) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
