package system

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// KernelArgs keeps arguments of the kernel.
func KernelArgs() module.Info {
	return module.Info{
		Name:    "kernel_args",
		Summary: "Keeps arguments on the kernel's command line, or keeps them off it.",
		Doc: `Every boot entry is changed, and /etc/default/grub for the kernels to come: with grubby
where it is installed, else by making each grub.cfg anew with grub2-mkconfig. Only a
grub.cfg that is found under /boot and was made that way is overwritten; the small ones
of an EFI partition that only lead to another are left alone.

In "add", NAME=VALUE takes the place of other values of NAME: give all of them where
there are several (console). In "remove", NAME takes away NAME and NAME=anything.

Nothing takes effect before a reboot; the result reboot_needed says whether one is due.
On a host without boot loader (a container) the module fails unless the running kernel
has the arguments already.`,
		Example: `task "kernel_args" "serial_console" {
  add    = ["console=tty0", "console=ttyS0,115200"]
  remove = ["quiet", "rhgb"]
}
`,
		New: func() module.Step { return &kernelArgs{} },
	}
}

type kernelArgs struct {
	add, remove  []string
	rebootNeeded bool
}

var (
	_ module.Step      = (*kernelArgs)(nil)
	_ module.Validator = (*kernelArgs)(nil)
	_ module.Reporter  = (*kernelArgs)(nil)
)

// kernelArg leaves out what a shell or the boot loader would take for its own:
// the arguments end up in files that both read.
var kernelArg = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.,:;/@%+=~!*-]*$`)

const kernelArgWords = "a kernel argument such as quiet or console=ttyS0,115200 (without blanks, quotes and $)"

func (s *kernelArgs) Schema(b *schema.Block) {
	b.Strings(&s.add, "add", "Arguments that must be there: NAME or NAME=VALUE.", schema.Match(kernelArg, kernelArgWords))
	b.Strings(&s.remove, "remove", "Arguments that must not be there: NAME or NAME=VALUE.", schema.Match(kernelArg, kernelArgWords))
}

func (s *kernelArgs) Results(r *schema.Results) {
	r.Bool(&s.rebootNeeded, "reboot_needed", "Whether the running kernel was started without these changes.")
}

func (s *kernelArgs) Validate() error {
	if len(s.add)+len(s.remove) == 0 {
		return errors.New("One of the arguments \"add\" and \"remove\" is needed.")
	}
	for _, a := range s.add {
		if slices.Contains(s.remove, a) {
			return fmt.Errorf("The argument %q is in \"add\" and in \"remove\". Drop one.", a)
		}
	}
	return nil
}

// drops reports whether a present argument has to go.
func (s *kernelArgs) drops(have string) bool {
	if slices.Contains(s.add, have) {
		return false
	}
	name, _, _ := strings.Cut(have, "=")
	if slices.Contains(s.remove, have) || slices.Contains(s.remove, name) {
		return true
	}
	return slices.ContainsFunc(s.add, func(a string) bool {
		n, _, valued := strings.Cut(a, "=")
		return valued && n == name
	})
}

// edit returns a command line as it must be.
func (s *kernelArgs) edit(args []string) []string {
	out := []string{}
	for _, a := range args {
		if !s.drops(a) {
			out = append(out, a)
		}
	}
	return append(out, missing(s.add, out)...)
}

// complies reports whether nothing of a command line has to change.
func (s *kernelArgs) complies(args []string) bool {
	return len(missing(s.add, args)) == 0 && !slices.ContainsFunc(args, s.drops)
}

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

func (s *kernelArgs) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	b, err := lookBoot(ctx, r)
	if err != nil {
		return nil, err
	}
	s.rebootNeeded = !s.complies(b.cmdline)
	if !b.loader() {
		if s.rebootNeeded {
			return nil, errors.New("the host has no boot loader that ferry knows (no generated grub.cfg and no loader/entries under /boot), so the kernel's arguments cannot be changed on it. A container gets them from the machine it runs on; set them there, or leave the host out with \"when\"")
		}
		return nil, nil
	}
	menu, err := b.menu(ctx, r)
	if err != nil {
		return nil, err
	}
	if len(menu) == 0 {
		return nil, errors.New("the boot loader of the host has no entry with a kernel, so its arguments cannot be changed. Look at the menu with:\n    grubby --info=ALL")
	}
	var p module.Plan
	for _, e := range menu {
		if !s.complies(e.args) {
			p = append(p, s.change(e.title, e.args))
		}
	}
	text, there, err := read(ctx, r, defaultGrub)
	if err != nil {
		return nil, err
	}
	if args, ok := defaultArgs(text); there && !ok {
		return nil, fmt.Errorf("%s sets GRUB_CMDLINE_LINUX in a way ferry does not understand. Write it as one line: GRUB_CMDLINE_LINUX=\"…\"", defaultGrub)
	} else if there && !s.complies(args) {
		p = append(p, s.change(defaultGrub, args))
	}
	return p, nil
}

// change words what becomes of one command line.
func (s *kernelArgs) change(where string, args []string) module.Change {
	c := module.Change{Argument: where}
	var gone []string
	for _, a := range args {
		if s.drops(a) {
			gone = append(gone, a)
		}
	}
	c.From = strings.Join(gone, " ")
	c.To = strings.Join(missing(s.add, args), " ")
	if c.To == "" {
		c.To = "removed"
	}
	return c
}

// Apply changes /etc/default/grub first: what is made anew is made from it.
func (s *kernelArgs) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	b, err := lookBoot(ctx, h)
	if err != nil {
		return err
	}
	text, there, err := read(ctx, h, defaultGrub)
	if err != nil {
		return err
	}
	if there || !b.grubby {
		args, ok := defaultArgs(text)
		if !ok {
			return fmt.Errorf("%s sets GRUB_CMDLINE_LINUX in a way ferry does not understand. Write it as one line: GRUB_CMDLINE_LINUX=\"…\"", defaultGrub)
		}
		if !s.complies(args) {
			if err := h.WriteFile(ctx, defaultGrub, []byte(setDefaultArgs(text, s.edit(args))), host.Attr{}); err != nil {
				return err
			}
		}
	}
	menu, err := b.menu(ctx, h)
	if err != nil {
		return err
	}
	if b.grubby {
		err = s.updateEntries(ctx, h, menu)
	} else if slices.ContainsFunc(menu, func(e bootEntry) bool { return !s.complies(e.args) }) {
		err = b.generate(ctx, h)
	}
	if err != nil {
		return err
	}
	if menu, err = b.menu(ctx, h); err != nil {
		return err
	}
	for _, e := range menu {
		if !s.complies(e.args) {
			return fmt.Errorf("the boot entry %s was changed, and its arguments are now: %s. Look which file of the boot loader brings them (/etc/default/grub, /etc/grub.d)", e.title, strings.Join(e.args, " "))
		}
	}
	return nil
}

// updateEntries changes the entries with grubby, which knows every loader's form.
func (s *kernelArgs) updateEntries(ctx context.Context, h host.Host, menu []bootEntry) error {
	var gone, miss []string
	for _, e := range menu {
		for _, a := range e.args {
			if s.drops(a) && !slices.Contains(gone, a) {
				gone = append(gone, a)
			}
		}
		if len(missing(s.add, e.args)) > 0 {
			miss = s.add
		}
	}
	if len(gone) > 0 {
		if err := do(ctx, h, "grubby", "--update-kernel=ALL", "--remove-args="+strings.Join(gone, " ")); err != nil {
			return err
		}
	}
	if len(miss) > 0 {
		return do(ctx, h, "grubby", "--update-kernel=ALL", "--args="+strings.Join(miss, " "))
	}
	return nil
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
