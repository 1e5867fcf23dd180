package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
)

// Tasks that follow each other and make directories or give files their content
// are done in one request: playbooks are full of them, and each costs a host about
// as much as all of them together (see host.Host.WriteAll).

// putter is a step that may be done together with others of its kind. put is
// called after Probe.
type putter interface {
	module.Step
	// put returns what the step brings about, or false if it has to be done alone.
	put() (put, bool)
}

// put is what a step brings about at one path.
type put struct {
	path string
	attr attributes
	dir  bool
	done bool // a directory that is as it must be
	// whole is the content, unless edit makes it from what is there.
	whole []byte
	edit  func(have string) (string, error)
	sheds bool     // edit only takes away, so there may be no file
	seen  seenFile // of a file: what Probe saw
}

// maxJoined is how much content is written in one go, in bytes.
const maxJoined = host.MaxWriteAll / 2

// errMeanwhile says that a file is not any more what the steps were joined for.
var errMeanwhile = errors.New("a file was changed meanwhile")

// puts are steps that are done in one go.
type puts struct {
	module.Step // the first one, for its arguments
	steps       []putter
	all         []put
}

var _ module.Joiner = (*puts)(nil)

// join makes one step of two.
func join(first putter, next module.Step) (module.Step, bool) {
	p, ok := first.put()
	if !ok {
		return nil, false
	}
	return (&puts{Step: first, steps: []putter{first}, all: []put{p}}).Join(next)
}

// Join implements module.Joiner.
func (p *puts) Join(next module.Step) (module.Step, bool) {
	n, ok := next.(putter)
	if !ok {
		return nil, false
	}
	add, ok := n.put()
	if !ok || slices.ContainsFunc(p.all, func(e put) bool { return e.bars(add) }) {
		return nil, false
	}
	both := &puts{Step: p.Step, steps: append(slices.Clip(p.steps), n), all: append(slices.Clip(p.all), add)}
	seen := map[string]seenFile{}
	for _, e := range both.all {
		seen[e.path] = e.seen
	}
	entries, err := both.entries(seen)
	size := 0
	for _, e := range entries {
		size += len(e.Content)
	}
	return both, err == nil && size <= maxJoined
}

// bars reports whether n cannot be done together with e, which comes before it:
// e could alter what n was seen to need, or n what e is looked at for.
func (e put) bars(n put) bool {
	switch {
	case e.path == n.path: // several edits of a file are one
		return e.edit == nil || n.edit == nil || e.attr != n.attr
	case path.Base(e.path) == path.Base(n.path): // the same file, if a directory is a symbolic link
		return true
	}
	return strings.HasPrefix(e.path, n.path+"/") || !e.dir && strings.HasPrefix(n.path, e.path+"/")
}

// Probe implements module.Step: what all of them still need.
func (p *puts) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	var all module.Plan
	for _, s := range p.steps {
		left, err := s.Probe(ctx, r)
		if err != nil {
			return nil, err
		}
		all = append(all, left...)
	}
	return all, nil
}

// Apply implements module.Step. Files that are edited are read once more: nobody
// else's change between looking and acting is lost.
func (p *puts) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	edited := map[string]*seenFile{}
	g, gctx := errgroup.WithContext(ctx)
	for _, e := range p.all {
		if e.edit == nil || edited[e.path] != nil {
			continue
		}
		now := &seenFile{}
		edited[e.path] = now
		g.Go(func() (err error) {
			t := target{path: e.path}
			now.have, now.there, now.fi, err = t.look(gctx, h)
			if err == nil && (now.there != e.seen.there || t.real != e.path) {
				err = errMeanwhile
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	seen := map[string]seenFile{}
	for _, e := range p.all {
		seen[e.path] = e.seen
		if now := edited[e.path]; now != nil {
			seen[e.path] = *now
		}
	}
	entries, err := p.entries(seen)
	if err != nil {
		return err
	}
	return h.WriteAll(ctx, entries)
}

// entries are what is to be made, given what is there. It fails if the steps
// cannot all have what they want.
func (p *puts) entries(seen map[string]seenFile) ([]host.Entry, error) {
	var out []host.Entry
	for i, e := range p.all {
		switch {
		case e.dir && e.done:
			continue
		case e.dir:
			out = append(out, host.Entry{Path: e.path, Dir: true, Attr: e.attr.attr()})
			continue
		case slices.ContainsFunc(p.all[:i], func(o put) bool { return o.path == e.path }): // in its first edit
			continue
		}
		want, err := p.content(e, seen[e.path])
		if err != nil {
			return nil, err
		}
		now := seen[e.path]
		switch {
		case !now.there && e.edit != nil && !slices.ContainsFunc(p.all, func(o put) bool { return o.path == e.path && !o.sheds }):
			continue
		case now.there && bytes.Equal(now.have, want) && len(e.attr.differ(now.fi)) == 0:
			continue
		case now.there && bytes.Equal(now.have, want): // nothing to write
			return nil, errMeanwhile
		case !e.readable(now):
			return nil, errMeanwhile
		}
		out = append(out, host.Entry{Path: e.path, Content: want, Attr: e.attr.attr()})
	}
	return out, nil
}

// content is what a file must hold: all of its edits, one after the other, each of
// which has to do what it was seen to have to do and finds its own done in the end.
func (p *puts) content(e put, now seenFile) ([]byte, error) {
	if e.edit == nil {
		return e.whole, nil
	}
	edits := slices.DeleteFunc(slices.Clone(p.all), func(o put) bool { return o.path != e.path })
	text, there := string(now.have), now.there
	for _, o := range edits {
		next, err := o.edit(text)
		if err != nil {
			return nil, err
		}
		needs := next != text || !there && !o.sheds
		if seen, err := o.needs(); err != nil || seen != needs { // nothing is changed that is not announced
			return nil, fmt.Errorf("whether %s needs a change depends on the tasks before, or was changed meanwhile", e.path)
		}
		text, there = next, there || !o.sheds
	}
	for _, o := range edits {
		if again, err := o.edit(text); err != nil || again != text {
			return nil, fmt.Errorf("%s is not left as one of the tasks wants it by those that follow", e.path)
		}
	}
	return []byte(text), nil
}

// needs reports whether an edit was seen to have something to do.
func (e put) needs() (bool, error) {
	if !e.seen.there {
		return !e.sheds, nil
	}
	text, err := e.edit(string(e.seen.have))
	return text != string(e.seen.have) || len(e.attr.differ(e.seen.fi)) > 0, err
}

// readable reports whether everybody may read the file in the end, which makes it
// fit for WriteAll.
func (e put) readable(now seenFile) bool {
	switch {
	case e.attr.mode != 0:
		return e.attr.mode&0o004 != 0
	case now.there:
		return now.fi.Mode&0o004 != 0
	}
	return true
}

// put is what a target brings about as whole content.
func (t *target) put(whole []byte) (put, bool) {
	p, ok := t.alike()
	p.whole = whole
	return p, ok
}

// putEdit is put for an edit, which needs the file to be there or only takes away.
func (t *target) putEdit(needed bool, edit func(string) (string, error)) (put, bool) {
	p, ok := t.alike()
	p.edit, p.sheds = edit, !needed
	return p, ok
}

// alike is what whole content and edits have in common.
func (t *target) alike() (put, bool) {
	if t.backup || len(t.validate) > 0 || t.probed == nil || t.real != t.path || t.path != path.Clean(t.path) {
		return put{}, false
	}
	return put{path: t.path, attr: t.attributes, seen: *t.probed}, true
}
