package ssh

import (
	"context"
	"fmt"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	xssh "golang.org/x/crypto/ssh"
)

// handshake reaches t, checks its host key and logs in, all within
// t.ConnectTimeout once it is its turn. When the connection has ended, gone is
// called and the jump hosts it goes through are given back.
func (d *Dialer) handshake(ctx context.Context, t Target, offered *offeredKeys, gone func()) (client *xssh.Client, err error) {
	dial, perJump, back, err := d.through(ctx, t)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			back()
		}
	}()
	if perJump != nil {
		leave, err := take(ctx, perJump)
		if err != nil {
			return nil, err
		}
		defer leave()
		jitter(ctx, 5*time.Millisecond)
	}
	leave, err := take(ctx, d.slots)
	if err != nil {
		return nil, err
	}
	defer leave()

	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, t.ConnectTimeout)
	defer cancel()
	raw, err := dial(ctx, t.hostPort())
	if err != nil {
		return nil, dialError(outer, t, err)
	}
	check, err := newHostKeyCheck(d.keys, t)
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	l := &login{t: t, socket: d.opt.AgentSocket}
	defer l.close()
	cfg := &xssh.ClientConfig{
		User:              t.User,
		Auth:              l.methods(),
		HostKeyCallback:   check.check,
		HostKeyAlgorithms: check.algorithms(),
		ClientVersion:     "SSH-2.0-ferry",
	}
	// The configured timeout of the library covers only the TCP connect; a
	// server that accepts and hangs is cut off by closing the connection.
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	cc, chans, reqs, err := xssh.NewClientConn(raw, t.hostPort(), cfg)
	if !stop() && err == nil {
		_ = cc.Close()
		err = ctx.Err()
	}
	if err != nil {
		_ = raw.Close()
		if check.refused != nil {
			return nil, check.refused
		}
		return nil, loginError(outer, ctx, t, l, err)
	}
	go offered.listen(reqs, func() { gone(); back() })
	return xssh.NewClient(cc, chans, noRequests()), nil
}

// jumpError says that a hop failed on the way to t.
func jumpError(t, hop Target, err error) error {
	ce, ok := err.(*host.ConnectError) //nolint:errorlint // only handshake's own
	if !ok {
		return err
	}
	return &host.ConnectError{Host: t.Name, Address: t.shown(), Err: ce, Permanent: ce.Permanent, Cure: ce.Cure,
		What: fmt.Sprintf("The jump host %s (%s) cannot be used: %s", hop.Name, hop.shown(), ce.What)}
}
