package ssh

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	xssh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// maxAgentKeys bounds how many of the agent's keys are offered: servers hang
// up after MaxAuthTries (6) and every key costs a round trip.
const maxAgentKeys = 5

// login gathers what one host is offered and remembers it for the message
// when nothing is accepted.
type login struct {
	t      Target
	socket string

	mu    sync.Mutex
	tried []string
	errs  []error // keys that could not be used
	agent net.Conn
}

func (l *login) note(s string) {
	l.mu.Lock()
	l.tried = append(l.tried, s)
	l.mu.Unlock()
}

func (l *login) close() {
	if l.agent != nil {
		_ = l.agent.Close()
	}
}

// methods returns the ways to log in, cheapest first. All keys are one method:
// a method that was refused is not tried again.
func (l *login) methods() []xssh.AuthMethod {
	var m []xssh.AuthMethod
	if len(l.t.IdentityFiles) > 0 || l.socket != "" {
		m = append(m, xssh.PublicKeysCallback(l.signers))
	}
	if l.t.Password != "" {
		m = append(m,
			xssh.PasswordCallback(func() (string, error) {
				l.note("password")
				return l.t.Password, nil
			}),
			xssh.KeyboardInteractive(l.answer))
	}
	return m
}

// answer gives the password to the one question of a keyboard-interactive
// login that is not echoed; it cannot answer others (a second factor).
func (l *login) answer(_, _ string, questions []string, echos []bool) ([]string, error) {
	answers := make([]string, len(questions))
	hidden := 0
	for i := range questions {
		if !echos[i] {
			answers[i] = l.t.Password
			hidden++
		}
	}
	if len(questions) > 0 {
		l.note("keyboard-interactive")
	}
	if hidden > 1 {
		return nil, fmt.Errorf("the server asks %d hidden questions; ferry knows one password", hidden)
	}
	return answers, nil
}

func (l *login) signers() ([]xssh.Signer, error) {
	held := l.agentSigners()
	var out []xssh.Signer
	for _, file := range l.t.IdentityFiles {
		// The agent may hold the key decrypted.
		if pub := readPublic(file + ".pub"); pub != nil {
			if s := find(held, pub); s != nil {
				l.note(fmt.Sprintf("key %s (from the agent)", file))
				out = append(out, s)
				continue
			}
		}
		signers, err := loadKey(file, l.t.Passphrase)
		if err != nil {
			l.mu.Lock()
			l.errs = append(l.errs, err)
			l.mu.Unlock()
			continue
		}
		for _, s := range signers {
			if a := find(held, s.PublicKey()); a != nil {
				s = a
			}
			out = append(out, l.watch(s))
		}
		l.note("key " + file)
	}
	if len(l.t.IdentityFiles) == 0 {
		if len(held) > maxAgentKeys {
			held = held[:maxAgentKeys]
		}
		for _, s := range held {
			l.note("agent key " + xssh.FingerprintSHA256(s.PublicKey()))
			out = append(out, s)
		}
	}
	return out, nil
}

// watch keeps the error of a key that fails to sign: the handshake reports
// only that nothing was accepted.
func (l *login) watch(s xssh.Signer) xssh.Signer {
	if k, ok := s.(*encryptedKey); ok {
		k.failed = func(err error) {
			l.mu.Lock()
			l.errs = append(l.errs, err)
			l.mu.Unlock()
		}
	}
	return s
}

func (l *login) agentSigners() []xssh.Signer {
	if l.socket == "" {
		return nil
	}
	conn, err := net.DialTimeout("unix", l.socket, 2*time.Second)
	if err != nil {
		l.mu.Lock()
		l.errs = append(l.errs, fmt.Errorf("the SSH agent does not answer: %w", err))
		l.mu.Unlock()
		return nil
	}
	l.agent = conn
	_ = conn.SetDeadline(time.Now().Add(l.t.ConnectTimeout))
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		return nil
	}
	return signers
}

func find(signers []xssh.Signer, pub xssh.PublicKey) xssh.Signer {
	for _, s := range signers {
		if bytes.Equal(s.PublicKey().Marshal(), pub.Marshal()) {
			return s
		}
	}
	return nil
}

// summary says what was offered, for a message.
func (l *login) summary() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.tried) == 0 {
		return "nothing could be offered: there is no usable key, agent or password"
	}
	return "it refused what was offered: " + strings.Join(l.tried, ", ")
}
