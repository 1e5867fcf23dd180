package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
)

// Machine is this machine as all connections of one run see it: whichever takes
// the lock first takes it for all, since several hosts of an inventory may be this
// machine, and a task may be delegated to it. The zero value is ready.
type Machine struct {
	mu    sync.Mutex
	file  *os.File // nil while nobody holds the lock
	users int
}

// release gives up the lock of one connection; the last one frees it.
func (m *Machine) release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.users--; m.users == 0 {
		_ = m.file.Close()
		m.file = nil
	}
}

// Lock implements host.Transport with the same files as engine/ssh, so that a
// remote and a local controller exclude each other. It needs write access to
// the state directory. Unlike there, commands do not inherit the lock: it ends
// with ferry.
func (c *Conn) Lock(_ context.Context, epoch int64, owner string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return fmt.Errorf("local: %w: the connection was closed", host.ErrUnreachable)
	}
	dir := c.opt.StateDir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("local: the lock cannot be taken: %w", err)
	}
	m := c.opt.Machine
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.file
	if f == nil {
		var err error
		if f, err = os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
			return fmt.Errorf("local: the lock cannot be taken: %w", err)
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			_ = f.Close()
			epoch, who := holder(dir)
			return &host.LockedError{Host: "local", Epoch: epoch, What: who + ". Wait for that run to end, or stop it"}
		}
	}
	last, err := lastEpoch(dir)
	if err == nil && epoch < last {
		_, who := holder(dir)
		err = fmt.Errorf("%w: run %d is older than run %d, which has worked on this host since: %s", host.ErrLocked, epoch, last, who)
	}
	if err == nil {
		err = writeAtomic(filepath.Join(dir, "epoch"), fmt.Sprintln(epoch))
	}
	if err == nil {
		owner = strings.Join(strings.Fields(owner), "_")
		err = writeAtomic(filepath.Join(dir, "holder"), fmt.Sprintf("%d %s local %d %s\n", epoch, owner, os.Getpid(), time.Now().UTC().Format(time.RFC3339)))
	}
	if err != nil {
		if m.file == nil {
			_ = f.Close()
		}
		return fmt.Errorf("local: %w", err)
	}
	m.file = f
	if !c.locked {
		c.locked = true
		m.users++
	}
	return nil
}

func lastEpoch(dir string) (int64, error) {
	data, err := os.ReadFile(filepath.Join(dir, "epoch"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
	if err != nil {
		return 0, nil //nolint:nilerr // a damaged file must not lock the host for ever
	}
	return n, nil
}

func holder(dir string) (epoch int64, who string) {
	data, _ := os.ReadFile(filepath.Join(dir, "holder"))
	return host.Holder(string(data), "process")
}

func writeAtomic(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
