// Package factstore keeps what was observed about hosts in the state directory,
// for those who need facts before a host can be asked: constructed groups of an
// inventory.
package factstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/ferry-ops/ferry/engine/host"
)

const (
	schemaVersion = 1
	fileName      = "facts.json"
	maxFile       = 512 << 20 // bytes; a host takes about 1500
)

// Store is the recorded facts of all hosts. The zero value has none. It is not
// safe for concurrent use while it is recorded to.
type Store struct {
	Version int              `json:"schema_version"`
	Hosts   map[string]Entry `json:"hosts"`
}

// Entry is what was recorded of one host.
type Entry struct {
	// Address is where the host was reached. A host that has another address by
	// now may be another machine.
	Address string           `json:"address"`
	Facts   map[string]Value `json:"facts"`
}

// Value is one fact and when it was observed.
type Value struct {
	Value any       `json:"value"`
	At    time.Time `json:"at"`
}

// Observed is what to record of one host.
type Observed struct {
	Host    string
	Address string
	Facts   host.Facts
}

// Open reads the store of a state directory; without one, it is empty.
func Open(dir string) (*Store, error) {
	path := filepath.Join(dir, fileName)
	s := &Store{Version: schemaVersion, Hosts: map[string]Entry{}}
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err != nil:
		return s, fmt.Errorf("the recorded facts cannot be read: %w", err)
	case !st.Mode().IsRegular() || st.Size() > maxFile:
		return s, unreadable(path, errors.New("it is not a file of sensible size"))
	}
	data, err := os.ReadFile(path) //nolint:gosec // in the state directory
	if err != nil {
		return s, fmt.Errorf("the recorded facts cannot be read: %w", err)
	}
	if err := json.Unmarshal(data, s); err != nil {
		return s, unreadable(path, err)
	}
	if s.Version != schemaVersion {
		return s, unreadable(path, fmt.Errorf("it was written by another version of ferry (schema %d)", s.Version))
	}
	if s.Hosts == nil {
		s.Hosts = map[string]Entry{}
	}
	return s, nil
}

func unreadable(path string, err error) error {
	return fmt.Errorf("the recorded facts cannot be used: %w. Facts can be gathered again, so the file may be removed:\n    rm %s", err, path)
}

// Of returns the facts of a host that were observed at this address since a
// time, in the types they are defined with.
func (s *Store) Of(name, address string, since time.Time) host.Facts {
	e, ok := s.Hosts[name]
	if !ok || e.Address != address {
		return nil
	}
	out := host.Facts{}
	for _, d := range host.FactDefs() {
		v, ok := e.Facts[d.Name]
		if !ok || v.At.Before(since) {
			continue
		}
		if x, ok := typed(v.Value, d.Zero); ok {
			out[d.Name] = x
		}
	}
	return out
}

// typed gives a value from JSON the type of a fact.
func typed(v, zero any) (any, bool) {
	switch zero.(type) {
	case string:
		s, ok := v.(string)
		return s, ok
	case bool:
		b, ok := v.(bool)
		return b, ok
	case int64:
		n, ok := v.(float64)
		return int64(n), ok
	case []string:
		list, ok := v.([]any)
		if !ok && v != nil {
			return nil, false
		}
		out := make([]string, 0, len(list))
		for _, e := range list {
			s, ok := e.(string)
			if !ok {
				return nil, false
			}
			out = append(out, s)
		}
		return out, true
	}
	return nil, false
}

// Record adds observations to the store of a state directory, which is made if
// needed. Facts that were not observed now keep their values, unless the host's
// address is another one. Several processes may record at the same time; who
// reads sees the old or the new file.
func Record(dir string, seen []Observed, at time.Time) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the facts cannot be recorded: %w", err)
	}
	lock := flock.New(filepath.Join(dir, fileName+".lock"))
	if err := lock.Lock(); err != nil {
		return fmt.Errorf("the facts cannot be recorded: %w", err)
	}
	defer lock.Unlock() //nolint:errcheck // the process lets go of it anyway
	s, err := Open(dir)
	if err != nil {
		return err
	}
	for _, o := range seen {
		e, ok := s.Hosts[o.Host]
		if !ok || e.Address != o.Address {
			e = Entry{Address: o.Address, Facts: map[string]Value{}}
		}
		if e.Facts == nil {
			e.Facts = map[string]Value{}
		}
		for n, v := range o.Facts {
			e.Facts[n] = Value{Value: v, At: at.UTC().Truncate(time.Second)}
		}
		s.Hosts[o.Host] = e
	}
	return write(filepath.Join(dir, fileName), s)
}

func write(path string, s *Store) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), fileName+".*")
	if err != nil {
		return fmt.Errorf("the facts cannot be recorded: %w", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
			err = fmt.Errorf("the facts cannot be recorded: %w", err)
		}
	}()
	if err = json.NewEncoder(f).Encode(s); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
