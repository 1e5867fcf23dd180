package factstore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ferry-ops/ferry/engine/factstore"
	"github.com/ferry-ops/ferry/engine/host"
)

func TestRecordAndRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	record := func(at time.Time, o ...factstore.Observed) {
		t.Helper()
		if err := factstore.Record(dir, o, at); err != nil {
			t.Fatal(err)
		}
	}
	all := host.Facts{"os_id": "centos", "cpus": int64(4), "efi": true, "mounts": []string{"/", "/srv"}}
	record(now, factstore.Observed{Host: "a", Address: "10.0.0.1", Facts: all}, factstore.Observed{Host: "b", Address: "b", Facts: host.Facts{"os_id": "x"}})
	record(now.Add(time.Hour), factstore.Observed{Host: "a", Address: "10.0.0.1", Facts: host.Facts{"os_id": "openeuler"}})
	s, err := factstore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		host, address string
		since         time.Time
		want          host.Facts
	}{
		"all":             {"a", "10.0.0.1", now, host.Facts{"os_id": "openeuler", "cpus": int64(4), "efi": true, "mounts": []string{"/", "/srv"}}},
		"the young ones":  {"a", "10.0.0.1", now.Add(time.Minute), host.Facts{"os_id": "openeuler"}},
		"none":            {"a", "10.0.0.1", now.Add(2 * time.Hour), host.Facts{}},
		"another machine": {"a", "10.0.0.9", now, nil},
		"another host":    {"c", "c", now, nil},
	} {
		if d := cmp.Diff(c.want, s.Of(c.host, c.address, c.since)); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
	// What was seen at the old address is forgotten.
	record(now, factstore.Observed{Host: "a", Address: "10.0.0.2", Facts: host.Facts{"arch": "x86_64"}})
	if s, _ = factstore.Open(dir); len(s.Of("a", "10.0.0.2", now)) != 1 {
		t.Error(s.Hosts["a"])
	}
}

func TestRecordTogether(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			if err := factstore.Record(dir, []factstore.Observed{{Host: fmt.Sprint("h", i), Facts: host.Facts{"arch": "x"}}}, time.Now()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if s, err := factstore.Open(dir); err != nil || len(s.Hosts) != 10 {
		t.Errorf("%d hosts, %v", len(s.Hosts), err)
	}
}

func TestUnusable(t *testing.T) {
	for _, text := range []string{"{", "[]", `{"schema_version":2}`, "\x00", `{"schema_version":1,"hosts":{"a":{"facts":{"cpus":{"value":"many"}}}}}`} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "facts.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := factstore.Open(dir)
		if err == nil && len(s.Of("a", "", time.Time{})) != 0 {
			t.Errorf("%q: %v", text, s)
		}
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "facts.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := factstore.Open(dir); err == nil {
		t.Error("a directory was read")
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte(`{"schema_version":1,"hosts":{"a":{"address":"x","facts":{"cpus":{"value":4,"at":"2026-01-02T03:04:05Z"}}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "facts.json"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := factstore.Open(dir)
		if err != nil {
			return
		}
		for name, e := range s.Hosts {
			s.Of(name, e.Address, time.Time{})
		}
	})
}
