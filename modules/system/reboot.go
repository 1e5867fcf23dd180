package system

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"

	"github.com/ferry-ops/ferry/modules/internal/rpm"
)

// Reboot restarts the host.
func Reboot() module.Info {
	return module.Info{
		Name:    "reboot",
		Summary: "Restarts the host and waits until it is really up again.",
		Doc: `The proof is the kernel's boot id, read over a fresh connection before and after. A
host that restarts a second time (to relabel files for SELinux) is waited for.

By itself the module restarts the host each time it runs: use it as a handler. With
"if_newer" it is a task like others: the host is restarted if one of these packages
was installed after the present boot. That survives an interrupted run, where a
notification would be lost: the next run looks and sees that the restart is due.`,
		Example: `task "reboot" "into_target" {
  if_newer = ["kernel", "glibc", "systemd"]
  wait     = "15m"
}
`,
		Effects: module.Action | module.Reboots | module.MayLoseConnection | module.ChangesFacts,
		New:     func() module.Step { return &reboot{wait: 15 * time.Minute, settle: 3 * time.Second} },
	}
}

type reboot struct {
	wait, settle time.Duration
	command      []string
	ifNewer      []string
	before       string
	after        string
}

var (
	_ module.Step     = (*reboot)(nil)
	_ module.Reporter = (*reboot)(nil)
)

func (s *reboot) Schema(b *schema.Block) {
	b.Duration(&s.wait, "wait", "How long the host may take to come back.")
	b.Duration(&s.settle, "settle", "How long the host must answer with its new boot id to count as up.")
	b.Strings(&s.command, "command", "Program and arguments that restart the host; systemctl reboot if not given.")
	b.Strings(&s.ifNewer, "if_newer", "Packages; restart only if one of them was installed after the present boot.")
}

func (s *reboot) Results(r *schema.Results) {
	r.String(&s.before, "boot_id_before", "Boot id before the restart.")
	r.String(&s.after, "boot_id", "Boot id after the restart.")
}

func (s *reboot) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	f, err := r.Facts(ctx, "boot_id", "kernel")
	if err != nil {
		return nil, err
	}
	s.before = f.String("boot_id")
	if len(s.ifNewer) > 0 {
		newer, err := newerThanBoot(ctx, r, s.ifNewer)
		if err != nil {
			return nil, err
		}
		if len(newer) == 0 {
			s.after = s.before
			return nil, nil
		}
		return module.Plan{{Argument: "reboot", From: "booted before " + strings.Join(newer, ", ") + " was installed", To: fmt.Sprintf("restart, wait up to %s", s.wait)}}, nil
	}
	return module.Plan{{Argument: "reboot", To: fmt.Sprintf("restart (running kernel %s), wait up to %s", f.String("kernel"), s.wait)}}, nil
}

func (s *reboot) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	if err := h.Reboot(ctx, host.Reboot{Command: s.command, Timeout: s.wait, Settle: s.settle}); err != nil {
		return err
	}
	f, err := h.Facts(ctx, "boot_id")
	if err != nil {
		return err
	}
	s.after = f.String("boot_id")
	if s.after == s.before {
		return fmt.Errorf("the host answers, and its boot id is still %s: it was not restarted", s.before)
	}
	return nil
}

// bootTime prints the second the host's first process was started: in a
// container that is not the boot of the machine, which btime gives.
const bootTime = `b=$(awk '$1 == "btime" {print $2}' /proc/stat) && s=$(sed 's/.*) //' /proc/1/stat | cut -d' ' -f20) && echo $((b + s / $(getconf CLK_TCK)))`

// newerThanBoot returns those of the packages that were installed after the
// present boot. Packages that are not installed are no reason to restart.
func newerThanBoot(ctx context.Context, r host.Reader, names []string) ([]string, error) {
	argv := []string{"/bin/sh", "-c", bootTime}
	res, err := r.Query(ctx, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return nil, err
	}
	boot, err := strconv.ParseInt(strings.TrimSpace(string(res.Stdout)), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("the time of the host's boot is not understood: %w", err)
	}
	argv = append([]string{"rpm", "-q", "--qf", `%{NAME}\t%{INSTALLTIME}\n`, "--"}, names...)
	if res, err = rpm.Query(ctx, r, argv...); err != nil {
		return nil, err
	}
	var out []string
	seen := 0
	for line := range strings.Lines(string(res.Stdout)) {
		name, at, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok {
			if strings.HasSuffix(name, "is not installed") {
				seen++
			}
			continue
		}
		n, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("rpm printed %q as the time of an installation", host.Shorten(at, 40))
		}
		seen++
		if n > boot {
			out = append(out, name)
		}
	}
	if seen == 0 {
		return nil, &host.CommandError{Argv: argv, Result: res}
	}
	return out, nil
}
