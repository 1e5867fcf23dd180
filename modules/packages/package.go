package packages

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"

	"github.com/ferry-ops/ferry/modules/internal/rpm"
)

// Package installs, updates and removes packages.
func Package() module.Info {
	return module.Info{
		Name:    "package",
		Summary: "Installs, updates or removes packages with dnf or yum.",
		Doc: `Removing a package never takes others with it silently: packages that depend on the
ones named must match "allow_removal", or the task stops and names them.

The transaction runs as a detached job and is found again by a later run. Tasks that
follow one another directly and install packages that are missing share one
transaction; if that fails, each has its own.

state = "latest" asks the repositories on every run, which takes seconds; "present"
asks only the rpm database.`,
		Example: `task "package" "tools" {
  names = ["rsync", "tar"]
}
`,
		Effects: module.ReplacesPackages,
		New:     func() module.Step { return &packageStep{state: "present", timeout: time.Hour} },
	}
}

type packageStep struct {
	names, repos, allowRemoval []string
	state                      string
	timeout                    time.Duration
	installed                  map[string]string
	absent                     []string // what Probe saw is missing
	settled                    bool     // and no transaction is to be concluded
	progress                   func(string)
}

var (
	_ module.Step      = (*packageStep)(nil)
	_ module.Named     = (*packageStep)(nil)
	_ module.Reporter  = (*packageStep)(nil)
	_ module.Validator = (*packageStep)(nil)
	_ module.Progress  = (*packageStep)(nil)
	_ module.Joiner    = (*packageStep)(nil)
)

var packageName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.+~^:-]*$`)

// SetName makes the name of the task the package.
func (s *packageStep) SetName(name string) { s.names = []string{name} }

func (s *packageStep) Schema(b *schema.Block) {
	b.Strings(&s.names, "names", "Names of packages; the name of the task if not given.", schema.NonEmpty, schema.Match(packageName, "the name of a package"))
	b.String(&s.state, "state", "State the packages must be in.", schema.OneOf("present", "absent", "latest"))
	b.Strings(&s.repos, "repos", "Repositories to take packages from; all others are left out.")
	b.Strings(&s.allowRemoval, "allow_removal", "Patterns of other packages that may be removed with them.")
	b.Duration(&s.timeout, "job_timeout", "How long the transaction may take on the host.")
}

func (s *packageStep) Results(r *schema.Results) {
	r.StringMap(&s.installed, "versions", "Versions of the named packages that are installed.")
}

func (s *packageStep) SetProgress(f func(string)) { s.progress = f }

// Solitary implements module.Solitary: all but a look at what is installed takes
// the package manager's lock.
func (s *packageStep) Solitary() bool { return s.state != "present" }

func (s *packageStep) Validate() error {
	if g := badGlob(s.allowRemoval); g != "" {
		return fmt.Errorf("The argument \"allow_removal\" holds %q, which is not a pattern.", g)
	}
	if len(s.allowRemoval) > 0 && s.state != "absent" {
		return errors.New("The argument \"allow_removal\" belongs to state = \"absent\".")
	}
	return nil
}

func (s *packageStep) jobKey() string {
	sum := sha256.Sum256([]byte(s.state + "\x00" + strings.Join(s.names, "\x00") + "\x00" + strings.Join(s.repos, "\x00")))
	return fmt.Sprintf("package-%s-%x", s.state, sum[:6])
}

// look returns the installed and the missing of the named packages.
func (s *packageStep) look(ctx context.Context, r host.Reader) (have map[string]string, missing []string, err error) {
	have = map[string]string{}
	argv := rpm.QueryArgv(s.names)
	res, err := r.AskShared(ctx, rpm.Question(s.names))
	if err != nil {
		return nil, nil, rpm.Explain(err)
	}
	var lines []string
	for line := range strings.Lines(string(res.Stdout)) {
		line = strings.TrimRight(line, "\n")
		if name, ok := strings.CutSuffix(line, " is not installed"); ok {
			missing = append(missing, strings.TrimPrefix(name, "package "))
			continue
		}
		lines = append(lines, line)
	}
	if res.Code != len(missing) && res.Code != 0 && len(missing) == 0 {
		return nil, nil, &host.CommandError{Argv: argv, Result: res}
	}
	pkgs, err := rpm.Parse(strings.Join(lines, "\n"))
	if err == nil && len(pkgs)+len(missing) == 0 {
		err = &host.CommandError{Argv: argv, Result: res}
	}
	for _, p := range pkgs {
		have[p.Name] = p.EVR()
	}
	return have, missing, err
}

func (s *packageStep) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	mgr, err := manager(ctx, r, "")
	if err != nil {
		return nil, err
	}
	if pending, err := r.JobPending(ctx, s.jobKey()); err != nil {
		return nil, err
	} else if pending {
		return module.Plan{{Argument: "transaction", To: "one that was started earlier is to be concluded"}}, nil
	}
	have, missing, err := s.look(ctx, r)
	if err != nil {
		return nil, err
	}
	s.installed, s.absent, s.settled = have, missing, true
	var p module.Plan
	switch s.state {
	case "absent":
		for _, n := range slices.Sorted(mapKeys(have)) {
			p = append(p, module.Change{Argument: "package " + n, From: have[n], To: "absent"})
		}
		if len(p) > 0 {
			return s.gateRemoval(ctx, r, mgr, p)
		}
	default:
		for _, n := range missing {
			p = append(p, module.Change{Argument: "package " + n, From: "absent", To: "installed"})
		}
		if s.state == "latest" && len(missing) < len(s.names) {
			updates, err := s.updates(ctx, r, mgr)
			if err != nil {
				return nil, err
			}
			for _, n := range slices.Sorted(mapKeys(updates)) {
				p = append(p, module.Change{Argument: "package " + n, From: have[n], To: updates[n]})
			}
		}
	}
	return p, nil
}

// reposOf are names of packages that bring repositories or change how packages
// are chosen, so that what follows them must be resolved after them.
var reposOf = regexp.MustCompile(`(^|-)(release|repos?|repository)(-|[0-9]|$)|^(dnf|yum|libdnf)([-0-9]|$)`)

func altersRepos(name string) bool { return reposOf.MatchString(name) }

// Join implements module.Joiner: what is missing of both is installed in one
// transaction, since starting dnf takes longer than most installations.
func (s *packageStep) Join(next module.Step) (module.Step, bool) {
	n, ok := next.(*packageStep)
	if !ok || s.state != "present" || n.state != "present" || !s.settled || !n.settled || !slices.Equal(s.repos, n.repos) || slices.ContainsFunc(s.absent, altersRepos) {
		return nil, false
	}
	both := &packageStep{state: "present", repos: s.repos, timeout: max(s.timeout, n.timeout), settled: true}
	for _, name := range slices.Concat(s.absent, n.absent) {
		if !slices.Contains(both.names, name) {
			both.names = append(both.names, name)
		}
	}
	both.absent = both.names
	s.settled = false // if s acts after all, it is because acting together failed: it looks again
	return both, true
}

// updates asks the repositories for newer versions; exit code 100 says there are.
func (s *packageStep) updates(ctx context.Context, r host.Reader, mgr string) (map[string]string, error) {
	argv := append(append([]string{mgr, "-q", "check-update"}, repoArgs(s.repos)...), s.names...)
	res, err := r.Query(ctx, argv...)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	switch res.Code {
	case 0:
		return out, nil
	case 100:
	default:
		return nil, &host.CommandError{Argv: argv, Result: res}
	}
	words := strings.Fields(string(res.Stdout))
	for i := 0; i+2 < len(words); i += 3 { // name.arch version repository
		if words[i] == "Obsoleting" {
			break
		}
		name := words[i]
		if j := strings.LastIndexByte(name, '.'); j > 0 {
			name = name[:j]
		}
		if slices.Contains(s.names, name) {
			out[name] = words[i+1]
		}
	}
	return out, nil
}

// gateRemoval refuses a removal that would take more with it than allowed.
func (s *packageStep) gateRemoval(ctx context.Context, r host.Reader, mgr string, p module.Plan) (module.Plan, error) {
	argv := append([]string{"/bin/sh", "-c", `LC_ALL=C "$@" --assumeno --setopt=clean_requirements_on_remove=0 2>&1`, "sh", mgr, "remove"}, s.names...)
	res, err := r.Query(ctx, argv...)
	if err != nil {
		return nil, err
	}
	t, err := parseTransaction(string(res.Stdout))
	if err != nil {
		return nil, err
	}
	if len(t.Remove) == 0 {
		return nil, fmt.Errorf("%s would not remove the packages:\n    %s", mgr, indent(lastText(string(res.Stdout), 10)))
	}
	var refused []string
	for _, i := range t.Remove {
		switch {
		case slices.Contains(s.names, i.Name):
		case matchAny(s.allowRemoval, i.Name):
			p = append(p, module.Change{Argument: "package " + i.Name, From: i.EVR, To: "absent (it depends on one of the others)"})
		default:
			refused = append(refused, i.Name+"-"+i.EVR)
		}
	}
	if len(refused) > 0 {
		return nil, fmt.Errorf("removing %s would take with it what depends on them:\n    %s\nAdd what may go to \"allow_removal\"", strings.Join(s.names, ", "), strings.Join(refused, "\n    "))
	}
	return p, nil
}

func (s *packageStep) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	mgr, err := manager(ctx, h, "")
	if err != nil {
		return err
	}
	names := s.names
	if s.state == "present" {
		// Only what is missing: yum would update the others. What Probe saw holds
		// once; whoever calls again has acted.
		missing := s.absent
		if !s.settled {
			if _, missing, err = s.look(ctx, h); err != nil {
				return err
			}
		}
		s.settled = false
		if len(missing) > 0 {
			names = missing
		}
	}
	verbs := map[string][]string{
		"present": {"install"},
		"latest":  {"install"},
		"absent":  {"remove", "--setopt=clean_requirements_on_remove=0"},
	}[s.state]
	argv := append([]string{mgr, "-y"}, repoArgs(s.repos)...)
	argv = append(append(argv, verbs...), names...)
	script := "export LC_ALL=C\n" + shellLine(argv...)
	if s.state == "latest" {
		argv[len(argv)-len(names)-1] = map[string]string{"dnf": "upgrade", "yum": "update"}[mgr]
		script += "[ $? = 0 ] || exit 1\n" + shellLine(argv...)
	}
	job := host.Job{Key: s.jobKey(), Script: script, Timeout: s.timeout, Output: s.progress}
	res, err := runJob(ctx, h, "the package transaction", job)
	if res.Adopted && s.state == "present" {
		// It may be an old one that nobody collected, from before the host was changed.
		if _, missing, lerr := s.look(ctx, h); lerr != nil || len(missing) == 0 {
			return lerr
		}
		_, err = runJob(ctx, h, "the package transaction", job)
	}
	return err
}
