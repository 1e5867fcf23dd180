package verify

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Mounts checks file systems.
func Mounts() module.Info {
	return module.Info{
		Name:    "mounts",
		Summary: "Checks space on file systems, /etc/fstab against what is mounted, and mount options.",
		Doc: `Space is measured where each path lies, so paths on one file system share it: when two
of them name the same file system, their needs are added up.

"fstab" compares /etc/fstab with what is mounted and, where findmnt has --verify (not on
EL 7), reports the errors it finds in the file; its warnings are left out.`,
		Example: `check "mounts" "space" {
  min_free_mb = { "/" = "2048", "/boot" = "200" }
}
`,
		NewCheck: func() module.Check { return &mounts{} },
	}
}

type mounts struct {
	minFree         map[string]string
	fstab           bool
	mounted, forbid []string
	forbidReadOnly  bool
}

var (
	_ module.Check     = (*mounts)(nil)
	_ module.Validator = (*mounts)(nil)
)

func (c *mounts) Schema(b *schema.Block) {
	b.StringMap(&c.minFree, "min_free_mb", "Paths, each with the MiB that must be free there. A path that does not exist needs none.")
	b.Bool(&c.fstab, "fstab", "The file /etc/fstab must be right, and everything in it that is mounted at boot must be mounted.")
	b.Strings(&c.mounted, "mounted", "Mount points that must be mounted.", schema.AbsPath)
	b.Strings(&c.forbid, "forbidden_options", "Mount options that must not be in /etc/fstab, because the target no longer knows them.")
	b.Bool(&c.forbidReadOnly, "writable", "No file system on a disk may be mounted read-only, unless /etc/fstab says so.")
}

func (c *mounts) Validate() error {
	if len(c.minFree)+len(c.mounted)+len(c.forbid) == 0 && !c.fstab && !c.forbidReadOnly {
		return errors.New("The check needs at least one argument that says what to look for.")
	}
	for p, n := range c.minFree {
		if _, err := strconv.ParseUint(n, 10, 31); err != nil || !strings.HasPrefix(p, "/") {
			return fmt.Errorf("The argument \"min_free_mb\" maps absolute paths to whole numbers of MiB, not %q to %q.", p, n)
		}
	}
	return nil
}

func (c *mounts) Check(ctx context.Context, r host.Reader) ([]module.Finding, error) {
	var out []module.Finding
	space, err := c.space(ctx, r)
	if err != nil {
		return nil, err
	}
	out = append(out, space...)
	if !c.fstab && !c.forbidReadOnly && len(c.mounted)+len(c.forbid) == 0 {
		return out, nil
	}
	argv := []string{"/bin/sh", "-c", tablesScript}
	res, err := r.Query(ctx, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return nil, err
	}
	t, err := parseTables(string(res.Stdout))
	if err != nil {
		return nil, err
	}
	if c.fstab {
		out = append(out, t.broken()...)
	}
	return append(out, c.tables(t.now, t.fstab)...), nil
}

// tablesScript prints each table under a line of its own. findmnt exits 1 when it
// finds errors, and when it has no --verify.
const tablesScript = `LC_ALL=C; export LC_ALL
echo --mounts--; cat /proc/self/mounts || exit
echo --fstab--; if [ -e /etc/fstab ]; then cat /etc/fstab || exit; fi
echo --verify--; if [ -e /etc/fstab ]; then findmnt --verify 2>&1; fi
echo --end--`

type tables struct {
	now, fstab []mount
	errors     []string // of findmnt --verify
}

// parseTables reads the output of tablesScript.
func parseTables(out string) (tables, error) {
	sections := map[string]*strings.Builder{}
	section := ""
	for line := range strings.Lines(out) {
		switch name := strings.TrimRight(line, "\n"); name {
		case "--mounts--", "--fstab--", "--verify--", "--end--":
			section, sections[name] = name, &strings.Builder{}
			continue
		}
		if b := sections[section]; b != nil {
			b.WriteString(line)
			if !strings.HasSuffix(line, "\n") {
				b.WriteString("\n")
			}
		}
	}
	for _, name := range []string{"--mounts--", "--fstab--", "--verify--", "--end--"} {
		if sections[name] == nil {
			return tables{}, fmt.Errorf("the host's answer is not complete; it ends with %q", host.Shorten(lastLine(out), 100))
		}
	}
	t := tables{now: parseTable(sections["--mounts--"].String()), fstab: parseTable(sections["--fstab--"].String())}
	if len(t.now) == 0 {
		return t, errors.New("the host lists no mounted file system at all in /proc/self/mounts, which cannot be")
	}
	t.errors = parseVerify(sections["--verify--"].String())
	return t, nil
}

// parseVerify reads the errors of findmnt --verify: lines with [E], each below
// the mount point it belongs to, and "parse error" lines.
func parseVerify(out string) []string {
	var found []string
	point := ""
	for line := range strings.Lines(out) {
		text := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(text, "[E]"):
			if text = strings.TrimSpace(text[3:]); point != "" {
				text = point + ": " + text
			}
			found = append(found, text)
		case strings.Contains(text, "parse error at"):
			found = append(found, text)
		case text != "" && !strings.HasPrefix(text, "[") && line[0] != ' ':
			point = text
		}
	}
	return found
}

// broken are the findings of findmnt.
func (t tables) broken() []module.Finding {
	var out []module.Finding
	for _, e := range t.errors {
		out = append(out, module.Finding{Summary: "/etc/fstab has an error: " + e, Cure: "Correct /etc/fstab, then prove it:\n    findmnt --verify"})
	}
	return out
}

// tables compares what is mounted with /etc/fstab and the arguments.
func (c *mounts) tables(now, fstab []mount) []module.Finding {
	var out []module.Finding
	at, meant := map[string]bool{}, map[string]bool{}
	for _, m := range fstab {
		meant[m.point] = slices.Contains(m.options, "ro")
	}
	for _, m := range now {
		at[m.point] = true
		if c.forbidReadOnly && !meant[m.point] && stuckReadOnly(m) {
			out = append(out, module.Finding{Summary: m.point + " is mounted read-only", Cure: "Find out why (dmesg), repair the file system, remount it."})
		}
	}
	for _, m := range fstab {
		for _, o := range m.options {
			name, _, _ := strings.Cut(o, "=")
			if slices.Contains(c.forbid, o) || slices.Contains(c.forbid, name) {
				out = append(out, module.Finding{Summary: fmt.Sprintf("/etc/fstab mounts %s with the option %q", m.point, o), Detail: "The target's kernel refuses it, and the host would stop in its emergency shell.", Cure: "Remove the option from /etc/fstab."})
			}
		}
		if c.fstab && !at[m.point] && m.kind != "swap" && m.point != "none" && m.point != "swap" && !slices.Contains(m.options, "noauto") && !slices.Contains(m.options, "nofail") && !slices.Contains(m.options, "x-systemd.automount") {
			out = append(out, module.Finding{Summary: "/etc/fstab names " + m.point + ", which is not mounted", Detail: "A host that cannot mount it stops in its emergency shell at the next boot.", Cure: "Mount it, or correct or remove its line."})
		}
	}
	for _, p := range c.mounted {
		if !at[path.Clean(p)] {
			out = append(out, module.Finding{Summary: p + " is not mounted", Cure: "Mount it, and name it in /etc/fstab so that it is there after a reboot."})
		}
	}
	return out
}

// stuckReadOnly reports whether a file system that holds the host's own files
// cannot be written to.
func stuckReadOnly(m mount) bool {
	return strings.HasPrefix(m.source, "/dev/") && slices.Contains(m.options, "ro") && m.kind != "iso9660" && m.kind != "squashfs" && m.kind != "erofs" &&
		!strings.HasPrefix(m.point, "/run/") && !strings.HasPrefix(m.point, "/proc/")
}

// mount is one line of a table of file systems.
type mount struct {
	source, point, kind string
	options             []string
}

// parseTable reads /proc/mounts or /etc/fstab.
func parseTable(text string) []mount {
	var out []mount
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 4 || strings.HasPrefix(f[0], "#") {
			continue
		}
		out = append(out, mount{f[0], cleanPoint(unescape(f[1])), f[2], strings.Split(f[3], ",")})
	}
	return out
}

// cleanPoint drops the slash that /etc/fstab may have at the end of a path.
func cleanPoint(s string) string {
	if strings.HasPrefix(s, "/") {
		return path.Clean(s)
	}
	return s
}

// unescape undoes the octal escapes of space, tab, line feed and backslash.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// space asks df where each path lies.
func (c *mounts) space(ctx context.Context, r host.Reader) ([]module.Finding, error) {
	if len(c.minFree) == 0 {
		return nil, nil
	}
	paths := sortedKeys(c.minFree)
	argv := append([]string{"/bin/sh", "-c", `for p; do if [ -e "$p" ]; then echo "$p"; df -Pk -- "$p" | tail -n 1 || exit; else echo "$p"; echo -; fi; done`, "sh"}, paths...)
	res, err := r.Query(ctx, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return nil, err
	}
	return c.judgeSpace(paths, strings.Split(strings.TrimRight(string(res.Stdout), "\n"), "\n"))
}

type fsNeed struct {
	free, need int64
	paths      []string
}

// judgeSpace reads pairs of a path and df's line about it.
func (c *mounts) judgeSpace(paths, lines []string) ([]module.Finding, error) {
	if len(lines) != 2*len(paths) {
		return nil, fmt.Errorf("the host was asked for the space at %s, and its answer is not understood: %q", strings.Join(paths, ", "), host.Shorten(strings.Join(lines, "\n"), 200))
	}
	byFS := map[string]*fsNeed{}
	for i := 0; i < len(lines); i += 2 {
		p := lines[i]
		switch {
		case p != paths[i/2]:
			return nil, fmt.Errorf("the host was asked for the space at %s and answers for %q", paths[i/2], host.Shorten(p, 100))
		case lines[i+1] == "-":
			continue
		}
		f := strings.Fields(lines[i+1])
		if len(f) < 6 {
			return nil, fmt.Errorf("df printed a line that is not understood: %q", host.Shorten(lines[i+1], 120))
		}
		free, err := strconv.ParseInt(f[3], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("df printed a line that is not understood: %q", host.Shorten(lines[i+1], 120))
		}
		point := strings.Join(f[5:], " ")
		if byFS[point] == nil {
			byFS[point] = &fsNeed{free: free / 1024}
		}
		n, _ := strconv.ParseInt(c.minFree[p], 10, 64)
		byFS[point].need += n
		byFS[point].paths = append(byFS[point].paths, p)
	}
	var out []module.Finding
	for _, point := range sortedKeys(byFS) {
		if fs := byFS[point]; fs.free < fs.need {
			out = append(out, module.Finding{Summary: fmt.Sprintf("the file system at %s has %d MiB free and needs %d", point, fs.free, fs.need), Detail: "It holds " + strings.Join(fs.paths, ", ") + ".", Cure: "Make room, for example by removing old kernels, logs and package caches."})
		}
	}
	return out, nil
}
