package sshtest

import (
	"net"
	"time"

	xssh "golang.org/x/crypto/ssh"
)

// Options say what kind of host a Server is. The zero value is a host where
// anybody may log in with the password "secret", with sudo that does not ask.
type Options struct {
	// Addr is where to listen; empty means a free port of 127.0.0.1.
	Addr string
	// Listener takes the connections; nil listens at Addr.
	Listener net.Listener
	// Users may log in. Empty means that any user may, with Password "secret"
	// or one of Keys.
	Users map[string]User
	// Keys may log in as any user, besides those of Users.
	Keys []xssh.PublicKey
	// HostKeys are offered; empty means one ed25519 key.
	HostKeys []xssh.Signer
	// KeyboardInteractive takes the password that way instead of by the
	// password method.
	KeyboardInteractive bool

	// Backend runs commands; nil means Exec of this machine.
	Backend Backend
	// Dir is the host's directory: home, state, programs. Empty makes one,
	// removed by Close.
	Dir string
	// Bin are directories of programs in front of PATH (Exec only).
	Bin []string
	// Env is added to every session's environment.
	Env []string
	// Sudo is how the host's sudo behaves (Exec and Interp).
	Sudo Sudo

	// Noise is printed before every command, as a .bashrc does; also before the
	// sftp subsystem, which breaks it.
	Noise string
	// NoSFTP refuses the sftp subsystem.
	NoSFTP bool
	// ForceCommand runs instead of what was asked for, which it finds in
	// $SSH_ORIGINAL_COMMAND.
	ForceCommand string
	// MaxSessions bounds open sessions per connection; zero means 10.
	MaxSessions int
	// Forwarding lets clients use the host as a jump host.
	Forwarding bool
	// Latency delays what travels, in each direction. A round trip costs twice
	// this.
	Latency time.Duration
	// Hang is where a connection stalls for ever.
	Hang Stage
}

// User is one account.
type User struct {
	Password string // empty: no password login
	Keys     []xssh.PublicKey
	// NoLogin gives the account /sbin/nologin as its shell.
	NoLogin bool
}

// Sudo is how a host's sudo behaves.
type Sudo struct {
	Password   string // asked for; empty means NOPASSWD
	Cached     bool   // a timestamp is still valid: does not ask although it could
	RequireTTY bool
	Denied     bool // the user is not in sudoers
	Missing    bool // there is no sudo
}

// Stage is a point of a connection's life.
type Stage int

const (
	// Never hangs.
	Never Stage = iota
	// AtAccept hangs before the server's version is sent.
	AtAccept
	// InAuth hangs when the client wants to log in.
	InAuth
	// AtSession hangs when a command is to be started.
	AtSession
)
