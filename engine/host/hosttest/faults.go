package hosttest

import (
	"context"
	"errors"
	"fmt"

	"github.com/ferry-ops/ferry/engine/host"
)

// Fault is a way for a call to fail.
type Fault int

// The faults.
const (
	// NoFault lets the call go through.
	NoFault Fault = iota
	// Unreachable: nothing was started (host.ErrUnreachable).
	Unreachable
	// Lost: the call had its effect, and its result never arrived (host.ErrUnknown).
	Lost
	// Cancelled: ferry was told to stop before the call (context.Canceled).
	Cancelled
	// ExitOne: the command exits with 1 and says so on standard error. Calls that
	// are no commands give an error of no special kind.
	ExitOne
)

func (f Fault) String() string {
	return [...]string{"no fault", "unreachable", "lost", "cancelled", "exit 1"}[f]
}

// Is reports whether an error of this kind is in err's chain.
func (f Fault) Is(err error) bool {
	switch f {
	case Unreachable:
		return errors.Is(err, host.ErrUnreachable)
	case Lost:
		return errors.Is(err, host.ErrUnknown)
	case Cancelled:
		return errors.Is(err, context.Canceled)
	}
	return err != nil
}

var errExit = errors.New("injected failure: a command behind this call exited with 1")

// before is the error of a call that does not take place.
func (f Fault) before(name string) error {
	switch f {
	case Unreachable:
		return fmt.Errorf("%s: injected failure: %w", name, host.ErrUnreachable)
	case Cancelled:
		return fmt.Errorf("%s: injected failure: %w", name, context.Canceled)
	}
	return nil
}

// after is the error of a call that took place.
func (f Fault) after(name string) error {
	if f == Lost {
		return fmt.Errorf("%s: injected failure: %w", name, host.ErrUnknown)
	}
	return nil
}

// whole is the error of a call that is a question and nothing else.
func (f Fault) whole(name string) error {
	if f == ExitOne {
		return errExit
	}
	return f.after(name)
}

// Break makes the n-th call from now fail, counted from 1.
func (h *Host) Break(n int, f Fault) { h.setFault(n, f, false) }

// Kill makes the n-th call from now and all after it fail, counted from 1. Of
// those after it none takes place.
func (h *Host) Kill(n int, f Fault) { h.setFault(n, f, true) }

// Mend ends what Break or Kill began.
func (h *Host) Mend() { h.setFault(0, NoFault, false) }

func (h *Host) setFault(n int, f Fault, all bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faultAt, h.fault, h.faultAll = n, f, all
}

// due returns the fault of the present call.
func (h *Host) due() Fault {
	if h.fault == NoFault {
		return NoFault
	}
	h.faultAt--
	switch {
	case h.faultAt == 0:
		return h.fault
	case h.faultAt < 0 && h.faultAll:
		return Unreachable
	}
	return NoFault
}
