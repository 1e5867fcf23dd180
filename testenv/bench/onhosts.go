package main

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ferry-ops/ferry/testenv/lab"
)

// onHosts runs a shell text as root on every host, not through SSH. A host where
// it fails is an error with what it printed.
func onHosts(ctx context.Context, hosts []*lab.Host, script string) error {
	if script == "" {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, h := range hosts {
		g.Go(func() error {
			r, err := h.Exec(ctx, "/bin/sh", "-c", script)
			if err == nil && r.Code != 0 {
				err = fmt.Errorf("host %s: exit code %d: %s", h.Name, r.Code, strings.TrimSpace(r.Stdout+r.Stderr))
			}
			return err
		})
	}
	return g.Wait()
}
