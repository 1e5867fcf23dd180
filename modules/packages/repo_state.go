package packages

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// RepoState switches repositories on and off.
func RepoState() module.Info {
	return module.Info{
		Name:    "repo_state",
		Summary: "Enables and disables repositories that the host already has.",
		Doc: `Works on every file of /etc/yum.repos.d, whoever wrote it, and changes nothing but
the line "enabled". Use it to take the old distribution's and third-party
repositories out of the way of a migration, and to bring them back later.

"disable" wins over "enable"; "except" is left alone by both.`,
		Example: `task "repo_state" "only_openeuler" {
  disable = ["*"]
  except  = ["openeuler*"]
}
`,
		New: func() module.Step { return &repoState{} },
	}
}

type repoState struct {
	enable, disable, except []string
	disabled                []string
}

var (
	_ module.Step      = (*repoState)(nil)
	_ module.Validator = (*repoState)(nil)
	_ module.Reporter  = (*repoState)(nil)
)

func (s *repoState) Schema(b *schema.Block) {
	b.Strings(&s.enable, "enable", "Patterns of repositories to enable.")
	b.Strings(&s.disable, "disable", "Patterns of repositories to disable.")
	b.Strings(&s.except, "except", "Patterns of repositories to leave as they are.")
}

func (s *repoState) Results(r *schema.Results) {
	r.Strings(&s.disabled, "disabled", "Repositories this task disabled (or would).")
}

func (s *repoState) Validate() error {
	if len(s.enable)+len(s.disable) == 0 {
		return fmt.Errorf("One of the arguments \"enable\" and \"disable\" is needed.")
	}
	for _, globs := range [][]string{s.enable, s.disable, s.except} {
		if g := badGlob(globs); g != "" {
			return fmt.Errorf("%q is not a pattern; * and ? and [a-z] can be used.", g)
		}
	}
	return nil
}

// change is one file that must change.
type repoChange struct {
	path       string
	have, want string
	ids        []string // "-id" disabled, "+id" enabled
}

func (s *repoState) look(ctx context.Context, r host.Reader) ([]repoChange, error) {
	argv := []string{"/bin/sh", "-c", `for f in "$1"/*.repo; do [ -f "$f" ] && printf '%s\n' "$f"; done; :`, "sh", repoDir}
	res, err := r.Query(ctx, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return nil, err
	}
	var out []repoChange
	for _, path := range strings.Split(strings.TrimSpace(string(res.Stdout)), "\n") {
		if path == "" {
			continue
		}
		text, err := r.ReadFile(ctx, path)
		if err != nil {
			return nil, err
		}
		f := parseRepoFile(string(text))
		c := repoChange{path: path, have: string(text)}
		for _, id := range f.ids() {
			if matchAny(s.except, id) {
				continue
			}
			switch on := f.enabled(id); {
			case matchAny(s.disable, id):
				if on {
					f.set(id, "enabled", "0")
					c.ids = append(c.ids, "-"+id)
				}
			case matchAny(s.enable, id) && !on:
				f.set(id, "enabled", "1")
				c.ids = append(c.ids, "+"+id)
			}
		}
		if len(c.ids) > 0 {
			c.want = f.String()
			out = append(out, c)
		}
	}
	return out, nil
}

func (s *repoState) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	changes, err := s.look(ctx, r)
	var plan module.Plan
	s.disabled = nil
	for _, c := range changes {
		sort.Strings(c.ids)
		for _, id := range c.ids {
			ch := module.Change{Argument: "repository " + id[1:], From: "enabled", To: "disabled"}
			if id[0] == '+' {
				ch.From, ch.To = "disabled", "enabled"
			} else {
				s.disabled = append(s.disabled, id[1:])
			}
			plan = append(plan, ch)
		}
	}
	return plan, err
}

func (s *repoState) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	changes, err := s.look(ctx, h)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if err := h.WriteFile(ctx, c.path, []byte(c.want), host.Attr{}); err != nil {
			return err
		}
	}
	return nil
}
