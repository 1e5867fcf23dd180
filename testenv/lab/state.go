package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// StateDir is where labs keep their state, one directory each.
const StateDir = "/var/lib/ferry-lab"

// DefaultName is the name of a lab nobody gave a name.
const DefaultName = "lab"

// Port is where the repository server listens on the lab's bridge.
const Port = 8080

// state is what a lab remembers of itself. It is written before the things it
// names are made.
type state struct {
	Name   string  `json:"name"`
	Subnet string  `json:"subnet"` // three octets
	Bridge string  `json:"bridge"`
	Root   string  `json:"source_root"`
	WWW    string  `json:"repositories"`
	Acme   string  `json:"acme_package"`
	Arch   string  `json:"arch"`
	Hosts  []*Host `json:"hosts"`
}

// names are short because a network interface's name has at most 15 letters.
var validName = regexp.MustCompile(`^[a-z][a-z0-9]{0,7}$`)

func checkName(name string) error {
	if !validName.MatchString(name) {
		return fmt.Errorf("%q is not a lab name: use one to eight lower-case letters and digits, a letter first; it becomes part of network interface names", name)
	}
	return nil
}

func (l *Lab) path(elem ...string) string {
	return filepath.Join(append([]string{StateDir, l.state.Name}, elem...)...)
}

func (l *Lab) save() error {
	b, err := json.MarshalIndent(l.state, "", "  ")
	if err != nil {
		return err
	}
	return writeFileAtomic(l.path("state.json"), b, 0o644)
}

func writeFileAtomic(path string, b []byte, mode os.FileMode) error {
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, b, mode); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// ErrNoLab says that no lab of the name is up.
var ErrNoLab = errors.New("no such lab")

// Open returns the lab of that name, as Up left it.
func Open(name string) (*Lab, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	l := &Lab{state: state{Name: name}}
	b, err := os.ReadFile(l.path("state.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("lab %q: %w under %s; start it with: lab up --name %s", name, ErrNoLab, StateDir, name)
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &l.state); err != nil {
		return nil, fmt.Errorf("the state of lab %q is damaged (%w); run: lab down --name %s", name, err, name)
	}
	for _, h := range l.state.Hosts {
		h.lab = l
	}
	return l, nil
}

// Names lists the labs that have state on this machine.
func Names() ([]string, error) {
	entries, err := os.ReadDir(StateDir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && validName.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// lockAll keeps other processes from making or removing labs meanwhile.
func lockAll() (func(), error) {
	if err := os.MkdirAll(StateDir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(StateDir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// process is a recorded process: a pid alone may by now be another's.
type process struct {
	pid   int
	start string // field 22 of /proc/PID/stat
}

// self describes the calling process.
func self() (process, error) {
	start, err := startTime(os.Getpid())
	return process{os.Getpid(), start}, err
}

func (p process) save(path string) error {
	return writeFileAtomic(path, fmt.Appendf(nil, "%d %s\n", p.pid, p.start), 0o644)
}

// loadProcess reads a record; ok is false if there is none or the process it
// names is gone.
func loadProcess(path string) (p process, ok bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return p, false
	}
	if _, err := fmt.Sscanf(string(b), "%d %s", &p.pid, &p.start); err != nil {
		return p, false
	}
	return p, p.alive()
}

func (p process) alive() bool {
	start, err := startTime(p.pid)
	return err == nil && start == p.start
}

// startTime reads when a process started, in clock ticks since boot.
func startTime(pid int) (string, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	// The command name is in parentheses and may itself contain spaces and parentheses.
	_, rest, ok := cutLast(string(b), ")")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 20 {
		return "", fmt.Errorf("/proc/%d/stat is not as expected", pid)
	}
	if fields[0] == "Z" {
		return "", fmt.Errorf("process %d is a zombie", pid)
	}
	return fields[19], nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
