package host

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// jobsRunning prints the key of the job that runs, if one does, and the last
// line of its log.
const jobsRunning = jobCommon + `
for d in "$jobs"/*; do
  case $d in *~*|*.new.*) continue;; esac
  [ -d "$d" ] || continue
  state "$d"; case $now in running|starting) echo "${d##*/}"; tail -c 300 "$d/log" 2>/dev/null | tr '\r' '\n' | grep . | tail -n 1; exit 0;; esac
done`

// RunningJob returns the key of the job under way on the host, or "".
func RunningJob(ctx context.Context, t Transport) (key, lastLine string, err error) {
	c := script(jobsRunning, "-")
	c.ReadOnly = true
	res, err := t.Run(ctx, c)
	if res, err = Must(c.Program().Argv, res, err); err != nil {
		return "", "", err
	}
	key, lastLine, _ = strings.Cut(strings.TrimRight(string(res.Stdout), "\n"), "\n")
	return key, lastLine, nil
}

// AwaitJobs waits until no job of an earlier run is under way on the host: what
// a host shows in the middle of a package transaction is not what it is. The
// results stay, for the task that will ask for them. notify is called when
// waiting begins and with each new last line of the log.
//
// A host that cannot be reached while it has a job under way is waited for until
// patience has passed without an answer.
func AwaitJobs(ctx context.Context, t Transport, name string, patience time.Duration, notify func(key, line string)) error {
	r := &jobRun{t: t, name: name, key: "-", heard: time.Now(), j: Job{Key: "of an earlier run", Patience: patience}}
	seen := ""
	for wait := time.Second; ; wait = min(wait+time.Second/2, 3*time.Second) {
		c := r.command(jobsRunning)
		c.ReadOnly = true
		res, err := r.ask(ctx, c)
		if err != nil {
			return err
		}
		if res.Code != 0 {
			return fmt.Errorf("%s: whether a job of an earlier run is under way cannot be told: %w", name, &CommandError{Argv: c.Program().Argv, Result: res})
		}
		key, line, _ := strings.Cut(strings.TrimRight(string(res.Stdout), "\n"), "\n")
		if key == "" {
			return nil
		}
		if key+line != seen {
			seen = key + line
			notify(key, line)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
