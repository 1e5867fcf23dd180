package ssh

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
)

// maxScript is how long a "sh -c" text may be before it travels on a file
// descriptor instead: Linux limits one argument to 128 KiB.
const maxScript = 96 << 10

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// initText prepares a fresh shell. The host's own PATH stays in front; the
// directories a login that is not root often lacks are added.
const initText = `PATH="${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"; export PATH; ` +
	`LC_ALL=C; export LC_ALL; unset LANGUAGE CDPATH ENV BASH_ENV; umask 022; cd /` + "\n"

// checkCommand refuses what cannot be carried faithfully.
func checkCommand(c host.Command) error {
	c = c.Program()
	if len(c.Argv) == 0 || c.Argv[0] == "" {
		return errors.New("command has no program")
	}
	if strings.HasPrefix(c.Argv[0], "-") {
		return fmt.Errorf("program name %q starts with a dash", c.Argv[0])
	}
	for _, a := range c.Argv {
		if strings.IndexByte(a, 0) >= 0 {
			return errors.New("a command argument holds a NUL byte, which no program can receive")
		}
	}
	for k, v := range c.Env {
		if !envName.MatchString(k) {
			return fmt.Errorf("environment variable name %q is not valid", k)
		}
		if strings.IndexByte(v, 0) >= 0 {
			return fmt.Errorf("environment variable %s holds a NUL byte", k)
		}
	}
	if strings.IndexByte(c.Dir, 0) >= 0 {
		return errors.New("the working directory holds a NUL byte")
	}
	if c.User != "" && !userName.MatchString(c.User) {
		return fmt.Errorf("user %q is not a valid user name", c.User)
	}
	return nil
}

// commandText returns shell text that runs c in a subshell and leaves its exit
// status in $?. mark is exported as FERRY, by which the processes of the
// command are found when it has to be killed. asRoot says that the shell may
// become any user without asking; locked, that it holds the host's lock.
//
// Everything but the program's own arguments stays in the shell's memory:
// printf, cd, export and exec are built in.
func commandText(c host.Command, mark string, asRoot, locked bool) string {
	if c.Script != "" && c.User == "" {
		return scriptText(c, mark, locked)
	}
	c = c.Program()
	if c.User != "" && !asRoot {
		return sudoText(c, mark)
	}
	var b strings.Builder
	if len(c.Stdin) > 0 {
		b.WriteString(host.PrintText(c.Stdin))
		b.WriteString(" | ")
	}
	b.WriteString("( ")
	if c.ReadOnly && locked {
		b.WriteString("exec 9<&-; ") // only what acts inherits the lock
	}
	exports(&b, c.Env, mark)
	if c.Dir != "" {
		b.WriteString("cd " + host.Quote(c.Dir) + " || exit 126; ")
	}
	argv := c.Argv
	script, hidden := hiddenScript(c)
	if hidden {
		argv = append([]string{argv[0], "-c", `s=$(cat <&3); exec 3<&-; eval "$s"`}, scriptArgs(argv)...)
	}
	if c.User != "" {
		argv = userArgv(c.User, argv)
	}
	if !hidden {
		b.WriteString("exec " + host.QuoteArgv(argv) + " )")
		if len(c.Stdin) == 0 {
			b.WriteString(" </dev/null")
		}
		return b.String()
	}
	// The script takes the place of standard input in a pipeline of its own and
	// moves to descriptor 3: no temporary file, no argument.
	if len(c.Stdin) > 0 {
		b.WriteString("exec 4<&0; ")
	} else {
		b.WriteString("exec 4</dev/null; ")
	}
	b.WriteString(host.PrintText([]byte(script)))
	b.WriteString(" | { exec 3<&0 0<&4 4<&-; exec " + host.QuoteArgv(argv) + "; } )")
	return b.String()
}

// scriptText is commandText for a script of the engine's own: it runs in the
// subshell itself, which saves starting a shell for it. What signals or reads has
// no business there, see host.Command.
func scriptText(c host.Command, mark string, locked bool) string {
	var b strings.Builder
	b.WriteString("( ")
	if c.ReadOnly && locked {
		b.WriteString("exec 9<&-; ")
	}
	exports(&b, c.Env, mark)
	if c.Dir != "" {
		b.WriteString("cd " + host.Quote(c.Dir) + " || exit 126; ")
	}
	b.WriteString("input() { ")
	if len(c.Stdin) > 0 {
		b.WriteString(host.PrintText(c.Stdin))
	} else {
		b.WriteString(":")
	}
	b.WriteString("; }; set -- ")
	for _, a := range c.Argv {
		b.WriteString(host.Quote(a) + " ")
	}
	b.WriteString("; eval " + host.Quote(c.Script) + " ) </dev/null")
	return b.String()
}

// sudoText runs c as another user by way of sudo, which drops the environment
// and closes descriptors: both travel as the first line of standard input.
func sudoText(c host.Command, mark string) string {
	var head, b strings.Builder
	exports(&head, c.Env, mark)
	if c.Dir != "" {
		head.WriteString("cd " + host.Quote(c.Dir) + " || exit 126; ")
	}
	run, args := `exec "$@"`, append([]string{"sh"}, c.Argv...)
	if script, hidden := hiddenScript(c); hidden {
		head.WriteString("s=" + host.Quote(script))
		run, args = `eval "$s"`, scriptArgs(c.Argv)
	}
	if len(c.Stdin) == 0 {
		run = "exec </dev/null; " + run
	}
	argv := append([]string{"sudo", "-n", "-H", "-u", c.User, "--", "/bin/sh", "-c",
		`IFS= read -r e; eval "$(printf %s "$e" | base64 -d)"; unset e; ` + run}, args...)
	fmt.Fprintf(&b, "{ printf '%%s\\n' '%s'; ", base64.StdEncoding.EncodeToString([]byte(head.String())))
	if len(c.Stdin) > 0 {
		b.WriteString(host.PrintText(c.Stdin))
		b.WriteString("; ")
	}
	b.WriteString("} 2>/dev/null | ( exec " + host.QuoteArgv(argv) + " )")
	return b.String()
}

func exports(b *strings.Builder, env map[string]string, mark string) {
	fmt.Fprintf(b, "FERRY=%s; export FERRY; ", mark)
	names := make([]string, 0, len(env))
	for k := range env {
		names = append(names, k)
	}
	sort.Strings(names)
	for _, k := range names {
		fmt.Fprintf(b, "%s=%s; export %s; ", k, host.Quote(env[k]), k)
	}
}

// hiddenScript returns the text of a "sh -c TEXT" command that must not, or
// cannot, be an argument.
func hiddenScript(c host.Command) (string, bool) {
	if len(c.Argv) < 3 || c.Argv[1] != "-c" {
		return "", false
	}
	switch c.Argv[0] {
	case "sh", "/bin/sh", "bash", "/bin/bash", "/usr/bin/sh", "/usr/bin/bash":
	default:
		return "", false
	}
	if !c.Sensitive && !c.Private && len(c.Argv[2]) <= maxScript {
		return "", false
	}
	return c.Argv[2], true
}

// scriptArgs returns what follows the text in "sh -c TEXT NAME ARGS".
func scriptArgs(argv []string) []string {
	if len(argv) > 3 {
		return argv[3:]
	}
	return []string{argv[0]}
}

// userArgv runs argv as user. Root needs no sudo policy for that: runuser
// (util-linux) where it knows -u, else su. Neither closes descriptors nor drops
// the environment.
func userArgv(user string, argv []string) []string {
	pick := `u=$1; shift; if runuser -u "$u" -- true 2>/dev/null; then exec runuser -u "$u" -- "$@"; fi; ` +
		`exec su -s /bin/sh "$u" -c 'exec "$0" "$@"' -- "$@"`
	return append([]string{"/bin/sh", "-c", pick, "sh", user}, argv...)
}

// frameText is one request to a shell: the text, then a marker with the number
// and exit status on standard output and one with the number on standard error.
func frameText(nonce string, n uint64, text string) string {
	return fmt.Sprintf("%s; printf '\\n%s.%d %%d\\n' $?; printf '\\n%s.%d\\n' >&2\n", text, nonce, n, nonce, n)
}

// errFrame says that a stream does not follow the protocol any more.
var errFrame = errors.New("the shell's answer does not match what was asked")

// splitter cuts one output stream of a shell into the outputs of its frames.
type splitter struct {
	prefix   []byte // newline, nonce, dot
	withCode bool
	limit    int
	// done receives each frame in order. An error from it stops the stream.
	done func(n uint64, code int, out []byte, truncated bool) error

	tail []byte // bytes that may be the start of a marker
	out  []byte
	cut  bool
}

// maxMarker bounds what follows the prefix: a number, a space, a status.
const maxMarker = 32

func newSplitter(nonce string, withCode bool, limit int, done func(uint64, int, []byte, bool) error) *splitter {
	return &splitter{prefix: []byte("\n" + nonce + "."), withCode: withCode, limit: limit, done: done}
}

// write takes the next bytes of the stream.
func (s *splitter) write(p []byte) error {
	data := p
	if len(s.tail) > 0 {
		data = append(s.tail, p...)
		s.tail = nil
	}
	for {
		i := bytes.Index(data, s.prefix)
		if i < 0 {
			keep := partial(data, s.prefix)
			s.keep(data[:len(data)-keep])
			if keep > 0 {
				s.tail = append([]byte(nil), data[len(data)-keep:]...)
			}
			return nil
		}
		rest := data[i+len(s.prefix):]
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			if len(rest) > maxMarker {
				return errFrame
			}
			s.keep(data[:i])
			s.tail = append([]byte(nil), data[i:]...)
			return nil
		}
		s.keep(data[:i])
		n, code, ok := s.marker(string(rest[:end]))
		if !ok {
			return errFrame
		}
		out, cut := s.out, s.cut
		s.out, s.cut = nil, false
		if err := s.done(n, code, out, cut); err != nil {
			return err
		}
		data = rest[end+1:]
	}
}

func (s *splitter) marker(line string) (n uint64, code int, ok bool) {
	num, status, has := strings.Cut(line, " ")
	if has != s.withCode {
		return 0, 0, false
	}
	n, err := strconv.ParseUint(num, 10, 64)
	if err != nil {
		return 0, 0, false
	}
	if has {
		if code, err = strconv.Atoi(status); err != nil || code < 0 || code > 255 {
			return 0, 0, false
		}
	}
	return n, code, true
}

func (s *splitter) keep(p []byte) {
	if room := s.limit - len(s.out); len(p) > room {
		p, s.cut = p[:room], true
	}
	s.out = append(s.out, p...)
}

// partial returns how many bytes at the end of data could begin prefix.
func partial(data, prefix []byte) int {
	n := min(len(data), len(prefix)-1)
	for ; n > 0; n-- {
		if bytes.HasPrefix(prefix, data[len(data)-n:]) {
			return n
		}
	}
	return 0
}
