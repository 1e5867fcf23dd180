package host

import (
	"context"
	"io"
	"io/fs"
	"time"
)

// Reader looks at a host and cannot change it.
//
// A non-zero exit of a command is a Result; not being able to run it is an
// error. So "absent" and "host gone" never meet.
type Reader interface {
	// Name is the host's name in the inventory.
	Name() string
	// Query runs a command that only looks.
	Query(ctx context.Context, argv ...string) (Result, error)
	// Ask is Query for a command that needs a directory or standard input, which
	// its arguments, visible to every user of the host, are no place for.
	Ask(ctx context.Context, c Command) (Result, error)
	// AskShared asks what other tasks that are looked at in the same moment may ask
	// of something else: all of it costs the host one process, see Question. The
	// result is that of the question alone.
	AskShared(ctx context.Context, q Question) (Result, error)
	// ReadFile returns the content of a file. An absent file gives an error
	// that wraps fs.ErrNotExist. Files over MaxReadFile give ErrTooLarge.
	ReadFile(ctx context.Context, path string) ([]byte, error)
	// Look is Stat and, for a regular file, ReadFile in one question. Where only
	// the content is not to be had (ErrTooLarge), the description is.
	Look(ctx context.Context, path string) (FileInfo, []byte, error)
	// Stat describes path without following a symbolic link. An absent path
	// gives an error that wraps fs.ErrNotExist.
	Stat(ctx context.Context, path string) (FileInfo, error)
	// Facts returns the named facts (see FactNames), gathering those not known
	// yet together in one round trip.
	Facts(ctx context.Context, names ...string) (Facts, error)
	// JobPending reports whether a job with this key is on the host whose result
	// nobody has collected: it runs, or it ended while nobody looked.
	JobPending(ctx context.Context, key string) (bool, error)
}

// Host is a Reader that can also act.
type Host interface {
	Reader
	// Exec runs a command that may change the host.
	Exec(ctx context.Context, c Command) (Result, error)
	// WriteFile makes path a file with this content, atomically: a temporary
	// file in the same directory, flushed to disk, renamed. An empty owner,
	// group or zero mode keeps what the file had (0644 root for a new file).
	WriteFile(ctx context.Context, path string, content []byte, a Attr) error
	// WriteAll makes several directories and files in one request. It fails before it
	// touches anything that is there, unless a file cannot take its place.
	WriteAll(ctx context.Context, entries []Entry) error
	// Upload is WriteFile for content of any size. It is sent compressed where
	// that pays and the host can unpack it.
	Upload(ctx context.Context, path string, c Content, a Attr) error
	// Download copies a file of any size to w.
	Download(ctx context.Context, path string, w io.Writer) error
	// Job runs a script detached from the connection, see Job.
	Job(ctx context.Context, j Job) (JobResult, error)
	// Reboot restarts the host and returns when it answers on a fresh
	// connection with a new boot id and has settled.
	Reboot(ctx context.Context, r Reboot) error
	// Reconnect opens a fresh connection, for example to prove that a login
	// still works after sshd was changed.
	Reconnect(ctx context.Context) error
	// Forget drops cached facts; the engine calls it after a change that can
	// alter them.
	Forget()
}

// Content is what a file is to hold. Several hosts may be sent it at once.
type Content interface {
	// Open returns the content and its size. With packed, it may be compressed
	// with gzip; ok tells whether it is. The caller closes r.
	Open(packed bool) (r io.ReadCloser, size int64, ok bool, err error)
}

// Attr is who owns a file and who may use it.
type Attr struct {
	Mode  fs.FileMode // permission bits; zero keeps the present ones
	Owner string
	Group string
}

// FileInfo describes one path of a host.
type FileInfo struct {
	Path    string
	Type    string // "file", "directory", "link", "other"
	Size    int64
	Mode    fs.FileMode // permission bits including setuid, setgid, sticky
	Owner   string
	Group   string
	UID     int
	GID     int
	ModTime time.Time
	Target  string // of a symbolic link
}

// Job is a long command that runs detached on the host: it survives a lost
// connection and the death of ferry, and is found again by its key.
type Job struct {
	// Key names the job on the host: the same Key is the same piece of work. A
	// running job with this key is followed instead of started again; one that
	// finished but whose result nobody collected gives that result.
	Key string
	// Script is run by /bin/sh as the become user.
	Script string
	Env    map[string]string
	// Timeout ends the job (TERM, then KILL); zero means none.
	Timeout time.Duration
	// Output, if set, receives the log while it grows.
	Output func(line string)
	// Pending, if set, is called when the host cannot be reached while the job
	// runs (err non-nil) and when it can again (nil).
	Pending func(err error)
	// Patience is how long the host may stay out of reach while the job runs
	// before the result is given up as unknown; zero means 30 minutes.
	Patience time.Duration
}

// JobResult is what a finished job left.
type JobResult struct {
	Code     int
	Log      []byte // the last part of the log (up to 1 MiB)
	Started  time.Time
	Finished time.Time
	// Adopted says that the job was not started by this call but found.
	Adopted bool
}

// Reboot says how to restart a host.
type Reboot struct {
	// Command restarts the host; empty means "systemctl reboot" or "reboot".
	Command []string
	// Timeout bounds the whole; zero means 15 minutes.
	Timeout time.Duration
	// Settle is how long the host must keep its new boot id and answer before
	// it counts as up (a relabel reboots a second time); zero means 3 seconds.
	Settle time.Duration
}
