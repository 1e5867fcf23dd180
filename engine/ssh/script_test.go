package ssh

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/ferry-ops/ferry/engine/host"
)

// A script of the engine's own runs in the host's shell. Whatever it does, that
// shell goes on, unchanged, in every shell that a host may have as /bin/sh.
func TestScriptsLeaveTheShellAlone(t *testing.T) {
	binary := "\x00\xff'\\\n"
	scripts := []struct {
		c    host.Command
		out  string
		code int
	}{
		{c: host.Command{Script: `printf '%s|' "$@"; echo $#`, Argv: []string{"a b", "it's", "", "-n", "$x"}}, out: "a b|it's||-n|$x|5\n"},
		{c: host.Command{Script: `echo $#`}, out: "0\n"},
		{c: host.Command{Script: `input; echo .`, Stdin: []byte("text 'x' %s\n")}, out: "text 'x' %s\n.\n"},
		{c: host.Command{Script: `input`, Stdin: []byte(binary)}, out: binary},
		{c: host.Command{Script: `input; echo none`}, out: "none\n"},
		{c: host.Command{Script: `cat; read -r x; echo "[$x]"`}, out: "[]\n"}, // not the next request
		{c: host.Command{Script: `set -e; false; echo no`}, code: 1},
		{c: host.Command{Script: `exit 45`}, code: 45},
		{c: host.Command{Script: `exec true`}},
		{c: host.Command{Script: `trap 'echo end' EXIT; exit 3`}, out: "end\n", code: 3},
		{c: host.Command{Script: `cd /etc; umask 077; set -C; x=1; PATH=/none; f() { :; }; exec >/dev/null 2>&1`}},
		{c: host.Command{Script: `kill -9 $(exec sh -c 'echo $PPID')`}, code: 137},
		{c: host.Command{Script: `if then`}, code: -1}, // a syntax error is an error
		{c: host.Command{Script: `echo "$A $FERRY"; pwd`, Env: map[string]string{"A": "it's"}, Dir: "/usr"}, out: "it's M\n/usr\n"},
		{c: host.Command{Script: `echo "$A$x"; pwd; umask; command -v f; true`}, out: "\n/\n0022\n"}, // nothing has leaked
	}
	for _, sh := range [][]string{{"dash"}, {"bash", "--posix"}, {"busybox", "sh"}, {"/bin/sh"}} {
		t.Run(sh[0], func(t *testing.T) {
			path, err := exec.LookPath(sh[0])
			if err != nil {
				t.Skipf("no %s on this machine", sh[0])
			}
			var text strings.Builder
			text.WriteString(initText)
			for i, s := range scripts {
				text.WriteString(frameText("NONCE", uint64(i), commandText(s.c, "M", true, false)))
			}
			cmd := exec.Command(path, sh[1:]...) //nolint:gosec // shells of this machine
			cmd.Stdin, cmd.Dir, cmd.Env = strings.NewReader(text.String()), "/", []string{"PATH=/usr/bin:/bin"}
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			sp := newSplitter("NONCE", true, 1<<20, func(i uint64, code int, out []byte, _ bool) error {
				s := scripts[i]
				if string(out) != s.out || code != s.code && (s.code != -1 || code == 0) {
					t.Errorf("%s: printed %q, exit %d; want %q, %d", s.c.Script, out, code, s.out, s.code)
				}
				n++
				return nil
			})
			if err := sp.write(out); err != nil || n != len(scripts) {
				t.Errorf("%d answers of %d, %v: %s", n, len(scripts), err, fmt.Sprintf("%.2000q", out))
			}
		})
	}
}
