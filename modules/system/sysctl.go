package system

import (
	"context"
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Sysctl keeps kernel settings.
func Sysctl() module.Info {
	return module.Info{
		Name:    "sysctl",
		Summary: "Keeps kernel settings, now and after a reboot.",
		Doc: `The settings are a file of their own, /etc/sysctl.d/NAME.conf, which holds nothing
else. Afterwards the kernel is asked for each value: one that it refused or rounded is
an error, not a success.

At boot, files are read in the order of their names, and /etc/sysctl.conf (as
99-sysctl.conf) among the last. A setting that stands there too needs a name that sorts
later, or its line removed there.

A setting of an interface with a dot in its name is written with slashes:
"net/ipv4/conf/eth0.100/rp_filter".`,
		Example: `task "sysctl" "web" {
  name = "90-web"
  values = {
    "net.core.somaxconn" = "4096"
    "vm.swappiness"      = "10"
  }
}
`,
		New: func() module.Step { return &sysctl{} },
	}
}

type sysctl struct {
	name   string
	values map[string]string
}

var (
	_ module.Step      = (*sysctl)(nil)
	_ module.Named     = (*sysctl)(nil)
	_ module.Validator = (*sysctl)(nil)
)

var (
	sysctlFile = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	sysctlKey  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_:@-]*([./][A-Za-z0-9_:@-]+)+$`)
)

// SetName makes the name of the task the name of the file.
func (s *sysctl) SetName(name string) { s.name = name }

func (s *sysctl) Schema(b *schema.Block) {
	b.String(&s.name, "name", "Name of the file in /etc/sysctl.d, without .conf; the name of the task if not given.", schema.Match(sysctlFile, "a name of letters, digits, _ . -"))
	b.StringMap(&s.values, "values", "Settings, each with its value.", schema.Required, schema.NonEmpty)
}

func (s *sysctl) Validate() error {
	paths := map[string]string{}
	for _, k := range s.keys() {
		if !sysctlKey.MatchString(k) {
			return fmt.Errorf("%q is not the name of a kernel setting such as net.ipv4.ip_forward.", k)
		}
		if strings.ContainsAny(s.values[k], "\n\r\x00") || strings.TrimSpace(s.values[k]) == "" {
			return fmt.Errorf("The value of %q must be one line that is not empty.", k)
		}
		if other, ok := paths[procPath(k)]; ok {
			return fmt.Errorf("%q and %q are the same kernel setting. Drop one.", other, k)
		}
		paths[procPath(k)] = k
	}
	return nil
}

func (s *sysctl) keys() []string {
	keys := make([]string, 0, len(s.values))
	for k := range s.values {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func (s *sysctl) path() string { return "/etc/sysctl.d/" + s.name + ".conf" }

func (s *sysctl) content() string {
	var b strings.Builder
	b.WriteString(managed)
	for _, k := range s.keys() {
		fmt.Fprintf(&b, "%s = %s\n", k, squeeze(s.values[k]))
	}
	return b.String()
}

// squeeze makes runs of blanks one: the kernel prints lists with tabs.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// procPath is the path of a setting below /proc/sys. As sysctl has it, the
// separator that comes first decides: dots and slashes change places.
func procPath(key string) string {
	if i := strings.IndexAny(key, "./"); i >= 0 && key[i] == '/' {
		return key
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '.':
			return '/'
		case '/':
			return '.'
		}
		return r
	}, key)
}

// liveScript prints one line for each setting: "=" and its value, or "-".
const liveScript = `for p; do
  if [ -e "/proc/sys/$p" ]; then v=$(cat -- "/proc/sys/$p") || exit 1; printf '=%s\n' "$v" | tr '\n\t' '  '; echo
  else echo -; fi
done`

// live asks the kernel for the values of all settings.
func (s *sysctl) live(ctx context.Context, r host.Reader) (map[string]string, error) {
	keys := s.keys()
	argv := []string{"/bin/sh", "-c", liveScript, "sh"}
	for _, k := range keys {
		argv = append(argv, procPath(k))
	}
	out, err := query(ctx, r, argv...)
	if err != nil {
		return nil, err
	}
	return parseLive(keys, out)
}

// parseLive reads the output of liveScript.
func parseLive(keys []string, out string) (map[string]string, error) {
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != len(keys) {
		return nil, fmt.Errorf("the host was asked for %d kernel settings and printed %d lines", len(keys), len(lines))
	}
	values := map[string]string{}
	for i, k := range keys {
		v, ok := strings.CutPrefix(lines[i], "=")
		if !ok {
			return nil, fmt.Errorf("the host's kernel has no setting %s. Correct the name, or load the kernel module that brings it", k)
		}
		values[k] = squeeze(v)
	}
	return values, nil
}

func (s *sysctl) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	have, there, err := read(ctx, r, s.path())
	if err != nil {
		return nil, err
	}
	live, err := s.live(ctx, r)
	if err != nil {
		return nil, err
	}
	var p module.Plan
	if want := s.content(); have != want {
		c := module.Change{Argument: "file", From: "absent", To: s.path(), Diff: module.Diff(s.path(), []byte(have), []byte(want))}
		if there {
			c.From = "other settings"
		}
		p = append(p, c)
	}
	for _, k := range s.differ(live) {
		p = append(p, module.Change{Argument: k, From: live[k], To: squeeze(s.values[k])})
	}
	return p, nil
}

func (s *sysctl) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	if err := h.WriteFile(ctx, s.path(), []byte(s.content()), host.Attr{Mode: 0o644}); err != nil {
		return err
	}
	live, err := s.live(ctx, h)
	if err != nil || len(s.differ(live)) == 0 {
		return err
	}
	if err := do(ctx, h, "sysctl", "-q", "-p", s.path()); err != nil {
		return err
	}
	if live, err = s.live(ctx, h); err != nil {
		return err
	}
	for _, k := range s.differ(live) {
		return fmt.Errorf("the kernel was given %s = %s and keeps %s. It refuses the value or rounds it; give the value it keeps, or remove the setting", k, squeeze(s.values[k]), live[k])
	}
	return nil
}

// differ returns the settings whose values are not as they must be.
func (s *sysctl) differ(live map[string]string) []string {
	var out []string
	for _, k := range s.keys() {
		if live[k] != squeeze(s.values[k]) {
			out = append(out, k)
		}
	}
	return out
}
