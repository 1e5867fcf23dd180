package system

import (
	"context"
	"fmt"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
)

// create adds the user with everything useradd can give, and then the rest.
func (s *user) create(ctx context.Context, h host.Host) error {
	if err := s.add(ctx, h); err != nil {
		return err
	}
	s.added = true
	if s.passwordHash != "" {
		if err := s.setHash(ctx, h); err != nil {
			return err
		}
	}
	return s.addKeys(ctx, h)
}

// nameInUse is what useradd exits with if there is a user or group of the name.
const nameInUse = 9

// add runs useradd. A group of the user's name that is there becomes the primary
// one; that it is there, useradd says by refusing to make it.
func (s *user) add(ctx context.Context, h host.Host) error {
	if s.group != "" {
		return once(ctx, h, s.useradd("-g", s.group)...)
	}
	argv := s.useradd("-U")
	res, err := h.Exec(ctx, host.Command{Argv: argv})
	if err == nil && res.Code == nameInUse {
		line, err := entry(ctx, h, "group", s.name)
		if err != nil {
			return err
		}
		if line != "" {
			return once(ctx, h, s.useradd("-g", s.name)...)
		}
	}
	_, err = host.Must(argv, res, err)
	return err
}

func (s *user) useradd(group ...string) []string {
	argv := []string{"useradd"}
	if s.system {
		argv = append(argv, "-r")
	}
	if s.system && len(s.keys) == 0 {
		argv = append(argv, "-M")
	} else {
		argv = append(argv, "-m")
	}
	if s.uid != nil {
		argv = append(argv, "-u", fmt.Sprint(*s.uid))
	}
	argv = append(argv, group...)
	if len(s.groups) > 0 {
		argv = append(argv, "-G", strings.Join(s.groups, ","))
	}
	if s.home != "" {
		argv = append(argv, "-d", s.home)
	}
	if s.shell != "" {
		argv = append(argv, "-s", s.shell)
	}
	return append(argv, "--", s.name)
}

// setHash gives the hash on standard input: arguments are seen by every user.
func (s *user) setHash(ctx context.Context, h host.Host) error {
	res, err := h.Exec(ctx, host.Command{Argv: []string{"chpasswd", "-e"}, Stdin: []byte(s.name + ":" + s.passwordHash + "\n"), Repeatable: true, Sensitive: true})
	if err != nil {
		return err
	}
	if res.Code != 0 {
		return fmt.Errorf("chpasswd refuses the password hash of the user %s (exit code %d)", s.name, res.Code)
	}
	return nil
}
