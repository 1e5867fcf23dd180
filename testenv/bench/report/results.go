package report

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/ferry-ops/ferry/testenv/bench/meter"
)

// Results is everything one run of the benchmark found out.
type Results struct {
	SchemaVersion int               `json:"schema_version"`
	Taken         time.Time         `json:"taken"`
	Duration      time.Duration     `json:"duration_ns"`
	Quick         bool              `json:"quick"`
	Command       string            `json:"command"`
	Machine       Machine           `json:"machine"`
	Versions      map[string]string `json:"versions"`
	Series        []Series          `json:"series"`
	Fleet         []Fleet           `json:"fleet"`
	FleetError    string            `json:"fleet_error,omitempty"`
	Bars          []Bar             `json:"bars"` // from Series, for those who only read JSON
}

// Machine is where it was measured; the hosts were on the same one.
type Machine struct {
	CPU      string `json:"cpu"`
	Cores    int    `json:"cores"`
	MemoryMB int64  `json:"memory_mb"`
	Kernel   string `json:"kernel"`
	System   string `json:"system"`
	Load     string `json:"load_before"` // of the last minute, before the first measurement
	Counting string `json:"counting"`    // how CPU and memory were counted
}

// Series is what one contender did at one piece of work, round after round.
type Series struct {
	Work      string        `json:"work"`  // noop, mixed, facts, file, tree
	Phase     string        `json:"phase"` // first or converged, where the work has phases
	RTT       time.Duration `json:"rtt_ns"`
	Hosts     int           `json:"hosts"`
	Contender string        `json:"contender"`
	Taken     time.Time     `json:"taken"` // when the benchmark that measured it began
	Ferry     string        `json:"ferry"` // the version it was part of
	Rounds    []Round       `json:"rounds"`
	Void      string        `json:"void,omitempty"` // why there is no figure, or none any more

	Median float64 `json:"median_seconds"`  // of Rounds, filled in by Finish
	Ratio  float64 `json:"ratio_to_ferry"`  // median of the ratios of rounds both took part in; 0: none
	CPU    float64 `json:"cpu_seconds"`     // medians, as all below
	Memory int64   `json:"memory_bytes"`    // -1: not known
	HCPU   float64 `json:"host_cpu_second"` // per host
	HMem   int64   `json:"host_memory"`     // per host; -1: not known
}

// without is what stands in the place of the figures of a series that has none.
func (s *Series) without() string {
	if _, limit, ok := strings.Cut(s.Void, "ended after "); ok {
		if d, err := time.ParseDuration(limit); err == nil {
			return fmt.Sprintf("over %g", d.Seconds())
		}
	}
	return "void"
}

// Round is one run.
type Round struct {
	Round int `json:"round"`
	meter.Cost
}

// Fleet is a run against hosts inside processes; fleet run --json prints it. Several
// with the same number of hosts are rounds.
type Fleet struct {
	Hosts    int           `json:"hosts"`
	Tasks    int           `json:"tasks"`
	Parallel int           `json:"parallel"`
	Wall     time.Duration `json:"wall_ns"`
	CPU      time.Duration `json:"cpu_ns"`
	Memory   int64         `json:"memory_byte"`
	Taken    time.Time     `json:"taken"` // as of Series
	Ferry    string        `json:"ferry"`
}

// Add takes over what another run of the benchmark measured and this one did not.
func (r *Results) Add(old *Results) {
	old.date()
	for _, s := range old.Series {
		if r.Find(s.Work, s.Phase, s.RTT, s.Hosts, s.Contender) == nil {
			r.Series = append(r.Series, s)
		}
	}
	if len(r.Fleet) == 0 {
		r.Fleet, r.FleetError = old.Fleet, old.FleetError
	}
	r.Duration += old.Duration
	r.Command = old.Command + " ; " + r.Command
	r.Machine.Load = old.Machine.Load
}

// date notes when and of what each series is, where that is not said.
func (r *Results) date() {
	for i := range r.Series {
		if s := &r.Series[i]; s.Ferry == "" {
			s.Taken, s.Ferry = r.Taken, r.Versions["ferry"]
		}
	}
	for i := range r.Fleet {
		if f := &r.Fleet[i]; f.Ferry == "" {
			f.Taken, f.Ferry = r.Taken, r.Versions["ferry"]
		}
	}
}

// Finish computes what follows from the rounds.
func (r *Results) Finish() {
	r.date()
	for i := range r.Series {
		s := &r.Series[i]
		ferry := r.Find(s.Work, s.Phase, s.RTT, s.Hosts, "ferry")
		s.finish(ferry)
	}
	r.Bars = bars(r)
}

// Find returns the series of that name, or nil.
func (r *Results) Find(work, phase string, rtt time.Duration, hosts int, contender string) *Series {
	for i := range r.Series {
		s := &r.Series[i]
		if s.Work == work && s.Phase == phase && s.RTT == rtt && s.Hosts == hosts && s.Contender == contender {
			return s
		}
	}
	return nil
}

// Save writes the results as JSON.
func (r *Results) Save(file string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644) //nolint:gosec // to be read by all
}

// Load reads what Save wrote.
func Load(file string) (*Results, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := &Results{}
	return r, json.Unmarshal(b, r)
}
