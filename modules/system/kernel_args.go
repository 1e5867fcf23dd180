package system

import (
	"context"
	"errors"
	"fmt"
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
