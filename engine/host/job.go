package host

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

const (
	jobLogLimit  = 1 << 20   // of JobResult.Log
	jobLogChunk  = 256 << 10 // per look at a job
	jobPatience  = 30 * time.Minute
	jobLookLimit = 30 * time.Second // one look, reconnect included
)

// JobError says why a job has no result, or none that counts. It wraps
// ErrUnknown when what the job did cannot be told from here.
type JobError struct {
	Host string
	Key  string
	What string // a full sentence
	Log  []byte // the last part of the log
	Err  error
}

func (e *JobError) Error() string {
	s := fmt.Sprintf("%s: job %s: %s", e.Host, e.Key, e.What)
	if t := lastLines(e.Log, 8); t != "" {
		s += " Its log ends with:\n" + t
	}
	return s
}

func (e *JobError) Unwrap() error { return e.Err }

// ErrInterrupted is wrapped by the error of a job that was ended from outside:
// by a reboot, a signal or its timeout.
var ErrInterrupted = errors.New("job was interrupted")

// RunJob runs j on the host behind t, as Host.Job documents: it starts the job
// or finds it, follows its log over whatever connection t can get, and collects
// its result. name is the host's name, for messages.
//
// When ctx ends, RunJob returns and the job goes on; a later call with the same
// key finds it. A host that cannot be reached, or refuses logins, is waited for
// until j.Patience has passed without an answer.
func RunJob(ctx context.Context, t Transport, name string, j Job) (JobResult, error) {
	r := &jobRun{t: t, j: j, name: name, key: jobKey(j.Key), offset: -1, heard: time.Now()}
	if r.j.Patience <= 0 {
		r.j.Patience = jobPatience
	}
	if err := r.start(ctx); err != nil {
		return JobResult{}, err
	}
	st, err := r.follow(ctx)
	if err != nil {
		return JobResult{}, err
	}
	return r.conclude(ctx, st)
}

// jobRun is one call of RunJob.
type jobRun struct {
	t       Transport
	j       Job
	name    string
	key     string
	adopted bool
	offset  int64 // of the log; -1 is "the last part"
	log     []byte
	line    []byte // an unfinished line of the log
	heard   time.Time
	lost    bool // Pending was told of an error
}

// jobKey makes a key usable as a file and unit name.
func jobKey(key string) string {
	safe := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			return c
		}
		return '-'
	}, key)
	if safe != key || len(safe) > 100 || safe == "" {
		sum := sha256.Sum256([]byte(key))
		safe = fmt.Sprintf("%.90s-%x", safe, sum[:4])
	}
	return strings.TrimLeft(safe, "-")
}

func (r *jobRun) fail(err error, format string, args ...any) error {
	return &JobError{Host: r.name, Key: r.j.Key, What: fmt.Sprintf(format, args...), Log: r.log, Err: err}
}

// command is a text of jobscript.go as a Command.
func (r *jobRun) command(text string, args ...string) Command {
	return script(text, append([]string{r.key}, args...)...)
}

// stamp tells what is put aside from others of its key. It is ferry's clock: the
// host would have to start a process for its own.
func stamp() string { return time.Now().UTC().Format("20060102T150405.000000000Z") }

// ask runs a command that may be repeated, waiting for a host that is out of
// reach until it was silent for longer than the job's patience.
func (r *jobRun) ask(ctx context.Context, c Command) (Result, error) {
	for wait := time.Second; ; wait = min(2*wait, 10*time.Second) {
		cctx, cancel := context.WithTimeout(ctx, jobLookLimit)
		res, err := r.t.Run(cctx, c)
		late := cctx.Err() != nil
		cancel()
		if err == nil {
			r.heard = time.Now()
			if r.lost {
				r.lost = false
				r.pending(nil)
			}
			return res, nil
		}
		if ctx.Err() != nil {
			return res, fmt.Errorf("%s: stopped waiting for job %s, which goes on on the host: %w", r.name, r.j.Key, ctx.Err())
		}
		if !late && !errors.Is(err, ErrUnreachable) && !errors.Is(err, ErrUnknown) && !errors.Is(err, ErrLocked) {
			return res, err
		}
		if !r.lost {
			r.lost = true
			r.pending(err)
		}
		if silent := time.Since(r.heard); silent > r.j.Patience {
			return res, r.fail(errors.Join(ErrUnknown, err),
				"the host has been out of reach for %s; what the job did is unknown (%v).", silent.Round(time.Second), err)
		}
		sleep(ctx, min(wait, max(r.j.Patience/4, 10*time.Millisecond)))
	}
}

func (r *jobRun) pending(err error) {
	if r.j.Pending != nil {
		r.j.Pending(err)
	}
}

func (r *jobRun) start(ctx context.Context) error {
	env := jobEnv(r.j.Env)
	c := r.command(jobStart, strconv.Itoa(len(env)), jobRunner, strconv.Itoa(int((r.j.Timeout+time.Second-1)/time.Second)), stamp())
	c.Stdin = []byte(env + r.j.Script)
	c.Sensitive = len(r.j.Env) > 0
	// A repeated start finds the job it started; only then is it not adopted.
	mine := false
	res, err := r.t.Run(ctx, c)
	if err != nil {
		if !errors.Is(err, ErrUnknown) || ctx.Err() != nil {
			return err
		}
		mine = true
		if res, err = r.ask(ctx, c); err != nil {
			return err
		}
	}
	word, rest, _ := strings.Cut(strings.TrimSpace(string(res.Stdout)), " ")
	if i := strings.LastIndexByte(rest, '\n'); word == "again" && i >= 0 {
		if r.j.Output != nil {
			r.j.Output("ferry: an earlier attempt at this job was interrupted; it is started again")
		}
		word, rest = rest[i+1:], ""
	}
	switch {
	case res.Code != 0:
		return r.fail(nil, "it could not be started: %s.", strings.TrimSpace(string(res.Stderr)))
	case word == "started":
		r.offset = 0
		return nil
	case word == "found":
		r.adopted = !mine
		return nil
	case word == "other":
		return r.fail(ErrLocked, "job %s still runs on this host. Wait for it, or look at /var/lib/ferry/jobs/%s/log.", rest, rest)
	}
	return r.fail(nil, "the host answered %.200q when it was to be started.", res.Stdout)
}

func jobEnv(env map[string]string) string {
	names := make([]string, 0, len(env))
	for k := range env {
		names = append(names, k)
	}
	sort.Strings(names)
	var b strings.Builder
	for _, k := range names {
		fmt.Fprintf(&b, "%s=%s; export %s\n", k, Quote(env[k]), k)
	}
	return b.String()
}

// jobState is one look at a job.
type jobState struct {
	state  string
	waited bool     // the host waited for news
	result []string // code, began, ended, note
	disk   string
	size   int64
	offset int64
	log    []byte
}

// look asks for the state and the log; a running job with nothing to tell is
// waited for on the host, so that its end is seen at once and costs no questions.
func (r *jobRun) look(ctx context.Context, wait time.Duration) (jobState, error) {
	c := r.command(jobStatus, strconv.FormatInt(r.offset, 10), strconv.Itoa(jobLogChunk), strconv.FormatFloat(wait.Seconds(), 'f', 2, 64))
	c.ReadOnly = true
	res, err := r.ask(ctx, c)
	if err != nil {
		return jobState{}, err
	}
	head, log, ok := bytes.Cut(res.Stdout, []byte("\n\n"))
	if res.Code != 0 || !ok {
		return jobState{}, r.fail(ErrUnknown, "its state cannot be read: exit status %d, %s.", res.Code, strings.TrimSpace(string(res.Stderr)))
	}
	st := jobState{log: log, size: -1}
	for line := range strings.SplitSeq(string(head), "\n") {
		name, value, _ := strings.Cut(line, " ")
		switch name {
		case "state":
			st.state = value
		case "waited":
			st.waited = true
		case "result":
			st.result = strings.Fields(value)
		case "disk":
			st.disk = value
		case "size":
			st.size, _ = strconv.ParseInt(value, 10, 64)
		case "offset":
			st.offset, _ = strconv.ParseInt(value, 10, 64)
		}
	}
	if st.size < 0 { // all of it, unless it is as much as was asked for
		if st.size = st.offset + int64(len(log)); len(log) == jobLogChunk {
			st.size++
		}
	}
	return st, nil
}

// follow reads the log until the job has ended and all of it was read.
func (r *jobRun) follow(ctx context.Context) (jobState, error) {
	// A look costs the host four processes, and a host that takes long is busy.
	const first, most = time.Second, 5 * time.Second
	const mostPause = 2 * time.Second
	wait, pause := first, 50*time.Millisecond
	gone := 0
	if r.offset == 0 { // just started: what there is to wait for comes in a moment
		sleep(ctx, pause)
	}
	for {
		st, err := r.look(ctx, wait)
		if err != nil {
			return st, err
		}
		r.take(st)
		switch st.state {
		case "prepared", "starting", "running":
			gone = 0
		case "none":
			return st, r.fail(ErrUnknown, "its directory on the host has disappeared.")
		default:
			// A job is seen dead in the instant between its end and its result.
			if gone++; r.offset >= st.size && (st.state == "done" || gone > 2) {
				r.flush()
				return st, nil
			}
		}
		if r.offset < st.size {
			continue
		}
		if st.waited { // the host has done the waiting
			wait = min(wait*3/2, most)
			continue
		}
		wait = first
		sleep(ctx, pause)
		pause = min(pause*3/2, mostPause)
	}
}

// take passes on what the log has grown by.
func (r *jobRun) take(st jobState) {
	r.offset = st.offset + int64(len(st.log))
	r.log = append(r.log, st.log...)
	if over := len(r.log) - jobLogLimit; over > 0 {
		r.log = append([]byte(nil), r.log[over:]...)
	}
	if r.j.Output == nil {
		return
	}
	r.line = append(r.line, st.log...)
	for {
		line, rest, ok := bytes.Cut(r.line, []byte("\n"))
		if !ok {
			return
		}
		r.j.Output(string(line))
		r.line = rest
	}
}

func (r *jobRun) flush() {
	if r.j.Output != nil && len(r.line) > 0 {
		r.j.Output(string(r.line))
	}
	r.line = nil
}

// conclude turns the last look into a result and puts the job aside.
func (r *jobRun) conclude(ctx context.Context, st jobState) (JobResult, error) {
	res := JobResult{Log: r.log, Adopted: r.adopted, Code: -1}
	var failed error
	switch st.state {
	case "rebooted":
		failed = r.fail(ErrInterrupted, "it was interrupted by a reboot of the host.")
	case "dead":
		failed = r.fail(errors.Join(ErrInterrupted, ErrUnknown),
			"it ended without a result: it was killed, or the result could not be written (file system: %s).", st.disk)
	default:
		if len(st.result) < 4 {
			return res, r.fail(ErrUnknown, "its result %q cannot be read.", strings.Join(st.result, " "))
		}
		code, err1 := strconv.Atoi(st.result[0])
		began, err2 := strconv.ParseInt(st.result[1], 10, 64)
		ended, err3 := strconv.ParseInt(st.result[2], 10, 64)
		if err := errors.Join(err1, err2, err3); err != nil {
			return res, r.fail(ErrUnknown, "its result %q cannot be read.", strings.Join(st.result, " "))
		}
		res.Code, res.Started, res.Finished = code, time.Unix(began, 0), time.Unix(ended, 0)
		if st.result[3] == "timeout" {
			failed = r.fail(ErrInterrupted, "it did not finish within %s and was stopped.", r.j.Timeout)
		}
	}
	// Not collected, it would be taken for the result of the next such job.
	c, err := r.ask(ctx, r.command(jobCollect, stamp()))
	if err == nil && c.Code != 0 {
		err = r.fail(nil, "its result was read but could not be put aside: %s.", strings.TrimSpace(string(c.Stderr)))
	}
	return res, errors.Join(failed, err)
}

func lastLines(b []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}
