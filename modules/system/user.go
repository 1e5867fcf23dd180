package system

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// User keeps a user.
func User() module.Info {
	return module.Info{
		Name:    "user",
		Summary: "Keeps a user of the host present or absent, with groups, shell, password and keys.",
		Doc: `What is not given is left as it is. "groups" and "authorized_keys" add to what the
user has and take nothing away. A key counts as there if the key itself is, whatever its
options and comment.

A new user gets a home directory, but for one with system = true and no keys. Another
"home" or "uid" for a user who exists does not move or change files.

"password_hash" is the hash, not the password: openssl passwd -6 makes one. "!" locks
the password.`,
		Example: `task "user" "deploy" {
  groups          = ["wheel"]
  shell           = "/bin/bash"
  authorized_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKs2qHfS0xHLfS3BUc1S8jH7yN1jIcvGLrs1QYOVZf6B ops"]
}
`,
		New: func() module.Step { return &user{state: "present"} },
	}
}

type user struct {
	name, state        string
	uid                *int
	group, shell, home string
	groups             []string
	system, removeHome bool
	passwordHash       string
	keys               []string

	seen   *account // by Probe, nil if there is no such user
	looked bool     // Probe did, and nothing was done since
	added  bool     // useradd succeeded
}

var (
	_ module.Step      = (*user)(nil)
	_ module.Named     = (*user)(nil)
	_ module.Validator = (*user)(nil)
)

var hashForm = regexp.MustCompile(`^(\$[^:\s]+|[!*]+|![^:\s]+)$`)

// SetName makes the name of the task the user.
func (s *user) SetName(name string) { s.name = name }

func (s *user) Schema(b *schema.Block) {
	b.String(&s.name, "name", "Name of the user; the name of the task if not given.", schema.Match(accountName, accountWords))
	b.String(&s.state, "state", "Whether the user exists.", schema.OneOf("present", "absent"))
	b.OptInt(&s.uid, "uid", "Number of the user; the next free one for a new user if not given.", schema.Between(0, maxID))
	b.String(&s.group, "group", "Primary group, which must exist; one of the user's name for a new user if not given.", schema.Match(accountName, accountWords))
	b.Strings(&s.groups, "groups", "Further groups the user must belong to; they must exist.", schema.Match(accountName, accountWords))
	b.String(&s.shell, "shell", "Login shell.", schema.AbsPath)
	b.String(&s.home, "home", "Home directory.", schema.AbsPath)
	b.Bool(&s.system, "system", "Take the number of a new user from the range of the system.")
	b.String(&s.passwordHash, "password_hash", "Hash of the password as in /etc/shadow.", schema.Sensitive)
	b.Strings(&s.keys, "authorized_keys", "Keys that may log in as the user, as lines of authorized_keys.")
	b.Bool(&s.removeHome, "remove_home", "With state = \"absent\", remove the home directory and the mail too.")
}

func (s *user) Validate() error {
	if s.state == "absent" {
		switch {
		case s.name == "root":
			return errors.New("The user root cannot be made absent.")
		case s.uid != nil || s.group+s.shell+s.home+s.passwordHash != "" || len(s.groups)+len(s.keys) > 0 || s.system:
			return errors.New("With state = \"absent\" only \"name\" and \"remove_home\" can be given.")
		}
		return nil
	}
	switch {
	case s.removeHome:
		return errors.New("The argument \"remove_home\" belongs to state = \"absent\".")
	case s.passwordHash != "" && !hashForm.MatchString(s.passwordHash):
		return errors.New("The argument \"password_hash\" is not the hash of a password, which begins with $. Make one with: openssl passwd -6")
	case strings.ContainsAny(s.shell+s.home, ":\n"):
		return errors.New("The arguments \"shell\" and \"home\" cannot contain a colon or a line break.")
	}
	for i, k := range s.keys {
		if strings.ContainsAny(k, "\n\r") || keyBlob(k) == "" || strings.HasPrefix(strings.TrimSpace(k), "#") {
			return fmt.Errorf("Element %d of \"authorized_keys\" is not a public key on one line, such as \"ssh-ed25519 AAAA… comment\".", i+1)
		}
	}
	return nil
}

// account is what the host knows of the user.
type account struct {
	passwdEntry
	group    string   // name of the primary group
	groups   []string // names of all groups
	hash     string
	keysFile string // content of authorized_keys
}

// look asks the host about the user; nil means there is none.
func (s *user) look(ctx context.Context, r host.Reader) (*account, error) {
	line, err := entry(ctx, r, "passwd", s.name)
	if err != nil || line == "" {
		return nil, err
	}
	a := &account{}
	if a.passwdEntry, err = parsePasswd(line); err != nil || s.state == "absent" {
		return a, err
	}
	if s.group != "" {
		out, err := query(ctx, r, "id", "-gn", "--", s.name)
		if err != nil {
			return nil, err
		}
		a.group = strings.TrimSpace(out)
	}
	if len(s.groups) > 0 {
		out, err := query(ctx, r, "id", "-Gn", "--", s.name)
		if err != nil {
			return nil, err
		}
		a.groups = strings.Fields(out)
	}
	if s.passwordHash != "" {
		line, err := entry(ctx, r, "shadow", s.name)
		if err != nil {
			return nil, err
		}
		if f := strings.Split(line, ":"); len(f) > 1 {
			a.hash = f[1]
		}
	}
	if len(s.keys) > 0 && path.IsAbs(a.home) {
		if a.keysFile, err = readKeys(ctx, r, a.home); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (s *user) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	a, err := s.look(ctx, r)
	if err != nil {
		return nil, err
	}
	s.seen, s.looked = a, true
	return s.compare(a)
}

// compare lists what must change; a is nil if there is no such user.
func (s *user) compare(a *account) (module.Plan, error) {
	switch {
	case s.state == "absent" && a == nil:
		return nil, nil
	case s.state == "absent":
		return module.Plan{{Argument: "state", From: "present", To: "absent"}}, nil
	}
	var p module.Plan
	if a == nil {
		p = append(p, module.Change{Argument: "state", From: "absent", To: "present"})
		a = &account{passwdEntry: passwdEntry{uid: -1}}
	} else if a.uid == 0 && s.name == "root" && s.uid != nil && *s.uid != 0 {
		return nil, errors.New("the user root has the uid 0 and cannot have another")
	}
	change := func(argument, have, want string) {
		if want != "" && have != want {
			p = append(p, module.Change{Argument: argument, From: have, To: want})
		}
	}
	if s.uid != nil && *s.uid != a.uid {
		from := ""
		if a.uid >= 0 {
			from = fmt.Sprint(a.uid)
		}
		p = append(p, module.Change{Argument: "uid", From: from, To: fmt.Sprint(*s.uid)})
	}
	change("group", a.group, s.group)
	if miss := missing(s.groups, a.groups); len(miss) > 0 {
		p = append(p, module.Change{Argument: "groups", To: "also " + strings.Join(miss, ", ")})
	}
	change("home", a.home, s.home)
	change("shell", a.shell, s.shell)
	if s.passwordHash != "" && s.passwordHash != a.hash {
		p = append(p, module.Change{Argument: "password_hash", Sensitive: true})
	}
	if miss := missingKeys(s.keys, a.keysFile); len(miss) > 0 {
		var names []string
		for _, k := range miss {
			names = append(names, keyTitle(k))
		}
		p = append(p, module.Change{Argument: "authorized_keys", To: "also " + strings.Join(names, ", ")})
	}
	return p, nil
}

// missing returns what of want is not in have.
func missing(want, have []string) []string {
	var out []string
	for _, w := range want {
		if !slices.Contains(have, w) && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// Apply goes by what Probe saw, or looks itself, so that what an interrupted run
// did is not done twice. useradd refuses if the user came into being meanwhile.
func (s *user) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	a := s.seen
	if !s.looked {
		var err error
		if a, err = s.look(ctx, h); err != nil {
			return err
		}
	}
	s.looked = false
	switch {
	case s.state == "absent" && a == nil:
		return nil
	case s.state == "absent" && s.removeHome:
		return once(ctx, h, "userdel", "-r", "--", s.name)
	case s.state == "absent":
		return once(ctx, h, "userdel", "--", s.name)
	case a == nil:
		return s.create(ctx, h)
	}
	var opts []string
	if s.uid != nil && *s.uid != a.uid {
		opts = append(opts, "-u", fmt.Sprint(*s.uid))
	}
	if s.group != "" && s.group != a.group {
		opts = append(opts, "-g", s.group)
	}
	if miss := missing(s.groups, a.groups); len(miss) > 0 {
		opts = append(opts, "-a", "-G", strings.Join(miss, ","))
	}
	if s.home != "" && s.home != a.home {
		opts = append(opts, "-d", s.home)
	}
	if s.shell != "" && s.shell != a.shell {
		opts = append(opts, "-s", s.shell)
	}
	if len(opts) > 0 {
		// Setting the same again is no harm.
		if err := do(ctx, h, append(append([]string{"usermod"}, opts...), "--", s.name)...); err != nil {
			return err
		}
	}
	if s.passwordHash != "" && s.passwordHash != a.hash {
		if err := s.setHash(ctx, h); err != nil {
			return err
		}
	}
	return s.addKeys(ctx, h)
}

// passwdEntry is one line of the user database.
type passwdEntry struct {
	uid, gid    int
	home, shell string
}

func parsePasswd(line string) (passwdEntry, error) {
	f := strings.Split(strings.TrimRight(line, "\n"), ":")
	bad := fmt.Errorf("getent printed a user that is not understood: %q", host.Shorten(line, 120))
	if len(f) != 7 {
		return passwdEntry{}, bad
	}
	uid, err1 := strconv.ParseUint(f[2], 10, 32)
	gid, err2 := strconv.ParseUint(f[3], 10, 32)
	if err1 != nil || err2 != nil {
		return passwdEntry{}, bad
	}
	return passwdEntry{uid: int(uid), gid: int(gid), home: f[5], shell: f[6]}, nil
}
