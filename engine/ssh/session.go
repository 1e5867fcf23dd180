package ssh

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	xssh "golang.org/x/crypto/ssh"
)

// session is one channel that runs one command. Unlike xssh.Session it starts
// no goroutine per stream; whoever uses it must read both streams.
type session struct {
	ch     xssh.Channel
	stdout io.Reader
	stderr io.Reader
	ended  chan struct{} // closed when the channel is done; status is valid then
	status exitStatus
	once   sync.Once
}

// exitStatus is how the command of a session ended.
type exitStatus struct {
	known bool
	code  int
}

// openSession opens a channel and runs command on it: two round trips. A
// server that does not answer is left behind when ctx ends; the attempt ends
// with the connection.
func openSession(ctx context.Context, client *xssh.Client, command string, pty bool, st *stats) (*session, error) {
	type opened struct {
		s   *session
		err error
	}
	done := make(chan opened, 1)
	go func() {
		s, err := openSessionNow(client, command, pty, st)
		done <- opened{s, err}
	}()
	select {
	case o := <-done:
		return o.s, o.err
	case <-ctx.Done():
	}
	go func() {
		if o := <-done; o.s != nil {
			o.s.close()
		}
	}()
	return nil, ctx.Err()
}

func openSessionNow(client *xssh.Client, command string, pty bool, st *stats) (*session, error) {
	st.trips.Add(1)
	ch, reqs, err := client.OpenChannel("session", nil)
	if err != nil {
		return nil, err
	}
	s := &session{ch: ch, stdout: ch, stderr: ch.Stderr(), ended: make(chan struct{})}
	go s.requests(reqs)
	if pty {
		if err := s.requestPty(); err != nil {
			s.close()
			return nil, err
		}
	}
	st.trips.Add(1)
	ok, err := ch.SendRequest("exec", true, xssh.Marshal(struct{ Command string }{command}))
	if err == nil && !ok {
		err = errRefused
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

var errRefused = fmt.Errorf("the server refused to run a command")

// requestPty asks for a terminal that echoes nothing: a password is written to
// it.
func (s *session) requestPty() error {
	modes := []byte{53, 0, 0, 0, 0, 0} // ECHO off, end of modes
	ok, err := s.ch.SendRequest("pty-req", true, xssh.Marshal(struct {
		Term                   string
		Cols, Rows, Width, Hgt uint32
		Modes                  string
	}{"dumb", 80, 24, 0, 0, string(modes)}))
	if err == nil && !ok {
		err = fmt.Errorf("the server refused a terminal")
	}
	return err
}

func (s *session) requests(reqs <-chan *xssh.Request) {
	defer close(s.ended)
	for r := range reqs {
		switch r.Type {
		case "exit-status":
			if len(r.Payload) >= 4 {
				s.status = exitStatus{known: true, code: int(binary.BigEndian.Uint32(r.Payload)) & 0xff}
			}
		case "exit-signal":
			var sig struct {
				Name string
				Core bool
				Msg  string
				Lang string
			}
			if xssh.Unmarshal(r.Payload, &sig) == nil {
				s.status = exitStatus{known: true, code: 128 + signalNumber(sig.Name)}
			}
		}
		if r.WantReply {
			_ = r.Reply(false, nil)
		}
	}
}

func (s *session) close() { s.once.Do(func() { _ = s.ch.Close() }) }

// signalNumber gives the Linux number of a signal RFC 4254 names.
func signalNumber(name string) int {
	switch name {
	case "HUP":
		return 1
	case "INT":
		return 2
	case "QUIT":
		return 3
	case "ILL":
		return 4
	case "ABRT":
		return 6
	case "FPE":
		return 8
	case "KILL":
		return 9
	case "USR1":
		return 10
	case "SEGV":
		return 11
	case "USR2":
		return 12
	case "PIPE":
		return 13
	case "ALRM":
		return 14
	case "TERM":
		return 15
	}
	return 0
}
