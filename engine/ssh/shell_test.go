package ssh_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/ssh/sshtest"
)

// TestHazards runs everything that is known to break a shell that is used for
// more than one command. After each, the next command must be as if nothing had
// been.
func TestHazards(t *testing.T) {
	s := sshtest.New(t, sshtest.Options{Noise: "Welcome!\nno newline at the end"})
	c := dial(t, root(t, s))
	big := strings.Repeat("x", 3<<20)
	for _, h := range []struct {
		name   string
		cmd    host.Command
		code   int
		out    string
		errs   string // contained in standard error
		faster time.Duration
	}{
		{name: "plain", cmd: sh("echo hi"), out: "hi\n"},
		{name: "exit", cmd: sh("exit 7"), code: 7},
		{name: "set -e", cmd: sh("set -e; false; echo not"), code: 1},
		{name: "kill self", cmd: sh("kill -9 $$"), code: 137},
		{name: "term self", cmd: sh("kill -TERM $$"), code: 143},
		{name: "cat reads stdin", cmd: sh("cat; echo end"), out: "end\n"},
		{name: "read", cmd: sh("read x; echo got=$x"), out: "got=\n"},
		{name: "unbalanced quote", cmd: sh("echo 'oops"), code: 2, errs: "nterminated"},
		{name: "unfinished if", cmd: sh("if true; then"), code: 2, errs: "yntax"},
		{name: "exec away output", cmd: sh("exec >/dev/null 2>&1; echo lost")},
		{name: "close output", cmd: sh("exec >&- 2>&-; true")},
		{name: "umask", cmd: sh("umask 777")},
		{name: "umask is not kept", cmd: sh("umask"), out: "0022\n"},
		{name: "cd", cmd: sh("cd /tmp")},
		{name: "cd is not kept", cmd: sh("pwd"), out: "/\n"},
		{name: "background holds stdout", cmd: sh("sleep 3 & echo bg"), out: "bg\n", faster: 2 * time.Second},
		{name: "background holds stderr", cmd: sh("sleep 3 >/dev/null & echo bg"), out: "bg\n", faster: 2 * time.Second},
		{name: "binary", cmd: sh(`printf '\000\001\377\n\000'`), out: "\x00\x01\xff\n\x00"},
		{name: "marker shape", cmd: sh(`printf '\n0123456789abcdef0123456789abcdef.4 0\n'`), out: "\n0123456789abcdef0123456789abcdef.4 0\n"},
		{name: "no newline", cmd: sh("printf abc; printf err >&2"), out: "abc", errs: "err"},
		{name: "newlines only", cmd: sh(`printf '\n\n\n'`), out: "\n\n\n"},
		{name: "huge line", cmd: sh("head -c 3145728 /dev/zero | tr '\\0' x"), out: big},
		{name: "not found", cmd: host.Command{Argv: []string{"/no/such/program"}}, code: 127, errs: "not found"},
		{name: "not executable", cmd: host.Command{Argv: []string{"/etc/passwd"}}, code: 126},
		{name: "argv", cmd: host.Command{Argv: []string{"printf", "[%s]", "a b", "it's", `"$HOME"`, "new\nline", "", "*", "\\"}},
			out: "[a b][it's][\"$HOME\"][new\nline][][*][\\]"},
		{name: "utf-8", cmd: host.Command{Argv: []string{"printf", "%s", "欧拉 \xff\x81\x88"}}, out: "欧拉 \xff\x81\x88"},
		{name: "builtin name", cmd: host.Command{Argv: []string{"test", "-d", "/"}}},
		{name: "stdin", cmd: host.Command{Argv: []string{"cat"}, Stdin: []byte("a 'quoted' $line\nno end")}, out: "a 'quoted' $line\nno end"},
		{name: "binary stdin", cmd: host.Command{Argv: []string{"cat"}, Stdin: []byte("\x00\x81\xff\r\n")}, out: "\x00\x81\xff\r\n"},
		{name: "unread stdin", cmd: host.Command{Argv: []string{"true"}, Stdin: []byte(big)}},
		{name: "large stdin", cmd: host.Command{Argv: []string{"wc", "-c"}, Stdin: []byte(big)}, out: "3145728\n"},
		{name: "env", cmd: host.Command{Argv: []string{"sh", "-c", `printf %s "$A$B"`}, Env: map[string]string{"A": "x'y\n", "B": "$(id)"}}, out: "x'y\n$(id)"},
		{name: "env is not kept", cmd: sh(`printf %s "$A"`)},
		{name: "dir", cmd: host.Command{Argv: []string{"pwd"}, Dir: "/usr"}, out: "/usr\n"},
		{name: "no dir", cmd: host.Command{Argv: []string{"pwd"}, Dir: "/no/such"}, code: 126, errs: "no/such"},
		{name: "locale", cmd: sh("echo $LC_ALL"), out: "C\n"},
		{name: "sensitive", cmd: host.Command{Argv: []string{"sh", "-c", `cat; echo "$0-$1-it's"`, "name", "arg"}, Stdin: []byte("in "), Sensitive: true}, out: "in name-arg-it's\n"},
		{name: "sensitive without stdin", cmd: host.Command{Argv: []string{"sh", "-c", `cat; echo "$0"; exit 3`}, Sensitive: true}, out: "sh\n", code: 3},
		{name: "long script", cmd: sh(": " + strings.Repeat("x", 200<<10) + "\necho done"), out: "done\n"},
		{name: "still alive", cmd: sh("echo yes"), out: "yes\n"},
	} {
		for _, ro := range []bool{true, false} {
			h.cmd.ReadOnly = ro
			start := time.Now()
			res := run(t, c, h.cmd)
			if res.Code != h.code || string(res.Stdout) != h.out || !strings.Contains(string(res.Stderr), h.errs) {
				t.Errorf("%s: code %d, want %d; stdout %.200q, want %.200q; stderr %.200q", h.name, res.Code, h.code, res.Stdout, h.out, res.Stderr)
			}
			if h.errs == "" && h.code == 0 && len(res.Stderr) > 0 {
				t.Errorf("%s: stderr %.200q", h.name, res.Stderr)
			}
			if d := time.Since(start); h.faster > 0 && d > h.faster {
				t.Errorf("%s took %s", h.name, d)
			}
		}
	}
}
