package run_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/run"
)

// openConns counts the connections that are open.
type openConns struct {
	*world
	mu        sync.Mutex
	now, most int
}

type fileConn struct {
	host.Transport
	o *openConns
}

func (o *openConns) connect(ctx context.Context, name string, become bool, user string) (host.Transport, error) {
	t, err := o.world.connect(ctx, name, become, user)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now++
	o.most = max(o.most, o.now)
	return fileConn{t, o}, err
}

func (c fileConn) Close() error {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	c.o.now--
	return c.Transport.Close()
}

// No more connections are open than the process may have files, and the play
// says why it takes longer.
func TestOpenFilesBoundTheHostsAtOnce(t *testing.T) {
	const files = 100
	o := &openConns{world: newWorld()}
	o.on["look l"] = func(int) (host.Result, error) { return host.Result{}, nil }
	src := ""
	for _, p := range []string{"p", "q"} {
		src += "play \"" + p + "\" {\n  hosts = \"all\"\n  rollout { batches = [\"30%\", \"100%\"] }\n  check \"look\" \"l\" {}\n}\n"
	}
	pb := playbookOf(t, t.TempDir(), src)
	var hosts []string
	for i := range 200 {
		hosts = append(hosts, fmt.Sprintf("h%03d", i))
	}
	r := runOn(t, o.connect, pb, run.Options{Parallel: 150, Files: files}, hosts...)
	if o.most > files || o.most < 10 || o.now != 0 {
		t.Errorf("%d connections were open at once of %d files, and %d are left", o.most, files, o.now)
	}
	for name, h := range r.sum.Hosts {
		if h.Status != event.OK {
			t.Errorf("%s is %s", name, h.Status)
		}
	}
	said := false
	for _, e := range r.events {
		said = said || e.Kind == event.PlayStarted && strings.Contains(e.Message, "hosts at once instead of 150") && strings.Contains(e.Message, "ulimit -n")
	}
	if !said {
		t.Error("nothing says why fewer hosts are worked on at once")
	}
}

// Who is asked once is asked within the files a process may have open, too.
func TestAtOnceFitsTheOpenFiles(t *testing.T) {
	for _, c := range []struct{ wanted, files, want int }{{50, 0, 50}, {50, 1024, 50}, {480, 1024, 480}, {5000, 1024, 480}, {50, 10, 1}} {
		n, why := run.AtOnce(c.wanted, c.files)
		if n != c.want || (why != "") != (n < c.wanted) || why != "" && !strings.Contains(why, "ulimit -n") {
			t.Errorf("%d hosts with %d files: %d, %q; want %d", c.wanted, c.files, n, why, c.want)
		}
	}
}
