package run

import (
	"context"
	"sync"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/module"
)

// Question is asked before a task changes the first host, in a run that goes
// step by step.
type Question struct {
	Play, Task, Host string
	Changes          []module.Change
}

// Answer is what a person says to a Question.
type Answer int

// The answers.
const (
	Yes  Answer = iota // this task, on all hosts
	No                 // leave this task out, on all hosts
	Rest               // this task and all later ones, without asking
	Stop               // end the run here
)

// confirmations are the answers given so far. One question is asked at a time.
type confirmations struct {
	mu   sync.Mutex
	by   map[string]Answer // by play and task
	rest bool
}

// confirmed asks whether a task may change hosts, once per task.
func (r *Runner) confirmed(ctx context.Context, u *use, changes []module.Change) bool {
	if r.opts.Confirm == nil {
		return true
	}
	c := &r.confirmations
	c.mu.Lock()
	defer c.mu.Unlock()
	id := u.pr.play.Name + "/" + u.t.Address()
	a, ok := c.by[id]
	if !ok && c.rest { // a task that was declined stays declined
		return true
	}
	if !ok {
		if ctx.Err() != nil || r.opts.stopped() {
			return false
		}
		a = r.opts.Confirm(Question{Play: u.pr.play.Name, Task: u.address(), Host: u.pr.st.info.Name,
			Changes: redact(event.Event{Changes: changes}, r.emit.clean).Changes}) // no event, so nothing hides secrets in it otherwise
		if c.by == nil {
			c.by = map[string]Answer{}
		}
		c.by[id] = a
		c.rest = a == Rest
	}
	return a == Yes || a == Rest
}
