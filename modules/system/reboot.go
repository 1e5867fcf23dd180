package system

import (
	"context"
	"fmt"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Reboot restarts the host.
func Reboot() module.Info {
	return module.Info{
		Name:    "reboot",
		Summary: "Restarts the host and waits until it is really up again.",
		Doc: `The proof is the kernel's boot id, read over a fresh connection before and after. A
host that restarts a second time (to relabel files for SELinux) is waited for.

Usually a handler. With "unless_boot_id_changed_from", give the boot id that an
earlier task saw: a host that has been restarted since then is left alone, so a run
that was interrupted in the middle does not restart it twice.`,
		Example: `task "reboot" "now" {
  timeout = "15m"
}
`,
		Effects: module.Action | module.Reboots | module.MayLoseConnection | module.ChangesFacts,
		New:     func() module.Step { return &reboot{wait: 15 * time.Minute, settle: 3 * time.Second} },
	}
}

type reboot struct {
	wait, settle time.Duration
	command      []string
	since        string
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
	b.String(&s.since, "unless_boot_id_changed_from", "Boot id of the boot to end; on another boot nothing is done.")
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
	if s.since != "" && s.since != s.before {
		s.after = s.before
		return nil, nil
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
