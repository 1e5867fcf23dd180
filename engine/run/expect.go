package run

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// Expected is what a saved plan says of one task on one host.
type Expected struct {
	Status event.Status // event.OK, event.Planned, event.Undecided, event.Skipped
	// Digest stands for the changes, with values that must not be shown; "" where
	// they were not known yet.
	Digest string
}

// SavedPlan makes a run apply exactly what was planned.
type SavedPlan struct {
	ID  string
	Key []byte // of the digests
	// Lookup returns what was planned, false if the plan has no such task.
	Lookup func(play, host, task string) (Expected, bool)
}

// terms are what decides about a task's effect beside its changes: where, as whom
// and with which environment it acts. All of it may come from the inventory.
type terms struct {
	Delegate, User string
	Become         bool
	Environment    map[string]string
}

// digest stands for changes without telling them: it depends on a key that only
// the plan's file holds.
func (u *use) digest(key []byte, plan module.Plan) string {
	body, err := json.Marshal(struct {
		Plan  module.Plan
		Terms terms
	}{plan, u.terms})
	if err != nil { // strings and booleans always marshal
		panic(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// unplanned says why a saved plan does not cover what a task would do, or
// returns nil.
func (u *use) unplanned(plan module.Plan) *event.Error {
	p := u.pr.r.opts.Saved
	if p == nil {
		return nil
	}
	no := func(why string) *event.Error {
		return &event.Error{Summary: "Not in the plan", Detail: fmt.Sprintf(
			"The saved plan %s %s, so nothing was done. Either the host has changed since, or an earlier task has led to it. Make a new plan from here; what this run has done already will not be in it.", p.ID, why)}
	}
	want, ok := p.Lookup(u.pr.play.Name, u.pr.st.info.Name, u.address())
	switch {
	case !ok && u.key != "": // elements that were not known when the plan was made
		if want, ok = p.Lookup(u.pr.play.Name, u.pr.st.info.Name, u.t.Address()); ok && want.Digest == "" {
			return nil
		}
		return no("does not have this element of for_each")
	case !ok && elementKey.MatchString(u.t.Address()): // likewise, of a set
		if want, ok = p.Lookup(u.pr.play.Name, u.pr.st.info.Name, elementKey.ReplaceAllString(u.t.Address(), "")); ok && want.Digest == "" {
			return nil
		}
		return no("does not have this element of for_each")
	case !ok && u.t.Kind == "handler":
		return nil // it was notified by what the plan has
	case !ok:
		return no("does not have this task on this host")
	case want.Status == event.OK:
		return no("has nothing to do here")
	case want.Status == event.Skipped:
		return no("leaves this task out here")
	case want.Digest != "" && want.Digest != u.digest(p.Key, plan):
		return no("has other changes for this task")
	}
	return nil
}

// EffectsOf says in words what a task does beyond its changes, for plans.
func effectsOf(t *playbook.Task) []string {
	out := (t.Info.Effects &^ (module.Action | module.Local | module.ChangesFacts)).Names()
	if t.Meta.PointOfNoReturn {
		out = append(out, "is the point of no return")
	}
	return out
}
