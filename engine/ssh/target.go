package ssh

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// HostKeyPolicy says what happens when a host's key is not recorded yet. A key
// that differs from the recorded one is refused by every policy.
type HostKeyPolicy string

const (
	// Strict refuses hosts whose key is not recorded. It is the default.
	Strict HostKeyPolicy = "strict"
	// AcceptNew records the key of a host seen for the first time.
	AcceptNew HostKeyPolicy = "accept-new"
)

// Target says where a host is and how to log in to it. It must not be changed
// after it was given to Dial.
type Target struct {
	Name    string // name in the inventory, used in every message; empty means Address
	Address string // host name or IP address
	Port    int    // zero means 22
	User    string

	Password string
	// IdentityFiles are private keys. If there are any, only they are offered
	// (also when the agent holds them); otherwise the agent's keys are.
	IdentityFiles []string
	// Passphrase is asked for the passphrase of an encrypted identity file, at
	// most once per file and only when the server accepts that key.
	Passphrase func(file string) (string, error)

	// KnownHosts are the files host keys are looked up in; new keys are written
	// to the first. Empty means ~/.ssh/known_hosts.
	KnownHosts    []string
	HostKeyPolicy HostKeyPolicy
	// HostKeyAlias is the name to look the host key up by instead of Address.
	HostKeyAlias string

	// Jump lists the hosts to go through, the first hop first. Their own Jump
	// is ignored.
	Jump []Target

	Become         bool
	BecomeUser     string // empty means root
	BecomePassword string // for sudo; empty means sudo must not ask

	ConnectTimeout time.Duration // bounds TCP, handshake and login together; zero means 20 s
	KeepAlive      time.Duration // zero means 15 s, negative none
	// KeepAliveMisses is how many unanswered keepalives mean a dead connection;
	// zero means 3.
	KeepAliveMisses int
}

// Options are what all connections of one process share.
type Options struct {
	Logger *slog.Logger // nil discards
	// AgentSocket is the path of the SSH agent's socket; empty means none.
	// AgentFromEnv reads it from the environment.
	AgentSocket string
	// Dial opens the connection to a host, or to the first of its jump hosts; nil is
	// TCP.
	Dial func(ctx context.Context, addr string) (net.Conn, error)
	// MaxHandshakes bounds handshakes in progress; zero means 64.
	MaxHandshakes int
	// MaxPerJump bounds handshakes in progress through one jump host, whose
	// sshd drops bursts (MaxStartups); zero means 8.
	MaxPerJump int
	// OutputLimit is how much of each output stream of a command is kept; zero
	// means 4 MiB.
	OutputLimit int
	// ReconnectFor is how long Run tries to get a lost connection back (within
	// its context); zero means 30 s.
	ReconnectFor time.Duration
}

// AgentFromEnv returns the agent socket of the user's session.
func AgentFromEnv() string { return os.Getenv("SSH_AUTH_SOCK") }

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Dial == nil {
		d := net.Dialer{KeepAlive: 30 * time.Second}
		o.Dial = func(ctx context.Context, addr string) (net.Conn, error) { return d.DialContext(ctx, "tcp", addr) }
	}
	o.MaxHandshakes = positive(o.MaxHandshakes, 64)
	o.MaxPerJump = positive(o.MaxPerJump, 8)
	o.OutputLimit = positive(o.OutputLimit, 4<<20)
	if o.ReconnectFor <= 0 {
		o.ReconnectFor = 30 * time.Second
	}
	return o
}

func positive(n, def int) int {
	if n > 0 {
		return n
	}
	return def
}

// userName is what a login or become user may look like: it goes into command
// lines read by unknown login shells, so nothing may need quoting there.
var userName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@-]*\$?$`)

func (t Target) withDefaults() (Target, error) {
	if t.Name == "" {
		t.Name = t.Address
	}
	if t.Address == "" {
		return t, errors.New("target has no address")
	}
	if t.Port == 0 {
		t.Port = 22
	}
	if t.User == "" {
		return t, fmt.Errorf("%s: no user to log in as; set the host's user", t.Name)
	}
	if t.BecomeUser == "" {
		t.BecomeUser = "root"
	}
	if t.Become && !userName.MatchString(t.BecomeUser) {
		return t, fmt.Errorf("%s: become user %q is not a valid user name", t.Name, t.BecomeUser)
	}
	switch t.HostKeyPolicy {
	case "":
		t.HostKeyPolicy = Strict
	case Strict, AcceptNew:
	default:
		return t, fmt.Errorf("%s: host_key_policy is %q; it must be %q or %q", t.Name, t.HostKeyPolicy, Strict, AcceptNew)
	}
	if t.ConnectTimeout <= 0 {
		t.ConnectTimeout = 20 * time.Second
	}
	if t.KeepAlive == 0 {
		t.KeepAlive = 15 * time.Second
	}
	t.KeepAliveMisses = positive(t.KeepAliveMisses, 3)
	if len(t.KnownHosts) == 0 {
		home, err := os.UserHomeDir()
		if err != nil {
			return t, fmt.Errorf("%s: no known_hosts file given and no home directory: %w", t.Name, err)
		}
		t.KnownHosts = []string{home + "/.ssh/known_hosts"}
	}
	jump := make([]Target, len(t.Jump))
	for i, j := range t.Jump {
		if len(j.KnownHosts) == 0 {
			j.KnownHosts = t.KnownHosts
		}
		if j.HostKeyPolicy == "" {
			j.HostKeyPolicy = t.HostKeyPolicy
		}
		if j.Passphrase == nil {
			j.Passphrase = t.Passphrase
		}
		if j.ConnectTimeout == 0 {
			j.ConnectTimeout = t.ConnectTimeout
		}
		if j.User == "" {
			j.User = t.User
		}
		j.Jump, j.Become = nil, false
		var err error
		if jump[i], err = j.withDefaults(); err != nil {
			return t, err
		}
	}
	t.Jump = jump
	return t, nil
}

func (t Target) hostPort() string { return net.JoinHostPort(t.Address, strconv.Itoa(t.Port)) }

// shown is how messages write what was dialled.
func (t Target) shown() string {
	s := t.User + "@" + t.hostPort()
	if len(t.Jump) > 0 {
		via := make([]string, len(t.Jump))
		for i, j := range t.Jump {
			via[i] = j.User + "@" + j.hostPort()
		}
		s += " via " + strings.Join(via, ", ")
	}
	return s
}

// becomes reports whether commands run as another user than the login.
func (t Target) becomes() bool { return t.Become && t.BecomeUser != t.User }

// effectiveUser is who commands run as.
func (t Target) effectiveUser() string {
	if t.Become {
		return t.BecomeUser
	}
	return t.User
}

// keyName is the name the host key is recorded under.
func (t Target) keyName() string {
	name := t.Address
	if t.HostKeyAlias != "" {
		return t.HostKeyAlias
	}
	if t.Port != 22 {
		return fmt.Sprintf("[%s]:%d", name, t.Port)
	}
	return name
}
