package system

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
)

const defaultGrub = "/etc/default/grub"

// bootScript prints what a host boots with.
const bootScript = `echo "cmdline $(cat /proc/cmdline)" || exit 1
if command -v grubby >/dev/null 2>&1; then echo grubby; fi
for m in grub2-mkconfig grub-mkconfig; do if command -v $m >/dev/null 2>&1; then echo "mkconfig $m"; break; fi; done
if [ -d /boot ]; then
  find /boot -name grub.cfg -type f -exec grep -l '^### BEGIN /etc/grub.d/' {} + | sort | sed 's/^/cfg /'
  for f in /boot/loader/entries/*.conf; do if [ -f "$f" ]; then echo "entry $f"; fi; done
fi
echo end`

// boot is what a host boots with.
type boot struct {
	cmdline  []string
	grubby   bool
	mkconfig string
	configs  []string // generated grub.cfg files
	entries  []string // files of the boot loader specification
}

func lookBoot(ctx context.Context, r host.Reader) (boot, error) {
	out, err := query(ctx, r, "/bin/sh", "-c", bootScript)
	if err != nil {
		return boot{}, err
	}
	return parseBoot(out)
}

// parseBoot reads the output of bootScript.
func parseBoot(out string) (boot, error) {
	var b boot
	complete := false
	for line := range strings.Lines(out) {
		word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch word {
		case "cmdline":
			b.cmdline = splitArgs(rest)
		case "grubby":
			b.grubby = true
		case "mkconfig":
			b.mkconfig = rest
		case "cfg":
			b.configs = append(b.configs, rest)
		case "entry":
			b.entries = append(b.entries, rest)
		case "end":
			complete = true
		}
	}
	if !complete {
		return b, fmt.Errorf("the host's answer about its boot loader is not complete; it ends with %q", host.Shorten(out, 100))
	}
	return b, nil
}

// loader reports whether the host has a boot loader ferry knows.
func (b boot) loader() bool { return len(b.configs)+len(b.entries) > 0 }

// bootEntry is one entry of the boot menu.
type bootEntry struct {
	title string
	args  []string
}

// menu returns the entries of the boot menu.
func (b boot) menu(ctx context.Context, r host.Reader) ([]bootEntry, error) {
	if b.grubby {
		out, err := query(ctx, r, "grubby", "--info=ALL")
		if err != nil {
			return nil, err
		}
		return parseGrubby(out), nil
	}
	if len(b.entries) > 0 {
		return nil, fmt.Errorf("the host boots with entries in %s, which only grubby changes safely, and grubby is not installed. Install the package grubby first", path.Dir(b.entries[0]))
	}
	if b.mkconfig == "" {
		return nil, fmt.Errorf("the host boots with %s and has neither grubby nor grub2-mkconfig to change it. Install the package grubby, or grub2-tools", b.configs[0])
	}
	var all []bootEntry
	for _, p := range b.configs {
		text, there, err := read(ctx, r, p)
		if err != nil {
			return nil, err
		}
		if !there {
			return nil, fmt.Errorf("%s was there a moment ago and is gone. Something else changes the boot loader of the host", p)
		}
		for _, e := range parseGrubCfg(text) {
			e.title = p + ": " + e.title
			all = append(all, e)
		}
	}
	return all, nil
}

// generate makes each grub.cfg anew. The program checks what it made before it
// replaces a file.
func (b boot) generate(ctx context.Context, h host.Host) error {
	for _, p := range b.configs {
		if err := do(ctx, h, b.mkconfig, "-o", p); err != nil {
			return err
		}
	}
	return nil
}

// splitArgs splits a command line at blanks outside of double quotes.
func splitArgs(s string) []string {
	quoted := false
	return strings.FieldsFunc(s, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return !quoted && (r == ' ' || r == '\t' || r == '\n')
	})
}

// parseGrubby reads the output of grubby --info=ALL.
func parseGrubby(out string) []bootEntry {
	var all []bootEntry
	var e *bootEntry
	for line := range strings.Lines(out) {
		k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		switch k {
		case "index":
			e = nil
		case "kernel":
			all = append(all, bootEntry{title: unquoteValue(v)})
			e = &all[len(all)-1]
		case "args":
			if e != nil {
				e.args = splitArgs(unquoteValue(v))
			}
		}
	}
	return all
}

// unquoteValue takes off the quotes around a value.
func unquoteValue(v string) string {
	if len(v) >= 2 && (v[0] == '"' || v[0] == '\'') && v[len(v)-1] == v[0] {
		return v[1 : len(v)-1]
	}
	return v
}

// parseGrubCfg returns the kernels of a grub.cfg with their arguments.
func parseGrubCfg(text string) []bootEntry {
	var all []bootEntry
	for line := range strings.Lines(text) {
		f := splitArgs(line)
		if len(f) >= 2 && (f[0] == "linux" || f[0] == "linux16" || f[0] == "linuxefi") {
			all = append(all, bootEntry{title: f[1], args: f[2:]})
		}
	}
	return all
}

var defaultLine = regexp.MustCompile(`(?m)^[ \t]*GRUB_CMDLINE_LINUX=(.*)$`)

// defaultArgs reads GRUB_CMDLINE_LINUX of /etc/default/grub, of which the last
// assignment counts; without one it is empty.
func defaultArgs(text string) (args []string, ok bool) {
	all := defaultLine.FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		return nil, !strings.Contains(text, "GRUB_CMDLINE_LINUX+=")
	}
	v, ok := shellValue(all[len(all)-1][1])
	return splitArgs(v), ok && !strings.Contains(text, "GRUB_CMDLINE_LINUX+=")
}

// shellValue takes off the quotes of an assignment. Values of several quoted
// pieces, and those that go on in the next line, are not understood.
func shellValue(v string) (string, bool) {
	v = strings.TrimSpace(v)
	if v == "" {
		return "", true
	}
	if q := v[0]; q == '"' || q == '\'' {
		rest := v[1:]
		for i := 0; i < len(rest); i++ {
			switch {
			case rest[i] == '\\' && q == '"':
				i++
			case rest[i] == q:
				tail := strings.TrimSpace(rest[i+1:])
				return rest[:i], tail == "" || tail[0] == '#'
			}
		}
		return "", false
	}
	return v, !strings.ContainsAny(v, " \t'\"\\")
}

// setDefaultArgs puts other arguments into /etc/default/grub.
func setDefaultArgs(text string, args []string) string {
	at := defaultLine.FindAllStringSubmatchIndex(text, -1)
	value := strings.Join(args, " ")
	quote := `"`
	if len(at) > 0 {
		if old := strings.TrimSpace(text[at[len(at)-1][2]:at[len(at)-1][3]]); strings.HasPrefix(old, "'") {
			quote = "'"
		}
	}
	line := quote + value + quote
	if len(at) == 0 {
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		return text + "GRUB_CMDLINE_LINUX=" + line + "\n"
	}
	last := at[len(at)-1]
	return text[:last[2]] + line + text[last[3]:]
}
