package system

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Group keeps a group.
func Group() module.Info {
	return module.Info{
		Name:    "group",
		Summary: "Keeps a group of the host present or absent.",
		Doc: `Who belongs to the group is said with the module "user". Another gid for a group that
exists does not change who owns its files.`,
		Example: `task "group" "deploy" {
  gid = 1500
}
`,
		New: func() module.Step { return &group{state: "present"} },
	}
}

type group struct {
	name, state string
	gid         *int
	system      bool

	looked bool // Probe did, and nothing was done since
}

var (
	_ module.Step      = (*group)(nil)
	_ module.Named     = (*group)(nil)
	_ module.Validator = (*group)(nil)
)

// maxID is the largest uid or gid; the one above it means "none".
const maxID = 1<<32 - 3

// SetName makes the name of the task the group.
func (s *group) SetName(name string) { s.name = name }

func (s *group) Schema(b *schema.Block) {
	b.String(&s.name, "name", "Name of the group; the name of the task if not given.", schema.Match(accountName, accountWords))
	b.String(&s.state, "state", "Whether the group exists.", schema.OneOf("present", "absent"))
	b.OptInt(&s.gid, "gid", "Its number; the next free one for a new group if not given.", schema.Between(0, maxID))
	b.Bool(&s.system, "system", "Take the number of a new group from the range of the system.")
}

func (s *group) Validate() error {
	if s.state == "absent" && (s.gid != nil || s.system) {
		return errors.New("The arguments \"gid\" and \"system\" belong to state = \"present\".")
	}
	return nil
}

func (s *group) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	line, err := entry(ctx, r, "group", s.name)
	if err != nil {
		return nil, err
	}
	s.looked = true
	if line == "" {
		if s.state == "absent" {
			return nil, nil
		}
		return module.Plan{{Argument: "state", From: "absent", To: "present"}}, nil
	}
	g, err := parseGroup(line)
	switch {
	case err != nil:
		return nil, err
	case s.state == "absent":
		return module.Plan{{Argument: "state", From: "present", To: "absent"}}, nil
	case s.gid != nil && *s.gid != g.gid:
		return module.Plan{{Argument: "gid", From: fmt.Sprint(g.gid), To: fmt.Sprint(*s.gid)}}, nil
	}
	return nil, nil
}

// Apply goes by what Probe saw, or looks itself, so that what an interrupted run
// did is not done twice.
func (s *group) Apply(ctx context.Context, h host.Host, plan module.Plan) error {
	if !s.looked {
		var err error
		if plan, err = s.Probe(ctx, h); err != nil {
			return err
		}
	}
	s.looked = false
	if len(plan) == 0 {
		return nil
	}
	switch {
	case s.state == "absent":
		return once(ctx, h, "groupdel", "--", s.name)
	case plan[0].Argument == "gid":
		return once(ctx, h, "groupmod", "-g", fmt.Sprint(*s.gid), "--", s.name)
	}
	argv := []string{"groupadd"}
	if s.system {
		argv = append(argv, "-r")
	}
	if s.gid != nil {
		argv = append(argv, "-g", fmt.Sprint(*s.gid))
	}
	return once(ctx, h, append(argv, "--", s.name)...)
}

// groupEntry is one line of the group database.
type groupEntry struct {
	name    string
	gid     int
	members []string
}

func parseGroup(line string) (groupEntry, error) {
	f := strings.Split(strings.TrimRight(line, "\n"), ":")
	if len(f) != 4 {
		return groupEntry{}, fmt.Errorf("getent printed a group that is not understood: %q", host.Shorten(line, 120))
	}
	gid, err := strconv.ParseUint(f[2], 10, 32)
	if err != nil {
		return groupEntry{}, fmt.Errorf("getent printed a group that is not understood: %q", host.Shorten(line, 120))
	}
	g := groupEntry{name: f[0], gid: int(gid)}
	for _, m := range strings.Split(f[3], ",") {
		if m != "" {
			g.members = append(g.members, m)
		}
	}
	return g, nil
}
