package host_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/local"
)

// counted is this machine, with the commands it was sent.
type counted struct {
	host.Transport
	mu   sync.Mutex
	sent []host.Command
}

func (c *counted) Run(ctx context.Context, cmd host.Command) (host.Result, error) {
	c.mu.Lock()
	c.sent = append(c.sent, cmd)
	c.mu.Unlock()
	return c.Transport.Run(ctx, cmd)
}

func here(t interface{ Fatal(...any) }, dir string) (host.Host, *counted) {
	c, err := local.New(local.Options{StateDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	n := &counted{Transport: c}
	return host.New("here", n), n
}

// together runs all of ask as members of one round.
func together(ctx context.Context, ask ...func(context.Context)) {
	var r host.Round
	var wg sync.WaitGroup
	type member struct {
		ctx   context.Context
		leave func()
	}
	members := make([]member, len(ask))
	for i := range ask {
		members[i].ctx, members[i].leave = r.Join(ctx)
	}
	for i, m := range members {
		wg.Go(func() { defer m.leave(); ask[i](m.ctx) })
	}
	wg.Wait()
}

// answer is what a question about a path gave.
type answer struct {
	Info    host.FileInfo
	Content string
	Err     string
}

func askFile(ctx context.Context, h host.Reader, what byte, path string) (a answer) {
	var err error
	var text []byte
	switch what {
	case 'l':
		a.Info, text, err = h.Look(ctx, path)
	case 's':
		a.Info, err = h.Stat(ctx, path)
	default:
		text, err = h.ReadFile(ctx, path)
	}
	a.Content = string(text)
	if err != nil {
		a.Err = err.Error()
	}
	return a
}

// sorts of paths; each makes one below a directory and returns it.
var sorts = []struct {
	name string
	make func(dir, name string) string
}{
	{"absent", func(dir, name string) string { return filepath.Join(dir, name) }},
	{"file", func(dir, name string) string { return put(dir, name, "one\ntwo\n", 0o644) }},
	{"file without a last newline", func(dir, name string) string { return put(dir, name, "one\ntwo", 0o600) }},
	{"empty file", func(dir, name string) string { return put(dir, name, "", 0o644) }},
	{"newline", func(dir, name string) string { return put(dir, name, "\n", 0o644) }},
	{"newlines", func(dir, name string) string { return put(dir, name, "\n\n\n", 0o644) }},
	{"bytes", func(dir, name string) string { return put(dir, name, "\x00a\xff\xfe\r\n\x00\n\n\x80'\"", 0o4755) }},
	{"NULs", func(dir, name string) string { return put(dir, name, strings.Repeat("\x00", 70<<10), 0o644) }},
	{"content like the answer", func(dir, name string) string {
		p := filepath.Join(dir, name)
		return put(dir, name, "x\n"+p+"\x00y\n"+filepath.Join(dir, "p1")+"\x00z\n", 0o644)
	}},
	{"one long line", func(dir, name string) string { return put(dir, name, strings.Repeat("x", 200<<10), 0o644) }},
	{"not small", func(dir, name string) string { return put(dir, name, strings.Repeat("line\n", 60<<10), 0o644) }},
	{"too large", func(dir, name string) string { return put(dir, name, strings.Repeat("x", host.MaxReadFile+1), 0o644) }},
	{"unreadable", func(dir, name string) string { return put(dir, name, "secret", 0) }},
	{"directory", func(dir, name string) string { return mkdir(dir, name, 0o2755) }},
	{"below a directory that is closed", func(dir, name string) string {
		put(mkdir(dir, name, 0o755), "f", "x", 0o644)
		_ = os.Chmod(filepath.Join(dir, name), 0)
		return filepath.Join(dir, name, "f")
	}},
	{"below a file", func(dir, name string) string { return filepath.Join(put(dir, name, "x", 0o644), "f") }},
	{"FIFO", func(dir, name string) string {
		p := filepath.Join(dir, name)
		_ = syscall.Mkfifo(p, 0o644)
		return p
	}},
	{"socket or device", func(string, string) string { return "/dev/null" }},
	{"link to a file", func(dir, name string) string { return link(dir, name, put(dir, name+".to", "there\n", 0o644)) }},
	{"link to nowhere", func(dir, name string) string { return link(dir, name, "no where/\n\n") }},
	{"link to itself", func(dir, name string) string { return link(dir, name, name) }},
	{"below a link to itself", func(dir, name string) string { return filepath.Join(link(dir, name, name), "f") }},
	{"odd name", func(dir, name string) string { return put(dir, name+" 'it\"s' $x \\ * é \xff", "odd\n", 0o644) }},
	{"name with a newline", func(dir, name string) string { return put(dir, name+"\nb", "odd\n", 0o644) }},
	{"long name", func(dir, name string) string { return filepath.Join(dir, name+strings.Repeat("n", 300)) }},
	{"name that is a part of another", func(dir, name string) string { return put(dir, name+"0", "part\n", 0o644) }},
	{"not clean", func(dir, name string) string { return mkdir(dir, name, 0o755) + "/" }},
	{"no absolute path", func(string, string) string { return "etc/passwd" }},
	{"proc", func(string, string) string { return "/proc/version" }},
	{"sys", func(string, string) string { return "/sys/kernel/mm/transparent_hugepage/enabled" }},
	{"root", func(string, string) string { return "/" }},
	{"NUL", func(dir, name string) string { return dir + "/\x00" }},
}

func put(dir, name, text string, mode uint32) string {
	p := filepath.Join(dir, name)
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		panic(err)
	}
	if err := syscall.Chmod(p, mode); err != nil {
		panic(err)
	}
	return p
}

func mkdir(dir, name string, mode uint32) string {
	p := filepath.Join(dir, name)
	if err := os.Mkdir(p, 0o700); err != nil {
		panic(err)
	}
	if err := syscall.Chmod(p, mode); err != nil {
		panic(err)
	}
	return p
}

func link(dir, name, to string) string {
	p := filepath.Join(dir, name)
	if err := os.Symlink(to, p); err != nil {
		panic(err)
	}
	return p
}

// What is asked about several paths together is answered as each alone would be.
func TestFilesTogetherEqualAlone(t *testing.T) {
	dir := t.TempDir()
	h, sent := here(t, dir)
	var asks []string // the question and the path
	for i, s := range sorts {
		path := s.make(dir, fmt.Sprint("p", i))
		for _, what := range "lsr" {
			asks = append(asks, string(what)+path)
		}
	}
	t.Cleanup(func() { // for who is not root
		for i := range sorts {
			_ = os.Chmod(filepath.Join(dir, fmt.Sprint("p", i)), 0o700) //nolint:gosec // a directory
		}
	})
	alone := map[string]answer{}
	ask := func(a string) answer {
		if alone[a] == (answer{}) {
			alone[a] = askFile(t.Context(), h, a[0], a[1:])
		}
		return alone[a]
	}
	equal := func(t interface{ Fatalf(string, ...any) }, asks []string) {
		got := make([]answer, len(asks))
		var fs []func(context.Context)
		for i, a := range asks {
			fs = append(fs, func(ctx context.Context) { got[i] = askFile(ctx, h, a[0], a[1:]) })
		}
		together(context.Background(), fs...)
		for i, a := range asks {
			if d := cmp.Diff(ask(a), got[i]); d != "" {
				t.Fatalf("%.100q among others (-alone, +together):\n%.2000s", a, d)
			}
		}
	}
	for _, a := range asks {
		ask(a)
	}
	sent.sent = nil
	equal(t, asks)
	joint := 0
	for _, c := range sent.sent {
		if len(c.Argv) > 3 {
			joint++
		}
	}
	if joint < 2 {
		t.Errorf("%d joint commands", joint)
	}
	t.Logf("%d questions, %d commands", len(asks), len(sent.sent))
	rapid.Check(t, func(t *rapid.T) {
		equal(t, rapid.SliceOfN(rapid.SampledFrom(asks), 2, 12).Draw(t, "asks"))
	})
}
