package local_test

import (
	"errors"
	"testing"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/local"
)

// A command over its limit ends, also one that is deaf to TERM, and says so; one that
// is not has the result it has without a limit.
func TestLimit(t *testing.T) {
	conn, err := local.New(local.Options{StateDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	h := host.New("here", conn)
	for name, c := range map[string]struct {
		command host.Command
		late    bool
		code    int
		stdout  string
	}{
		"deaf to TERM":     {host.Command{Argv: []string{"/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"}, Limit: 2 * time.Second}, true, 0, ""},
		"ended by TERM":    {host.Command{Argv: []string{"sleep", "1000"}, Limit: 2 * time.Second}, true, 0, ""},
		"a script":         {host.Command{Script: "sleep 1000", Limit: 2 * time.Second}, true, 0, ""},
		"in time":          {host.Command{Argv: []string{"/bin/sh", "-c", "cat; exit 7"}, Stdin: []byte("text"), Limit: time.Hour}, false, 7, "text"},
		"killed by others": {host.Command{Argv: []string{"/bin/sh", "-c", "kill -9 $$"}, Limit: time.Hour}, false, 137, ""},
		"hidden":           {host.Command{Argv: []string{"/bin/sh", "-c", "echo $0"}, Private: true, Limit: time.Hour}, false, 0, "/bin/sh\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res, err := h.Exec(t.Context(), c.command)
			var late *host.LimitError
			if errors.As(err, &late) != c.late || err != nil && !c.late {
				t.Fatalf("%v", err)
			}
			if !c.late && (res.Code != c.code || string(res.Stdout) != c.stdout) {
				t.Errorf("%d %q", res.Code, res.Stdout)
			}
		})
	}
}
