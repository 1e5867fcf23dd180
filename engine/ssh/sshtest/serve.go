package sshtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/pkg/sftp"
	xssh "golang.org/x/crypto/ssh"
)

// serve speaks SSH on one connection until it ends.
func (s *Server) serve(c *faultConn, hang Stage) {
	cfg := &xssh.ServerConfig{ServerVersion: "SSH-2.0-sshtest", MaxAuthTries: 6}
	for _, k := range s.HostKeys() {
		cfg.AddHostKey(k)
	}
	cfg.AuthLogCallback = func(_ xssh.ConnMetadata, method string, _ error) {
		if method != "none" { // by which a client learns what there is
			s.attempts.Add(1)
		}
	}
	wait := func() {
		if hang == InAuth {
			<-c.done
		}
	}
	cfg.PublicKeyCallback = func(m xssh.ConnMetadata, key xssh.PublicKey) (*xssh.Permissions, error) {
		wait()
		for _, k := range append(s.opt.Users[m.User()].Keys, s.opt.Keys...) {
			if bytes.Equal(k.Marshal(), key.Marshal()) {
				return nil, nil
			}
		}
		return nil, errors.New("key not authorized")
	}
	password := func(user, pass string) error {
		wait()
		want := "secret"
		if len(s.opt.Users) > 0 {
			want = s.opt.Users[user].Password
		}
		if want == "" || pass != want {
			return errors.New("wrong password")
		}
		return nil
	}
	if s.opt.KeyboardInteractive {
		cfg.KeyboardInteractiveCallback = func(m xssh.ConnMetadata, ask xssh.KeyboardInteractiveChallenge) (*xssh.Permissions, error) {
			answers, err := ask("", "", []string{"Password: "}, []bool{false})
			if err != nil || len(answers) != 1 {
				return nil, errors.New("no answer")
			}
			return nil, password(m.User(), answers[0])
		}
	} else {
		cfg.PasswordCallback = func(m xssh.ConnMetadata, pass []byte) (*xssh.Permissions, error) {
			return nil, password(m.User(), string(pass))
		}
	}
	conn, chans, reqs, err := xssh.NewServerConn(c, cfg)
	if err != nil {
		return
	}
	s.logins.Add(1)
	s.wg.Go(func() { s.global(conn, reqs) })
	s.offerKeys(conn)
	var open atomic.Int64
	var wg sync.WaitGroup
	for nc := range chans {
		switch {
		case nc.ChannelType() == "direct-tcpip" && s.opt.Forwarding:
			wg.Go(func() { forward(nc) })
		case nc.ChannelType() != "session":
			_ = nc.Reject(xssh.UnknownChannelType, "not supported")
		case open.Load() >= int64(s.opt.MaxSessions):
			_ = nc.Reject(xssh.ConnectionFailed, "open failed")
		default:
			open.Add(1)
			wg.Go(func() {
				defer open.Add(-1)
				ch, reqs, err := nc.Accept()
				if err != nil {
					return
				}
				s.sessions.Add(1)
				s.session(c, conn, ch, reqs, hang)
			})
		}
	}
	wg.Wait()
}

// offerKeys tells the client all host keys, as OpenSSH does after the login.
func (s *Server) offerKeys(conn *xssh.ServerConn) {
	var b bytes.Buffer
	for _, k := range s.HostKeys() {
		raw := k.PublicKey().Marshal()
		b.Write(xssh.Marshal(struct{ Key string }{string(raw)}))
	}
	_, _, _ = conn.SendRequest("hostkeys-00@openssh.com", false, b.Bytes())
}

// global answers keepalives and proofs of host keys.
func (s *Server) global(conn *xssh.ServerConn, reqs <-chan *xssh.Request) {
	for r := range reqs {
		if r.Type != "hostkeys-prove-00@openssh.com" {
			if r.WantReply {
				_ = r.Reply(false, nil)
			}
			continue
		}
		var out []byte
		rest := r.Payload
		for len(rest) > 0 {
			var one struct {
				Key  string
				Rest []byte `ssh:"rest"`
			}
			if xssh.Unmarshal(rest, &one) != nil {
				break
			}
			rest = one.Rest
			data := xssh.Marshal(struct{ Type, Session, Key string }{"hostkeys-prove-00@openssh.com", string(conn.SessionID()), one.Key})
			for _, k := range s.HostKeys() {
				if string(k.PublicKey().Marshal()) == one.Key {
					sig, _ := sign(k, data)
					out = append(out, xssh.Marshal(struct{ Sig string }{string(xssh.Marshal(sig))})...)
				}
			}
		}
		_ = r.Reply(true, out)
	}
}

func sign(k xssh.Signer, data []byte) (*xssh.Signature, error) {
	if as, ok := k.(xssh.AlgorithmSigner); ok && k.PublicKey().Type() == xssh.KeyAlgoRSA {
		return as.SignWithAlgorithm(nil, data, xssh.KeyAlgoRSASHA512)
	}
	return k.Sign(nil, data)
}

func forward(nc xssh.NewChannel) {
	var to struct {
		Host     string
		Port     uint32
		FromHost string
		FromPort uint32
	}
	if err := xssh.Unmarshal(nc.ExtraData(), &to); err != nil {
		_ = nc.Reject(xssh.ConnectionFailed, "bad request")
		return
	}
	out, err := net.Dial("tcp", net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port))))
	if err != nil {
		_ = nc.Reject(xssh.ConnectionFailed, err.Error())
		return
	}
	defer out.Close()
	ch, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	go xssh.DiscardRequests(reqs)
	go func() { _, _ = io.Copy(out, ch); _ = out.Close() }()
	_, _ = io.Copy(ch, out)
}

// session serves one session channel.
func (s *Server) session(c *faultConn, conn *xssh.ServerConn, ch xssh.Channel, reqs <-chan *xssh.Request, hang Stage) {
	defer ch.Close()
	pty := false
	started := false
	gone := make(chan struct{})
	var wg sync.WaitGroup
	for r := range reqs {
		ok := false
		switch r.Type {
		case "pty-req":
			pty, ok = true, true
		case "env", "window-change", "signal":
			ok = true
		case "exec", "shell":
			if started {
				break
			}
			if hang == AtSession {
				<-c.done
				return
			}
			var cmd struct{ Command string }
			_ = xssh.Unmarshal(r.Payload, &cmd)
			started, ok = true, true
			p := s.newProcess(conn.User(), cmd.Command, ch, pty, gone)
			wg.Go(func() {
				code := s.run(p)
				_, _ = ch.SendRequest("exit-status", false, xssh.Marshal(struct{ Status uint32 }{uint32(code)})) //nolint:gosec // 0-255
				_ = ch.Close()
			})
		case "subsystem":
			var sub struct{ Name string }
			_ = xssh.Unmarshal(r.Payload, &sub)
			if sub.Name != "sftp" || s.opt.NoSFTP || started {
				break
			}
			started, ok = true, true
			wg.Go(func() {
				if s.opt.Noise != "" {
					fmt.Fprint(ch, s.opt.Noise)
				}
				if srv, err := sftp.NewServer(ch); err == nil {
					_ = srv.Serve()
				}
				_ = ch.Close()
			})
		}
		if r.WantReply {
			_ = r.Reply(ok, nil)
		}
	}
	close(gone)
	wg.Wait()
}
