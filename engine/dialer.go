package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/ssh"
	"github.com/ferry-ops/ferry/inventory"
)

// Dialer connects to the hosts of an inventory. It is shared by all hosts of a
// process, since jump hosts and limits are.
type Dialer struct {
	inv *inventory.Inventory
	d   *ssh.Dialer
	// Passphrase asks for the passphrase of an encrypted key; nil means it cannot be asked.
	Passphrase func(file string) (string, error)
}

// NewDialer returns a dialer for the hosts of inv.
func NewDialer(inv *inventory.Inventory, log *slog.Logger) *Dialer {
	return &Dialer{inv: inv, d: ssh.NewDialer(ssh.Options{Logger: log, AgentSocket: ssh.AgentFromEnv()})}
}

// Connect opens a connection to a host, as the become user if become is set.
func (d *Dialer) Connect(ctx context.Context, name string, become bool, becomeUser string) (host.Transport, error) {
	h := d.inv.Host(name)
	if h == nil {
		return nil, fmt.Errorf("the inventory has no host %q; this is a bug in ferry", name)
	}
	c := h.Connection
	if becomeUser == "" {
		becomeUser = c.BecomeUser
	}
	if c.Kind == inventory.KindLocal {
		return nil, errors.New("connection local: merge pending")
	}
	t, err := d.target(h)
	if err != nil {
		return nil, err
	}
	t.Become, t.BecomeUser, t.BecomePassword = become, becomeUser, c.BecomePassword.Reveal()
	return d.d.Dial(ctx, t)
}

// target is what the inventory says of a host; the user's SSH configuration
// fills in what it does not say.
func (d *Dialer) target(h *inventory.Host) (ssh.Target, error) {
	c := h.Connection
	t := ssh.Target{
		Name: h.Name, Address: c.Address, Port: c.Port, User: c.User, Password: c.Password.Reveal(),
		HostKeyPolicy: ssh.HostKeyPolicy(c.HostKeyPolicy), ConnectTimeout: c.ConnectTimeout, Passphrase: d.Passphrase,
	}
	if c.IdentityFile != "" {
		t.IdentityFiles = []string{c.IdentityFile}
	}
	if c.KnownHostsFile != "" {
		t.KnownHosts = []string{c.KnownHostsFile}
	}
	return t, nil
}

// Close ends what the connections shared.
func (d *Dialer) Close() error { return d.d.Close() }
