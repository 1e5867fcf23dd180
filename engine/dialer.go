package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/local"
	"github.com/ferry-ops/ferry/engine/run"
	"github.com/ferry-ops/ferry/engine/ssh"
	"github.com/ferry-ops/ferry/inventory"
)

// Dialer connects to the hosts of an inventory. It is shared by all hosts of a
// process, since jump hosts and limits are. It may be used concurrently.
type Dialer struct {
	inv      *inventory.Inventory
	d        *ssh.Dialer
	resolver *ssh.Resolver
	machine  local.Machine
}

// NewDialer returns a dialer for the hosts of inv. What the inventory does not
// say is taken from the user's ~/.ssh/config; the error is about that file.
func NewDialer(inv *inventory.Inventory, log *slog.Logger) (*Dialer, error) {
	me, err := user.Current()
	if err != nil {
		return nil, fmt.Errorf("cannot tell who runs ferry: %w", err)
	}
	r, err := ssh.NewResolver(filepath.Join(me.HomeDir, ".ssh", "config"), me.HomeDir, me.Username)
	if err != nil {
		return nil, err
	}
	return &Dialer{inv: inv, d: ssh.NewDialer(ssh.Options{Logger: log, AgentSocket: ssh.AgentFromEnv()}), resolver: r}, nil
}

// Connect opens a connection to a host, as the become user if become is set.
func (d *Dialer) Connect(ctx context.Context, name string, become bool, becomeUser string) (host.Transport, error) {
	if name == run.Controller {
		return local.New(local.Options{Become: become, BecomeUser: becomeUser, Machine: &d.machine})
	}
	h := d.inv.Host(name)
	if h == nil {
		return nil, fmt.Errorf("the inventory has no host %q; this is a bug in ferry", name)
	}
	c := h.Connection
	if becomeUser == "" {
		becomeUser = c.BecomeUser
	}
	if c.Kind == inventory.KindLocal {
		return local.New(local.Options{Become: become, BecomeUser: becomeUser, Machine: &d.machine})
	}
	t, err := d.target(h, 0)
	if err != nil {
		return nil, &host.ConnectError{Host: h.Name, Address: c.Address, What: err.Error() + ".", Err: err, Permanent: true}
	}
	t.Become, t.BecomeUser, t.BecomePassword = become, becomeUser, c.BecomePassword.Reveal()
	return d.d.Dial(ctx, t)
}

// maxHops bounds jump hosts of the inventory that name each other.
const maxHops = 8

// target is what the inventory says of a host, completed by the SSH
// configuration. A jump host may be a host of the inventory.
func (d *Dialer) target(h *inventory.Host, depth int) (ssh.Target, error) {
	if depth > maxHops {
		return ssh.Target{}, errors.New("the jump hosts of the inventory lead in a circle")
	}
	c := h.Connection
	t := ssh.Target{
		Name: h.Name, Address: c.Address, Port: c.Port, User: c.User, Password: c.Password.Reveal(),
		HostKeyPolicy: ssh.HostKeyPolicy(c.HostKeyPolicy), ConnectTimeout: c.ConnectTimeout,
	}
	if c.IdentityFile != "" {
		t.IdentityFiles = []string{c.IdentityFile}
	}
	if c.KnownHostsFile != "" {
		t.KnownHosts = []string{c.KnownHostsFile}
	}
	for _, j := range c.Jump {
		hop, err := d.jump(j, t, depth)
		if err != nil {
			return t, err
		}
		// Only the first hop is reached by way of its own jump hosts.
		if len(t.Jump) == 0 {
			t.Jump = append(t.Jump, hop.Jump...)
		}
		hop.Jump = nil
		t.Jump = append(t.Jump, hop)
	}
	return d.resolver.Resolve(t)
}

// jump is the target for [user@]host[:port].
func (d *Dialer) jump(spec string, of ssh.Target, depth int) (ssh.Target, error) {
	userName, address, found := strings.Cut(spec, "@")
	if !found {
		userName, address = "", spec
	}
	port := 0
	if h, p, err := net.SplitHostPort(address); err == nil {
		n, err := strconv.Atoi(p)
		if err != nil || n < 1 || n > 65535 {
			return ssh.Target{}, fmt.Errorf("the jump host %q has no valid port", spec)
		}
		address, port = h, n
	}
	t := ssh.Target{Name: address, Address: address, KnownHosts: of.KnownHosts, HostKeyPolicy: of.HostKeyPolicy}
	if h := d.inv.Host(address); h != nil {
		var err error
		if t, err = d.target(h, depth+1); err != nil {
			return t, err
		}
	}
	if userName != "" {
		t.User = userName
	}
	if port != 0 {
		t.Port = port
	}
	return d.resolver.Resolve(t)
}

// Close ends what the connections shared.
func (d *Dialer) Close() error { return d.d.Close() }
