package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/ferry-ops/ferry/engine/host"
	xssh "golang.org/x/crypto/ssh"
)

// dialError says why no TCP connection could be made.
func dialError(ctx context.Context, t Target, err error) error {
	if ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled) {
		return ctx.Err()
	}
	e := &host.ConnectError{Host: t.Name, Address: t.shown(), Err: err}
	var dns *net.DNSError
	var open *xssh.OpenChannelError
	var ne net.Error
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		e.What = fmt.Sprintf("The name %s cannot be resolved: no such host.", t.Address)
		e.Cure = "Correct the address in the inventory, or the DNS."
	case errors.As(err, &dns):
		e.What = fmt.Sprintf("The name %s cannot be resolved: %v.", t.Address, dns.Err)
		e.Cure = "Check this machine's name servers."
	case errors.Is(err, syscall.ECONNREFUSED):
		e.What = fmt.Sprintf("Port %d refuses connections.", t.Port)
		e.Cure = "Check that sshd runs there and listens on that port."
	case errors.Is(err, syscall.ECONNRESET):
		return closedError(t, err)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		e.What = "There is no route to the host."
		e.Cure = "Check that the host is up and the network between, or set a jump host."
	case errors.As(err, &open):
		e.What = fmt.Sprintf("The jump host could not connect to it: %s.", strings.TrimSuffix(open.Message, "."))
		e.Cure = "Check that the host is up, that the jump host can reach it, and that it allows TCP forwarding."
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &ne) && ne.Timeout():
		e.What = fmt.Sprintf("It did not answer within %s.", t.ConnectTimeout)
		e.Cure = "Check that the host is up and no firewall drops the packets, or raise connect_timeout."
	default:
		e.What = fmt.Sprintf("The connection failed: %v.", err)
		e.Cure = "Check the host and the network between."
	}
	return e
}

// loginError says why the handshake or the login failed.
func loginError(outer, ctx context.Context, t Target, l *login, err error) error {
	if outer.Err() != nil && errors.Is(context.Cause(outer), context.Canceled) {
		return outer.Err()
	}
	e := &host.ConnectError{Host: t.Name, Address: t.shown(), Err: err}
	var neg *xssh.AlgorithmNegotiationError
	switch {
	case ctx.Err() != nil:
		e.What = fmt.Sprintf("It accepted the connection but did not finish the login within %s.", t.ConnectTimeout)
		e.Cure = "Check sshd on the host (load, a full disk, DNS lookups), or raise connect_timeout."
		e.Err = ctx.Err()
	case errors.Is(err, errPassphrase), strings.Contains(err.Error(), "unable to authenticate"), strings.Contains(err.Error(), "Too many authentication failures"):
		e.Permanent = true
		e.What = fmt.Sprintf("The host accepts no way to log in as %s: %s.", t.User, l.summary())
		e.Cure = loginCure(t)
		l.mu.Lock()
		if keys := errors.Join(l.errs...); keys != nil {
			e.Err = keys
			e.What += " " + firstUpper(strings.ReplaceAll(keys.Error(), "\n", "; ")) + "."
			if errors.Is(keys, errPassphrase) {
				e.Cure = "Give the key's passphrase, or add the key to the SSH agent with ssh-add."
			}
		}
		l.mu.Unlock()
	case errors.As(err, &neg):
		e.Permanent = true
		e.What = fmt.Sprintf("Host and ferry have no %s in common: the host offers %s.", neg.What, strings.Join(neg.RequestedAlgorithms, ", "))
		e.Cure = "Update sshd on the host, or allow a modern algorithm in its sshd_config."
	default:
		return closedError(t, err)
	}
	return e
}

// loginCure says how to make the host accept a login.
func loginCure(t Target) string {
	key := ""
	if len(t.IdentityFiles) > 0 {
		key = " -i " + host.Quote(strings.TrimSuffix(t.IdentityFiles[0], ".pub")+".pub")
	}
	begin, end := "Authorize a key with", "or set the host's identity_file or password."
	if t.Password != "" {
		begin, end = "Correct the host's password in the inventory, or authorize a key with", "and set identity_file."
	}
	return fmt.Sprintf("%s\n  ssh-copy-id%s -p %d %s@%s\n%s", begin, key, t.Port, t.User, t.Address, end)
}

func closedError(t Target, err error) error {
	return &host.ConnectError{Host: t.Name, Address: t.shown(), Err: err, Passing: true,
		What: fmt.Sprintf("The connection was closed during the login: %v.", err),
		Cure: "Check sshd on the host: it may be starting, be replaced by an update, or be limiting connections (MaxStartups)."}
}

// becomeError says why no shell could be had after the login.
func becomeError(ctx context.Context, t Target, err error) error {
	e := &host.ConnectError{Host: t.Name, Address: t.shown(), Err: err, Permanent: true}
	said := ""
	var se *startError
	if errors.As(err, &se) && se.said != "" {
		said = " It said: " + strings.ReplaceAll(host.Shorten(se.said, 500), "\n", " / ") + "."
	}
	who := fmt.Sprintf("%s may become %s", t.User, t.BecomeUser)
	switch {
	case errors.Is(err, errWrongPassword):
		e.What = fmt.Sprintf("sudo refused the password of %s.", t.User)
		e.Cure = "Correct become_password in the inventory; it is the password of the login user."
	case errors.Is(err, errNeedPassword):
		e.What = fmt.Sprintf("sudo asks for the password of %s and none was given.", t.User)
		e.Cure = "Set become_password in the inventory, or allow NOPASSWD for this user in sudoers."
	case errors.Is(err, errNeedTTY):
		e.What = "sudo insists on a terminal and refused the one it was given." + said
		e.Cure = "Remove \"Defaults requiretty\" from sudoers."
	case errors.Is(err, errNotSudoer):
		e.What = fmt.Sprintf("sudo does not allow that %s.%s", who, said)
		e.Cure = fmt.Sprintf("Add to sudoers\n  %s ALL=(%s) NOPASSWD: ALL", t.User, t.BecomeUser)
	case errors.Is(err, errNoUser):
		e.What = fmt.Sprintf("The user %s does not exist on the host.", t.BecomeUser)
		e.Cure = "Correct become_user."
	case errors.Is(err, errNoSudo):
		e.What = "sudo is not installed on the host." + said
		e.Cure = fmt.Sprintf("Install it, or log in as %s.", t.BecomeUser)
	case errors.Is(err, errNoLogin):
		e.What = fmt.Sprintf("The account %s may not log in: its shell is nologin.", t.User)
		e.Cure = fmt.Sprintf("Use another user, or give it a shell with\n  usermod -s /bin/sh %s", t.User)
	case errors.Is(err, errNoShell):
		e.What = fmt.Sprintf("The login of %s does not run commands.%s", t.User, said)
		e.Cure = "Check the user's login shell and whether sshd_config or authorized_keys forces a command."
	case ctx.Err() != nil:
		e.Permanent = false
		e.What = fmt.Sprintf("The login succeeded but no shell answered within %s.", t.ConnectTimeout)
		e.Cure = "Check what the user's .bashrc and sudo wait for (a hung home directory, LDAP, DNS)."
	default:
		e.Permanent = false
		e.What = fmt.Sprintf("The login succeeded but no shell could be started: %v.", err)
		e.Cure = "Check sshd's log on the host."
	}
	return e
}

func firstUpper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
