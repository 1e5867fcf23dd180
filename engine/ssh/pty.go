package ssh

import (
	"context"
	"fmt"
	"strings"

	xssh "golang.org/x/crypto/ssh"
)

// startPtyProc gets a shell from a sudo that insists on a terminal (requiretty).
//
// A shell on a terminal would merge its output streams, echo what it reads and
// prompt. So the terminal carries only sudo's question: the shell it starts is
// connected, by three named pipes in a private directory, to a second session
// that has no terminal, and behaves like any other. The shell removes the
// directory once it is connected; if it never is, the bridge does, opening the
// pipes so that nothing waits for them for ever.
func startPtyProc(ctx context.Context, client *xssh.Client, t Target, st *stats) (*proc, error) {
	nonce := newNonce()
	bridge := "exec /bin/sh -c 'umask 077; d=$(mktemp -d \"${TMPDIR:-/tmp}/.ferry.XXXXXXXXXX\") && mkfifo $d/i $d/o $d/e || exit 1; " +
		"(sleep 30; if [ -d $d ]; then : <>$d/i; : <>$d/o; : <>$d/e; rm -rf $d; fi) </dev/null >/dev/null 2>&1 & " +
		"echo " + nonce + ".d $d; cat $d/o & cat $d/e >&2 & exec cat >$d/i'"
	data, err := openSession(ctx, client, bridge, false, st)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, data.close)
	defer stop()
	dir, err := bridgeDir(data, nonce)
	if err != nil {
		data.close()
		return nil, err
	}
	redirect := fmt.Sprintf("exec <%s/i >%s/o 2>%s/e; rm -rf %s; ", dir, dir, dir, dir)
	run, err := openSession(ctx, client, becomeCommand(t, nonce, redirect), true, st)
	if err != nil {
		data.close()
		return nil, err
	}
	return awaitProc(ctx, run, data, t, nonce, st)
}

// bridgeDir reads the directory the bridge made. It reads byte by byte: what
// follows belongs to the shell.
func bridgeDir(s *session, nonce string) (string, error) {
	var line []byte
	b := make([]byte, 1)
	for total := 0; total < 1<<20; total++ {
		if _, err := s.stdout.Read(b); err != nil {
			return "", &startError{reason: errNoShell, said: strings.TrimSpace(string(line))}
		}
		if b[0] != '\n' {
			line = append(line, b[0])
			continue
		}
		if i := strings.Index(string(line), nonce+".d "); i >= 0 {
			dir := string(line[i+len(nonce)+3:])
			if !strings.HasPrefix(dir, "/") || !strings.Contains(dir, "/.ferry.") || strings.ContainsAny(dir, " '\"\\$`;&|<>()") {
				return "", fmt.Errorf("the host made an unusable temporary directory %q", dir)
			}
			return dir, nil
		}
		line = line[:0]
	}
	return "", &startError{reason: errNoShell, said: "the login prints without end"}
}
