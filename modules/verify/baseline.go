package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

const baselineDir = "/var/lib/ferry/baselines"

// RecordBaseline records how a host is, for the check of the same name.
func RecordBaseline() module.Info {
	return module.Info{
		Name:    "baseline",
		Summary: "Records listening ports, services, mounts, users, cron jobs and kernel settings of the host.",
		Doc: `The record is a file under /var/lib/ferry/baselines on the host, named like the task.
It is written once: a run that goes on after an interruption must not take the
half-changed host for the old one. "refresh" overwrites it.

The check "baseline" compares the host with it later.`,
		Example: `task "baseline" "before" {}
`,
		New: func() module.Step { return &recordBaseline{} },
	}
}

type recordBaseline struct {
	name    string
	refresh bool
}

var (
	_ module.Step  = (*recordBaseline)(nil)
	_ module.Named = (*recordBaseline)(nil)
	_ module.Actor = (*recordBaseline)(nil)
)

var baselineName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

// SetName makes the name of the task the name of the record.
func (s *recordBaseline) SetName(name string) { s.name = name }

// Acts implements module.Actor: a refresh is never done with.
func (s *recordBaseline) Acts() bool { return s.refresh }

func (s *recordBaseline) Schema(b *schema.Block) {
	b.String(&s.name, "name", "Name of the record; the name of the task if not given.", schema.Match(baselineName, "a name of letters, digits, _ . -"))
	b.Bool(&s.refresh, "refresh", "Overwrite a record that is there.")
}

func baselinePath(name string) string { return baselineDir + "/" + name + ".json" }

func (s *recordBaseline) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	_, err := r.Stat(ctx, baselinePath(s.name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return module.Plan{{Argument: "record", From: "absent", To: baselinePath(s.name)}}, nil
	case err != nil:
		return nil, err
	case s.refresh:
		return module.Plan{{Argument: "record", From: "there", To: "overwritten in " + baselinePath(s.name)}}, nil
	}
	return nil, nil
}

func (s *recordBaseline) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	areas, err := observe(ctx, h)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(record{Version: 1, Areas: areas}, "", "  ")
	if err != nil {
		return err
	}
	argv := []string{"mkdir", "-p", "-m", "0700", "--", baselineDir}
	res, err := h.Exec(ctx, host.Command{Argv: argv, Repeatable: true}) // twice is once
	if _, err = host.Must(argv, res, err); err != nil {
		return err
	}
	return h.WriteFile(ctx, baselinePath(s.name), append(text, '\n'), host.Attr{Mode: 0o600})
}

// Baseline compares a host with what was recorded of it.
func Baseline() module.Info {
	return module.Info{
		Name:    "baseline",
		Summary: "Checks that the host still has the ports, services, mounts, users, cron jobs and kernel settings it had.",
		Doc: `What was there when the task "baseline" of this name recorded it and is not there now
is a finding, and so is a unit that has failed and had not. What is new is one only with
"strict".

"ignore" takes AREA:PATTERN, where AREA is one of ports, programs (that listen on the
ports), enabled, running, failed, mounts, users, groups, cron, sysctl, routes, addresses:
"running:postfix.service", "ports:udp/*", "users:games". After "~" a pattern is a regular
expression: "addresses:~^fd". Units that belong to a login or to systemd itself are never
compared, and kernel modules only with "kernel_modules".

"renamed" says what a thing is called now, where the target has another name for it:
{ "ntpd.service" = "chronyd.service", "ntpd" = "chronyd" }, the second for the program.`,
		Example: `check "baseline" "before" {
  ignore  = ["ports:udp/*"]
  renamed = { "ntpd.service" = "chronyd.service" }
}
`,
		NewCheck: func() module.Check { return &baseline{} },
	}
}

type baseline struct {
	name    string
	ignore  []string
	renamed map[string]string
	strict  bool
	modules bool
}

var (
	_ module.Check     = (*baseline)(nil)
	_ module.Named     = (*baseline)(nil)
	_ module.Validator = (*baseline)(nil)
)

// SetName makes the name of the check the name of the record.
func (c *baseline) SetName(name string) { c.name = name }

func (c *baseline) Schema(b *schema.Block) {
	b.String(&c.name, "name", "Name of the record; the name of the check if not given.", schema.Match(baselineName, "a name of letters, digits, _ . -"))
	b.Strings(&c.ignore, "ignore", "Differences that are fine, as AREA:PATTERN.")
	b.StringMap(&c.renamed, "renamed", "New names of recorded things.")
	b.Bool(&c.strict, "strict", "What is new is a finding too.")
	b.Bool(&c.modules, "kernel_modules", "Compare the loaded kernel modules too.")
}

func (c *baseline) Validate() error {
	for _, s := range c.ignore {
		area, glob, ok := strings.Cut(s, ":")
		if !ok || !contains(areaNames, area) {
			return fmt.Errorf("%q is not AREA:PATTERN; the areas are %s.", s, strings.Join(areaNames, ", "))
		}
		if re, isRE := strings.CutPrefix(glob, "~"); isRE {
			if _, err := regexp.Compile(re); err != nil {
				return fmt.Errorf("%q is not a regular expression: %w.", re, err)
			}
			continue
		}
		if _, err := path.Match(glob, ""); err != nil {
			return fmt.Errorf("%q is not a pattern; * and ? and [a-z] can be used.", glob)
		}
	}
	return nil
}

func (c *baseline) Check(ctx context.Context, r host.Reader) ([]module.Finding, error) {
	text, err := r.ReadFile(ctx, baselinePath(c.name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("nothing was recorded of this host under the name %q, so there is nothing to compare with. Record it before the change with\n    task \"baseline\" %q {}", c.name, c.name)
	}
	if err != nil {
		return nil, err
	}
	var rec record
	if err := json.Unmarshal(text, &rec); err != nil {
		return nil, fmt.Errorf("the record %s cannot be read: %w. Record the host again with refresh = true", baselinePath(c.name), err)
	}
	if rec.Version != 1 {
		return nil, fmt.Errorf("the record %s has version %d, and this ferry reads version 1", baselinePath(c.name), rec.Version)
	}
	now, err := observe(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, area := range lately {
		if len(rec.Areas[area]) > 0 && now[area] == nil {
			return nil, fmt.Errorf("the record %s tells the %s the host had, and what lists them (systemctl, ss, ip) is gone from the host. Install it, then check again", baselinePath(c.name), area)
		}
	}
	return c.compare(rec.Areas, now), nil
}

// compare lists what was lost, and with strict what is new.
func (c *baseline) compare(before, now map[string][]string) []module.Finding {
	var out []module.Finding
	for _, area := range areaNames {
		_, recorded := before[area]
		switch {
		case !recorded && contains(lately, area), area == "modules" && !c.modules:
		case area == "programs":
			out = append(out, c.programs(before[area], now[area])...)
		case area == "failed":
			out = append(out, c.failed(before[area], now[area])...)
		default:
			out = append(out, c.area(area, before[area], now[area])...)
		}
	}
	return out
}

// area compares what was recorded in one area with what is there now.
func (c *baseline) area(area string, before, now []string) []module.Finding {
	var out []module.Finding
	have := map[string]bool{}
	for _, s := range now {
		have[s] = true
		if area == "cron" { // a packaged file, of which only the name is recorded
			have[areaKey(area, s)] = true
		}
	}
	had := map[string]bool{}
	for _, s := range before {
		name := s
		if to, ok := c.renamed[s]; ok {
			name = to
		}
		had[name], had[areaKey(area, name)] = true, true
		if !have[name] && !c.ignored(area, s) {
			f := lost(area, s, now)
			if name != s {
				f.Detail = "Nor is there " + name + ", as it is called now."
			}
			out = append(out, f)
		}
	}
	if !c.strict {
		return out
	}
	for _, s := range now {
		if !had[areaKey(area, s)] && !c.ignored(area, s) {
			out = append(out, module.Finding{Summary: fmt.Sprintf("new in %s: %s", area, s)})
		}
	}
	return out
}

// programs compares who listens on a port. One of the programs recorded is
// enough; a port on which nothing listens is what the area "ports" reports.
func (c *baseline) programs(before, now []string) []module.Finding {
	have := map[string][]string{}
	for _, s := range now {
		port, name, _ := strings.Cut(s, " ")
		have[port] = append(have[port], name)
	}
	had := map[string][]string{}
	kept := map[string]bool{}
	for _, s := range before {
		port, name, _ := strings.Cut(s, " ")
		had[port] = append(had[port], name)
		to, renamed := c.renamed[name]
		kept[port] = kept[port] || contains(have[port], name) || renamed && contains(have[port], to) ||
			c.ignored("programs", s) || c.ignored("programs", port)
	}
	var out []module.Finding
	for _, port := range sortedKeys(had) {
		if !kept[port] && len(have[port]) > 0 {
			out = append(out, module.Finding{Summary: "another program listens on " + port, Detail: fmt.Sprintf("It was %s and is %s.", strings.Join(had[port], ", "), strings.Join(have[port], ", ")),
				Cure: "If the target uses that one instead, say so in \"renamed\"."})
		}
	}
	return out
}

// failed lists the units that have failed since.
func (c *baseline) failed(before, now []string) []module.Finding {
	var out []module.Finding
	for _, s := range now {
		if !contains(before, s) && !c.ignored("failed", s) {
			out = append(out, module.Finding{Summary: s + " has failed, and had not before", Cure: "To see why, run on the host:\n    journalctl -u " + s + " -n 50"})
		}
	}
	return out
}

// areaKey is the part of an entry that names the thing; the rest says how it is.
func areaKey(area, s string) string {
	if sep := areaSeparator[area]; sep != "" {
		s, _, _ = strings.Cut(s, sep)
	}
	return s
}

// lost words what became of an entry: the thing is gone, or is another now.
func lost(area, s string, now []string) module.Finding {
	key := areaKey(area, s)
	f := module.Finding{Summary: fmt.Sprintf(areaLost[area], key)}
	for _, n := range now {
		if n != s && key != s && areaKey(area, n) == key {
			f.Summary = fmt.Sprintf(areaChanged[area], key)
			f.Detail = "It was:\n    " + s + "\nIt is:\n    " + n
		}
	}
	return f
}

func (c *baseline) ignored(area, s string) bool {
	for _, i := range c.ignore {
		a, glob, _ := strings.Cut(i, ":")
		if a != area {
			continue
		}
		if re, isRE := strings.CutPrefix(glob, "~"); isRE {
			if regexp.MustCompile(re).MatchString(s) {
				return true
			}
		} else if glob == s || matchSlash(glob, s) || matchSlash(glob, areaKey(area, s)) {
			return true
		}
	}
	return false
}

// matchSlash is match with "/" as a character like others.
func matchSlash(glob, s string) bool {
	r := strings.NewReplacer("/", "\x01")
	return match([]string{r.Replace(glob)}, r.Replace(s))
}
