package journal

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// Hold marks a run as under way until the returned function is called or the
// process ends.
func (j *Journal) Hold(run string) (release func(), err error) {
	l := flock.New(j.liveFile(run))
	ok, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("cannot mark the run as under way: %w", err)
	}
	if !ok {
		return nil, fmt.Errorf("the run %s is under way in another process", run)
	}
	return func() {
		_ = l.Unlock()
		_ = os.Remove(j.liveFile(run))
	}, nil
}

// Live reports whether a process works on a run.
func (j *Journal) Live(run string) (bool, error) {
	if _, err := os.Stat(j.liveFile(run)); os.IsNotExist(err) {
		return false, nil
	}
	l := flock.New(j.liveFile(run))
	ok, err := l.TryLock()
	if err != nil {
		return false, fmt.Errorf("cannot tell whether the run is under way: %w", err)
	}
	if ok {
		_ = l.Unlock()
	}
	return !ok, nil
}

// Ended returns the run with an epoch, and whether it is one of this journal that no
// process works on any more.
func (j *Journal) Ended(epoch int64) (run string, ended bool) {
	if err := j.db.QueryRow(`SELECT id FROM run WHERE epoch = ?`, epoch).Scan(&run); err != nil {
		return "", false
	}
	live, err := j.Live(run)
	return run, err == nil && !live
}

func (j *Journal) liveFile(run string) string { return filepath.Join(j.dir, "run-"+run+".lock") }
