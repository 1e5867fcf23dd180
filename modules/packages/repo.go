package packages

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

const repoDir = "/etc/yum.repos.d"

// Repo declares a package repository.
func Repo() module.Info {
	return module.Info{
		Name:    "repo",
		Summary: "Declares a package repository, or removes one.",
		Doc: `Writes the section of the repository in a file of /etc/yum.repos.d. Settings of the
section that are not mentioned stay as they are.

Packages from a repository are checked against its key. There is no way to switch
that off without another proof: "gpgcheck = false" needs "repo_gpgcheck = true",
which checks the signature of the repository's metadata instead.`,
		Example: `task "repo" "openeuler" {
  title   = "openEuler 22.03-LTS-SP4, OS"
  baseurl = ["https://repo.openeuler.org/openEuler-22.03-LTS-SP4/OS/${facts.arch}/"]
  gpgkey  = ["https://repo.openeuler.org/openEuler-22.03-LTS-SP4/OS/${facts.arch}/RPM-GPG-KEY-openEuler"]
}
`,
		New: func() module.Step { return &repo{state: "present", enabled: true, gpgcheck: true} },
	}
}

type repo struct {
	id, file, title, state       string
	baseurl, gpgkey, exclude     []string
	metalink, mirrorlist, proxy  string
	enabled, gpgcheck, repoCheck bool
	priority                     *int
}

var (
	_ module.Step      = (*repo)(nil)
	_ module.Named     = (*repo)(nil)
	_ module.Validator = (*repo)(nil)
)

var repoID = regexp.MustCompile(`^[A-Za-z0-9_.:-]+$`)

// SetName makes the name of the task the id of the repository.
func (s *repo) SetName(name string) { s.id = name }

func (s *repo) Schema(b *schema.Block) {
	b.String(&s.id, "id", "Id of the repository; the name of the task if not given.", schema.Match(repoID, "an id of letters, digits, _ . : -"))
	b.String(&s.state, "state", "Whether the repository is declared.", schema.OneOf("present", "absent"))
	b.String(&s.title, "title", "Name for people.")
	b.Strings(&s.baseurl, "baseurl", "Addresses of the repository.")
	b.String(&s.metalink, "metalink", "Address of a list of mirrors, as metalink.")
	b.String(&s.mirrorlist, "mirrorlist", "Address of a list of mirrors, as text.")
	b.Strings(&s.gpgkey, "gpgkey", "Addresses or paths of the keys packages are signed with.")
	b.Bool(&s.gpgcheck, "gpgcheck", "Check the signatures of packages.")
	b.Bool(&s.repoCheck, "repo_gpgcheck", "Check the signature of the repository's metadata.")
	b.Bool(&s.enabled, "enabled", "Whether the repository is used when nobody asks for it.")
	b.OptInt(&s.priority, "priority", "Lower numbers win over higher ones (dnf's default is 99).", schema.Between(1, 999))
	b.Strings(&s.exclude, "exclude", "Patterns of packages not to take from here.")
	b.String(&s.proxy, "proxy", "Proxy to reach the repository through.", schema.MaySensitive)
	b.String(&s.file, "file", "File to write; /etc/yum.repos.d/ID.repo if not given.", schema.AbsPath)
}

func (s *repo) Validate() error {
	sources := 0
	for _, set := range []bool{len(s.baseurl) > 0, s.metalink != "", s.mirrorlist != ""} {
		if set {
			sources++
		}
	}
	switch {
	case s.state == "absent":
		return nil
	case sources == 0:
		return errors.New("A repository needs one of the arguments \"baseurl\", \"metalink\" and \"mirrorlist\", which say where its packages are.")
	case !s.gpgcheck && !s.repoCheck:
		return errors.New("With gpgcheck = false nothing proves where the packages come from. Set repo_gpgcheck = true, so that the repository's metadata is checked instead, or leave gpgcheck on.")
	}
	for _, list := range [][]string{s.baseurl, s.gpgkey, s.exclude, {s.title, s.metalink, s.mirrorlist, s.proxy}} {
		for _, v := range list {
			if strings.ContainsAny(v, "\n\r") {
				return fmt.Errorf("%q contains a line break, which a repository file cannot hold.", v)
			}
		}
	}
	return nil
}

func (s *repo) path() string {
	if s.file != "" {
		return s.file
	}
	return repoDir + "/" + s.id + ".repo"
}

// settings are the keys the section must have; an empty value must not be there.
func (s *repo) settings() [][2]string {
	title := s.title
	if title == "" {
		title = s.id
	}
	priority := ""
	if s.priority != nil {
		priority = fmt.Sprint(*s.priority)
	}
	return [][2]string{
		{"name", title}, {"baseurl", strings.Join(s.baseurl, " ")}, {"metalink", s.metalink}, {"mirrorlist", s.mirrorlist},
		{"enabled", bit(s.enabled)}, {"gpgcheck", bit(s.gpgcheck)}, {"repo_gpgcheck", bit(s.repoCheck)},
		{"gpgkey", strings.Join(s.gpgkey, " ")}, {"priority", priority}, {"exclude", strings.Join(s.exclude, " ")}, {"proxy", s.proxy},
	}
}

func bit(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// look returns the file as it is and as it must be.
func (s *repo) look(ctx context.Context, r host.Reader) (have, want string, err error) {
	text, err := r.ReadFile(ctx, s.path())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", "", err
	}
	have = string(text)
	f := parseRepoFile(have)
	if s.state == "absent" {
		f.remove(s.id)
		return have, f.String(), nil
	}
	for _, kv := range s.settings() {
		old, there := f.get(s.id, kv[0])
		switch {
		case kv[1] == "" && there && kv[0] != "exclude" && kv[0] != "proxy" && kv[0] != "priority":
			f.unset(s.id, kv[0])
		case kv[1] != "" && (!there || old != kv[1]):
			f.set(s.id, kv[0], kv[1])
		}
	}
	return have, f.String(), nil
}

func (s *repo) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	have, want, err := s.look(ctx, r)
	if err != nil || have == want {
		return nil, err
	}
	c := module.Change{Argument: "repository " + s.id, From: "differs", To: "declared in " + s.path(), Diff: module.Diff(s.path(), []byte(have), []byte(want))}
	switch {
	case s.state == "absent":
		c.From, c.To = "declared in "+s.path(), "absent"
	case have == "":
		c.From = "absent"
	}
	return module.Plan{c}, nil
}

func (s *repo) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	have, want, err := s.look(ctx, h)
	if err != nil || have == want {
		return err
	}
	if want == "" || s.state == "absent" && len(parseRepoFile(want).ids()) == 0 {
		argv := []string{"rm", "-f", "--", s.path()}
		res, err := h.Exec(ctx, host.Command{Argv: argv, Repeatable: true}) // removing twice is removing once
		_, err = host.Must(argv, res, err)
		return err
	}
	return h.WriteFile(ctx, s.path(), []byte(want), host.Attr{Mode: 0o644})
}
