package engine

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/run"
)

// planFormat is the version of the file of a saved plan.
const planFormat = 1

// maxPlanFile bounds the file of a saved plan, in bytes.
const maxPlanFile = 256 << 20

// PlanFile is a saved plan: what was asked for, of which playbook, and what each
// host would have to change. It is applied once, and only if all of that is
// still so.
type PlanFile struct {
	Format  int                 `json:"ferry_plan"`
	ID      string              `json:"id"`
	Created time.Time           `json:"created"`
	By      string              `json:"by"`
	Request Request             `json:"request"`
	Sources string              `json:"sources"` // digest of the playbook's files
	Key     []byte              `json:"key"`     // of the digests
	Hosts   map[string][]string `json:"hosts"`   // by play
	Tasks   []PlannedTask       `json:"tasks"`
}

// PlannedTask is what is planned for one task on hosts that need the same.
type PlannedTask struct {
	Play   string       `json:"play"`
	Task   string       `json:"task"`
	Status event.Status `json:"status"`
	Digest string       `json:"digest,omitempty"`
	Hosts  []string     `json:"hosts"`
}

// Recorder is a sink that keeps what a plan says, to save or compare it. It
// hands every event on.
type Recorder struct {
	Next event.Sink
	Key  []byte

	mu    sync.Mutex
	hosts map[string][]string
	tasks map[PlannedKey]run.Expected
}

// anyHost stands for the one host that does a task for all.
const anyHost = "*"

// PlannedKey is a task on a host.
type PlannedKey struct{ Play, Task, Host string }

// NewRecorder returns a recorder with the key of a saved plan, or a new one.
func NewRecorder(next event.Sink, key []byte) (*Recorder, error) {
	if key == nil {
		key = make([]byte, 32)
		if _, err := rand.Read(key); err != nil {
			return nil, err
		}
	}
	return &Recorder{Next: next, Key: key, hosts: map[string][]string{}, tasks: map[PlannedKey]run.Expected{}}, nil
}

// Emit implements event.Sink.
func (r *Recorder) Emit(e event.Event) error {
	r.mu.Lock()
	switch e.Kind {
	case event.PlayStarted:
		r.hosts[e.Play] = slices.Sorted(slices.Values(e.Hosts))
	case event.TaskFinished:
		key := PlannedKey{e.Play, e.Task, e.Host}
		if e.Once { // on whichever host gets there first
			key.Host = anyHost
		}
		if !e.Once || e.Status != event.Skipped || r.tasks[key].Status == "" {
			r.tasks[key] = run.Expected{Status: e.Status, Digest: e.Digest}
		}
	}
	r.mu.Unlock()
	if r.Next == nil {
		return nil
	}
	return r.Next.Emit(e)
}

// Plan returns the file for what was recorded.
func (r *Recorder) Plan(c Config, id string) *PlanFile {
	f := &PlanFile{Format: planFormat, ID: id, Created: time.Now().UTC(), By: Owner(), Request: c.Request.withheld(c.Playbook), Sources: sourcesDigest(c.Playbook), Key: r.Key, Hosts: r.hosts}
	type group struct {
		play, task string
		run.Expected
	}
	by := map[group][]string{}
	for k, x := range r.tasks {
		g := group{k.Play, k.Task, x}
		by[g] = append(by[g], k.Host)
	}
	for g, hosts := range by {
		slices.Sort(hosts)
		f.Tasks = append(f.Tasks, PlannedTask{g.play, g.task, g.Status, g.Digest, hosts})
	}
	sort.Slice(f.Tasks, func(i, j int) bool {
		a, b := f.Tasks[i], f.Tasks[j]
		if a.Play != b.Play {
			return a.Play < b.Play
		}
		if a.Task != b.Task {
			return a.Task < b.Task
		}
		return a.Hosts[0] < b.Hosts[0]
	})
	return f
}

// sourcesDigest stands for the text of every file of the playbook.
func sourcesDigest(pb *playbook.Playbook) string {
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(pb.Sources)) {
		fmt.Fprintf(sum, "%q %d\n", filepath.Base(name), len(pb.Sources[name]))
		sum.Write(pb.Sources[name])
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Save writes the plan where only its owner can read it: its key can test
// guesses of what it hides.
func (f *PlanFile) Save(path string) error {
	body, err := json.Marshal(f)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".ferry-plan-*") // mode 0600
	if err != nil {
		return fmt.Errorf("the plan cannot be saved: %w", err)
	}
	defer os.Remove(tmp.Name())
	if _, err = tmp.Write(append(body, '\n')); err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("the plan cannot be saved: %w", err)
	}
	return nil
}

// IsPlanFile reports whether path is the file of a saved plan.
func IsPlanFile(path string) bool {
	st, err := os.Stat(path)
	if err != nil || !st.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 14)
	n, _ := f.Read(head)
	return bytes.HasPrefix(head[:n], []byte(`{"ferry_plan":`))
}

// ReadPlan reads a saved plan.
func ReadPlan(path string) (*PlanFile, error) {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the saved plan cannot be read: %w", err)
	case st.Size() > maxPlanFile:
		return nil, fmt.Errorf("%s has %d bytes, and a saved plan has at most %d", path, st.Size(), maxPlanFile)
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the saved plan cannot be read: %w", err)
	}
	return ParsePlan(path, body)
}

// ParsePlan reads the text of a saved plan; name is for errors.
func ParsePlan(name string, body []byte) (*PlanFile, error) {
	var f PlanFile
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(&f)
	switch {
	case f.Format > planFormat:
		return nil, fmt.Errorf("%s was saved by a newer ferry (format %d; this one reads up to %d)", name, f.Format, planFormat)
	case err != nil:
		return nil, fmt.Errorf("%s is damaged: %w. Make the plan again with\n    ferry plan --out FILE PLAYBOOK", name, err)
	case f.ID == "" || f.Request.Playbook == "" || len(f.Key) < 32:
		return nil, fmt.Errorf("%s is damaged: it lacks an id, a playbook or a key. Make the plan again with\n    ferry plan --out FILE PLAYBOOK", name)
	}
	for _, t := range f.Tasks {
		if len(t.Hosts) == 0 {
			return nil, fmt.Errorf("%s is damaged: the task %q has no hosts", name, t.Task)
		}
	}
	return &f, nil
}

// expected is the plan by task and host.
func (f *PlanFile) expected() map[PlannedKey]run.Expected {
	out := map[PlannedKey]run.Expected{}
	for _, t := range f.Tasks {
		for _, h := range t.Hosts {
			out[PlannedKey{t.Play, t.Task, h}] = run.Expected{Status: t.Status, Digest: t.Digest}
		}
	}
	return out
}

// Saved makes a run apply this plan and nothing else.
func (f *PlanFile) Saved() *run.SavedPlan {
	all := f.expected()
	return &run.SavedPlan{ID: f.ID, Key: f.Key, Lookup: func(play, host, task string) (run.Expected, bool) {
		if x, ok := all[PlannedKey{play, task, host}]; ok {
			return x, true
		}
		x, ok := all[PlannedKey{play, task, anyHost}]
		return x, ok
	}}
}

// Differences compares the plan with what the hosts show now, at most n lines.
func (f *PlanFile) Differences(now *Recorder, n int) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, play := range slices.Sorted(maps.Keys(f.Hosts)) {
		if !slices.Equal(f.Hosts[play], now.hosts[play]) {
			add("play %q: it was planned for %s, and now selects %s", play, counted(f.Hosts[play]), counted(now.hosts[play]))
		}
	}
	was := f.expected()
	keys := slices.SortedFunc(maps.Keys(was), func(a, b PlannedKey) int {
		return strings.Compare(a.Host+"\x00"+a.Play+"\x00"+a.Task, b.Host+"\x00"+b.Play+"\x00"+b.Task)
	})
	for _, k := range keys {
		x, ok := now.tasks[k]
		switch {
		case x == was[k]:
		case !ok:
			add("%s: %s: %s when planned; now it is not reached", k.Host, k.Task, was[k].Status)
		case x.Status == was[k].Status:
			add("%s: %s: would make other changes now", k.Host, k.Task)
		default:
			add("%s: %s: %s when planned, %s now", k.Host, k.Task, was[k].Status, x.Status)
		}
	}
	for k, x := range now.tasks {
		if _, ok := was[k]; !ok {
			add("%s: %s: not in the plan; now %s", k.Host, k.Task, x.Status)
		}
	}
	slices.Sort(out)
	if len(out) > n {
		out = append(out[:n], fmt.Sprintf("and %d more", len(out)-n))
	}
	return out
}

func counted(hosts []string) string {
	if len(hosts) <= 5 {
		return strings.Join(hosts, ", ")
	}
	return fmt.Sprintf("%d hosts", len(hosts))
}

// SameSources reports whether the playbook is the one that was planned.
func (f *PlanFile) SameSources(pb *playbook.Playbook) bool { return sourcesDigest(pb) == f.Sources }
