package system

import (
	"context"
	"regexp"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Hostname keeps the name of the host.
func Hostname() module.Info {
	return module.Info{
		Name:    "hostname",
		Summary: "Keeps the name of the host, now and after a reboot.",
		Doc: `Uses hostnamectl where systemd runs; elsewhere it writes /etc/hostname and tells the
kernel. /etc/hosts is left alone: if the host must find its own name there, use the
module "line".`,
		Example: `task "hostname" "this" {
  name = "web1.example.com"
}
`,
		Effects: module.ChangesFacts,
		New:     func() module.Step { return &hostname{} },
	}
}

type hostname struct{ name string }

var _ module.Step = (*hostname)(nil)

var hostnameForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`)

func (s *hostname) Schema(b *schema.Block) {
	b.String(&s.name, "name", "The name, with or without a domain; at most 64 characters.", schema.Required,
		schema.Match(hostnameForm, "a host name: letters, digits, - and dots"), schema.Match(regexp.MustCompile(`^.{1,64}$`), "at most 64 characters long, which the kernel demands"))
}

func (s *hostname) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	text, _, err := read(ctx, r, "/etc/hostname")
	if err != nil {
		return nil, err
	}
	live, err := query(ctx, r, "uname", "-n")
	if err != nil {
		return nil, err
	}
	var p module.Plan
	if kept := parseHostname(text); kept != s.name {
		if kept == "" {
			kept = "not set"
		}
		p = append(p, module.Change{Argument: "name in /etc/hostname", From: kept, To: s.name})
	}
	if live = strings.TrimSpace(live); live != s.name {
		p = append(p, module.Change{Argument: "name now", From: live, To: s.name})
	}
	return p, nil
}

func (s *hostname) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	tool, err := query(ctx, h, "/bin/sh", "-c", `if [ -d /run/systemd/system ] && command -v hostnamectl >/dev/null 2>&1; then echo hostnamectl; else echo hostname; fi`)
	if err != nil {
		return err
	}
	if strings.TrimSpace(tool) == "hostnamectl" {
		return do(ctx, h, "hostnamectl", "set-hostname", "--", s.name)
	}
	if err := h.WriteFile(ctx, "/etc/hostname", []byte(s.name+"\n"), host.Attr{Mode: 0o644}); err != nil {
		return err
	}
	return do(ctx, h, "hostname", s.name)
}

// parseHostname reads /etc/hostname: the first line that is no comment.
func parseHostname(text string) string {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return line
		}
	}
	return ""
}
