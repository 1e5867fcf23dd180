package engine

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/source"
)

// GetOptions say how the sources of a playbook are fetched.
type GetOptions struct {
	Update bool     // choose anew what is pinned
	Names  []string // of the uses and stacks to choose anew; empty means all
	Tell   func(source.Entry, source.State)
}

// Got is what Get found.
type Got struct {
	Sources     int
	LockChanged bool
	LockFile    string
}

// Get fetches the remote sources of a playbook, those of the sets it uses too,
// and pins them in its lock file. What was fetched is pinned even if the set
// holds errors.
func Get(ctx context.Context, path string, reg *module.Registry, version string, o GetOptions) (Got, diag.Set) {
	dir := playbookDir(path)
	out := Got{LockFile: filepath.Join(dir, source.LockName)}
	var set diag.Set
	fail := func(err error) (Got, diag.Set) {
		summary, detail := source.Explain(err)
		set.Append(diag.Errorf(summary, nil, "%s", detail))
		return out, set
	}
	old, err := source.ReadLock(dir)
	if err != nil {
		return fail(err)
	}
	var met []string
	f := &source.Fetcher{Dir: dir, Old: old, Context: ctx, Tell: o.Tell, Update: func(name string) bool {
		return o.Update && (len(o.Names) == 0 || slices.Contains(o.Names, name))
	}}
	names := recorded{f, &met}
	_, set = playbook.Load(path, reg, version, playbook.WithSources(names))
	lock := f.Lock()
	out.Sources = len(lock.Entries)
	if set.HasErrors() { // what could not be met keeps its place
		for _, e := range old.Entries {
			lock.Keep(e)
		}
	}
	for _, n := range o.Names {
		if !slices.Contains(met, n) {
			set.Append(diag.Errorf("Unknown name", nil, "The playbook has no use and no stack %q whose source is fetched.%s", n, diag.DidYouMean(n, met)))
		}
	}
	if out.LockChanged, err = source.WriteLock(dir, lock); err != nil {
		return fail(err)
	}
	return out, set
}

// recorded notes the names of all requests.
type recorded struct {
	f   *source.Fetcher
	met *[]string
}

func (r recorded) Tree(q source.Request) (string, error) {
	*r.met = append(*r.met, q.Name)
	return r.f.Tree(q)
}

// playbookDir is the directory beside whose files a playbook's lock file lies.
func playbookDir(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if strings.HasSuffix(path, ".hcl") {
		return filepath.Dir(path)
	}
	return path
}
