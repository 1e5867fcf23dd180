package source

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Limits on one fetched source.
const (
	maxDownload = 256 << 20 // bytes of an archive
	maxTree     = 512 << 20 // bytes of all files together
	maxFile     = 128 << 20 // bytes of one file
	maxEntries  = 20000     // files and directories
	maxPath     = 1024      // bytes of a path within a tree
)

// Fetcher fetches remote sources and pins them. It is used by one goroutine.
type Fetcher struct {
	Dir    string             // of the playbook; files go into .ferry/sources there
	Old    Lock               // what was pinned before
	Update func(string) bool  // whether the source of a use or stack of this name is chosen anew; nil means no
	Client *http.Client       // nil means one with a timeout of 10 minutes
	Tell   func(Entry, State) // called for every source; nil is fine

	// Timeout bounds each run of git; 0 means 10 minutes.
	Timeout time.Duration

	// Context ends everything that is under way; nil is context.Background().
	Context context.Context //nolint:containedctx // Tree is called by the loader, which has none

	lock Lock
	done map[string]string // directory by source and constraint
}

// State is what became of a source.
type State string

// The states.
const (
	Kept    State = "kept"    // as pinned, and on this machine
	Fetched State = "fetched" // as pinned, fetched again
	Pinned  State = "pinned"  // new, or chosen anew
)

// Lock returns what is to be pinned: every source asked for since the Fetcher
// was made, and nothing else.
func (f *Fetcher) Lock() Lock { return f.lock }

func (f *Fetcher) context() (context.Context, context.CancelFunc) {
	ctx := f.Context
	if ctx == nil {
		ctx = context.Background()
	}
	limit := f.Timeout
	if limit == 0 {
		limit = 10 * time.Minute
	}
	return context.WithTimeout(ctx, limit)
}

// Tree returns the directory of a source's files, fetching it if need be.
func (f *Fetcher) Tree(r Request) (string, error) {
	key := r.key(f.Dir)
	id := key + "\x00" + r.Constraint
	if dir, ok := f.done[id]; ok {
		return dir, nil
	}
	old, pinned := f.Old.Find(key, r.Constraint)
	if pinned && f.Update != nil && f.Update(r.Name) {
		pinned = false
	}
	if pinned {
		if dir, err := (Locked{Dir: f.Dir}).verified(old); err == nil {
			return f.keep(id, dir, old, Kept), nil
		}
	}
	e := Entry{Source: key, Constraint: r.Constraint}
	if pinned {
		e = old
	}
	dir, err := f.fetch(r, &e)
	switch {
	case err != nil:
		return "", err
	case pinned && e.Hash != old.Hash:
		_ = os.RemoveAll(dir)
		return "", errorf("Source was changed", "What %s gives is not what the lock file pins: its content was changed where it comes from. If that is wanted, the command that pins it anew is\n    ferry get --update PLAYBOOK %s", key, r.Name)
	}
	state := Pinned
	if pinned {
		state = Fetched
	}
	return f.keep(id, dir, e, state), nil
}

func (f *Fetcher) keep(id, dir string, e Entry, s State) string {
	if f.done == nil {
		f.done = map[string]string{}
	}
	f.done[id] = dir
	f.lock.add(e)
	if f.Tell != nil {
		f.Tell(e, s)
	}
	return dir
}

// fetch puts the files of a source into the store and completes its entry. An
// entry with a commit gets that commit again.
func (f *Fetcher) fetch(r Request, e *Entry) (string, error) {
	store := storeDir(f.Dir)
	if err := os.MkdirAll(store, 0o750); err != nil {
		return "", errorf("Source not storable", "%w.", err)
	}
	tmp, err := tempDir(store)
	if err != nil {
		return "", errorf("Source not storable", "%w.", err)
	}
	defer os.RemoveAll(tmp)
	t := newTree(filepath.Join(tmp, "tree"))
	if err := os.Mkdir(t.root, 0o750); err != nil {
		return "", errorf("Source not storable", "%w.", err)
	}
	ctx, cancel := f.context()
	defer cancel()
	if r.Address.Kind == Git {
		err = f.git(ctx, r, e, filepath.Join(tmp, "git"), t)
	} else {
		err = f.archive(ctx, r, filepath.Join(tmp, "archive"), t)
	}
	if err == nil {
		err = t.finish()
	}
	if err != nil {
		return "", explained(err, r)
	}
	if e.Hash, err = Hash(t.root); err != nil {
		return "", errorf("Source not storable", "%w.", err)
	}
	dir := treeDir(f.Dir, e.Hash)
	if err := install(t.root, dir); err != nil {
		return "", errorf("Source not storable", "%w.", err)
	}
	return dir, nil
}

// explained makes every error one a user can read.
func explained(err error, r Request) error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errorf("Source not fetched", "Fetching %s took too long and was stopped.", r.Address)
	}
	return errorf("Source not fetched", "The source %s cannot be fetched: %w.", r.Address, err)
}

func tempDir(store string) (string, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("no random numbers: %w", err)
	}
	dir := filepath.Join(store, "new-"+hex.EncodeToString(b[:]))
	return dir, os.Mkdir(dir, 0o750)
}
