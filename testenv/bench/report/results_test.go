package report

import (
	"encoding/xml"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ferry-ops/ferry/testenv/bench/meter"
)

func rounds(seconds ...float64) (all []Round) {
	for i, s := range seconds {
		if s > 0 {
			all = append(all, Round{Round: i + 1, Cost: meter.Cost{Wall: time.Duration(s * float64(time.Second)), CPU: time.Second, Memory: 50 << 20, HostCPU: 40 * time.Second, HostMemory: -1}})
		}
	}
	return all
}

func sample() *Results {
	r := &Results{
		Taken: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC), Versions: map[string]string{"ferry": "1"},
		Fleet: []Fleet{{Hosts: 10000, Tasks: 20, Wall: 5 * time.Second, CPU: time.Second, Memory: 1 << 30}},
		Series: []Series{
			{Work: "noop", Hosts: 20, Contender: "floor", Rounds: rounds(1, 1, 1)},
			{Work: "noop", Hosts: 20, Contender: "ferry", Rounds: rounds(2, 1.5, 4)},
			{Work: "noop", Hosts: 20, Contender: "ansible", Rounds: rounds(100, 0, 400)},
			{Work: "noop", Hosts: 20, Contender: "clush", Void: "first\nround | 1: gone"},
			{Work: "mixed", Phase: "converged", Hosts: 1, Contender: "ferry", Rounds: rounds(0.3, 0.3, 0.4)},
			{Work: "mixed", Phase: "converged", Hosts: 1, RTT: 150 * time.Millisecond, Contender: "ferry", Rounds: rounds(3.6, 3.5, 3.7)},
		},
	}
	r.Finish()
	return r
}

func TestFinish(t *testing.T) {
	r := sample()
	s := r.Find("noop", "", 0, 20, "ferry")
	if s.Median != 2 || s.Ratio != 1 || s.HCPU != 2 || s.HMem != -1 || s.Memory != 50<<20 {
		t.Errorf("ferry: %+v", s)
	}
	// Rounds 1 and 3 are shared: 100/2 and 400/4.
	if a := r.Find("noop", "", 0, 20, "ansible"); a.Ratio != 75 || a.Median != 250 {
		t.Errorf("ansible: ratio %v, median %v; want 75, 250", a.Ratio, a.Median)
	}
	if c := r.Find("noop", "", 0, 20, "clush"); c.Median != 0 || c.Ratio != 0 {
		t.Errorf("a void series has figures: %+v", c)
	}
}

// What was measured at different times is neither compared nor taken for one.
func TestAddKeepsTimesApart(t *testing.T) {
	old, now := sample(), &Results{
		Taken: time.Date(2030, 1, 3, 0, 0, 0, 0, time.UTC), Versions: map[string]string{"ferry": "2"},
		Series: []Series{{Work: "noop", Hosts: 20, Contender: "ferry", Rounds: rounds(1, 1, 1)}, {Work: "mixed", Phase: "converged", Hosts: 1, Contender: "ferry", Rounds: rounds(0.1, 0.1, 0.1)}},
	}
	now.Add(old)
	now.Finish()
	if a := now.Find("noop", "", 0, 20, "ansible"); a == nil || a.Ratio != 0 || a.Median != 250 {
		t.Errorf("ansible of before: %+v", a)
	}
	for _, b := range now.Bars {
		if b.Reached != notMeasured {
			t.Errorf("%s is %s %s", b.What, b.Got, b.Reached)
		}
	}
	if page := Page(now, "benchmarks", ""); !strings.Contains(page, "Measured: floor, clush, ansible 2 January 2030 03:04, 1; ferry 3 January 2030 00:00, 2.") {
		t.Errorf("the page does not say what is of when:\n%s", page)
	}
	if page := Page(sample(), "benchmarks", ""); strings.Contains(page, "Measured:") {
		t.Error("a page of one time says of each table when that was")
	}
}

func TestBars(t *testing.T) {
	var got []string
	r := sample()
	for _, b := range r.Bars {
		got = append(got, b.Want+" "+b.Got+" "+b.Reached)
		if b.Rounds > 0 != b.Of.Equal(r.Taken) {
			t.Errorf("%s was measured on %s", b.What, b.Of)
		}
	}
	want := []string{
		"at most 2 2.0 yes", "at least 50 75 too few rounds", "at least 15  not measured", "at least 40  not measured", "at least 15  not measured",
		"at most 1.5  not measured", "at most 20 22.0 no",
		"at most 30  not measured", "at most 250  not measured", "at most 1.25  not measured", "at most 1.25  not measured",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("bars are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// What several rounds of a fleet say, and whether the large one is linear.
func TestFleetBars(t *testing.T) {
	r := &Results{Versions: map[string]string{}}
	for i, seconds := range []float64{11, 9, 10, 130, 110, 120} {
		f := Fleet{Hosts: 1000, Tasks: 20, Wall: time.Duration(seconds * float64(time.Second)), Memory: 200 << 20}
		if i > 2 {
			f.Hosts, f.Memory = 10000, 1000<<20
		}
		r.Fleet = append(r.Fleet, f)
	}
	r.Finish()
	var got []string
	for _, b := range r.Bars[len(r.Bars)-4:] {
		got = append(got, b.Got+" "+b.Reached)
	}
	if want := "10.0 yes, 200 yes, 1.20 yes, 0.50 yes"; strings.Join(got, ", ") != want {
		t.Errorf("bars are %s, want %s", strings.Join(got, ", "), want)
	}
}

// A median is between the smallest and the largest, and does not depend on the order.
func TestMedian(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Float64Range(0, 1e6), 1, 20).Draw(t, "values")
		m, below, above := medianFloat(v), 0, 0
		for _, x := range v {
			if x < m {
				below++
			}
			if x > m {
				above++
			}
		}
		if below > len(v)/2 || above > len(v)/2 {
			t.Fatalf("median of %v is %v: %d below, %d above", v, m, below, above)
		}
		if again := medianFloat(rapid.Permutation(v).Draw(t, "other order")); again != m {
			t.Fatalf("in another order it is %v, not %v", again, m)
		}
	})
}

func TestSaveAndLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "results.json")
	r := sample()
	if err := r.Save(file); err != nil {
		t.Fatal(err)
	}
	again, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := Page(r, "benchmarks", ""), Page(again, "benchmarks", ""); a != b {
		t.Error("the page of loaded results is another one")
	}
}

func TestPage(t *testing.T) {
	page := Page(sample(), "benchmarks", "Too slow.\n")
	for _, want := range []string{
		"| ferry | 3 | 2 | 1 | 1 | 50 | 2 | – |\n", "| ansible | 2 | 250 | 75 |", "| clush | 0 | void |",
		`| noop | 0s | clush | first round \| 1: gone |`, "| 10,000 × 20 tasks | 1 | 5 | 1 | 1024 | 0.102 |",
		"![Hosts 150ms away (round-trip time)](benchmarks/rtt-150ms.svg)", "\n## Remarks\n\nToo slow.\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "NaN") || strings.Contains(page, "quick run") {
		t.Error("the page has what it should not have")
	}
}

// Whatever the figures and labels are, the plot is well-formed and nothing of
// it lies outside.
func TestChartIsWellFormed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		groups := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Group {
			return Group{Label: rapid.StringMatching(`[a-z<>&"']*`).Draw(t, "group"), Bars: rapid.SliceOf(rapid.Custom(func(t *rapid.T) ChartBar {
				return ChartBar{Label: rapid.StringMatching(`[a-z<>& ]*`).Draw(t, "label"), Seconds: rapid.Float64Range(0, 1e5).Draw(t, "seconds"), Without: "a<b"}
			})).Draw(t, "bars")}
		})).Draw(t, "groups")
		svg := Chart("A & B", groups)
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Fatalf("not a number in %s", svg)
		}
		for d := xml.NewDecoder(strings.NewReader(svg)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				t.Fatalf("%v in\n%s", err, svg)
			}
		}
	})
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.0001: "0", 0.0456: "0.046", 0.5: "0.5", 1: "1", 1.5: "1.5", 1.25: "1.25", 10: "10", 12.34: "12.3", 147.4: "147"} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %q, want %q", v, got, want)
		}
	}
}

// A series that was too slow says how slow, not only that it does not count.
func TestWithout(t *testing.T) {
	for void, want := range map[string]string{"round 1: ended after 1m30s": "over 90", "round 2: ended after 6m0s": "over 360", "ended after a crash": "void", "the work is not done": "void"} {
		if got := (&Series{Void: void}).without(); got != want {
			t.Errorf("%q is shown as %q, want %q", void, got, want)
		}
	}
}
