package ssh_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/ssh"
	xssh "golang.org/x/crypto/ssh"
)

// TestOpenSSH runs against the real thing, where it is installed.
func TestOpenSSH(t *testing.T) {
	sshd, err := exec.LookPath("/usr/sbin/sshd")
	if err != nil {
		t.Skip("SKIPPED, nothing was tested against OpenSSH: install openssh-server")
	}
	if os.Getuid() != 0 {
		t.Skip("SKIPPED, nothing was tested against OpenSSH: sshd needs root")
	}
	dir := t.TempDir()
	for p := dir; p != "/"; p = filepath.Dir(p) { // sshd wants to reach the key file as the user
		if err := os.Chmod(p, 0o755); err != nil && filepath.Dir(p) != "/" {
			break
		}
		if filepath.Dir(p) == os.TempDir() {
			break
		}
	}
	id, pub := identity(t, "")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-N", "", "-t", kind, "-f", filepath.Join(dir, kind)).CombinedOutput(); err != nil {
			t.Skipf("SKIPPED: ssh-keygen: %s", out)
		}
	}
	keys := filepath.Join(dir, "authorized_keys")
	config := filepath.Join(dir, "sshd_config")
	text := fmt.Sprintf("Port %d\nListenAddress 127.0.0.1\nHostKey %[2]s/rsa\nHostKey %[2]s/ecdsa\nHostKey %[2]s/ed25519\nAuthorizedKeysFile %[3]s\n"+
		"PidFile none\nStrictModes no\nPermitRootLogin yes\nUsePAM no\nSubsystem sftp internal-sftp\n", port, dir, keys)
	for name, content := range map[string]string{config: text, keys: string(xssh.MarshalAuthorizedKey(pub))} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil { //nolint:gosec // sshd reads it
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { //nolint:gosec // sshd's own
		t.Skipf("SKIPPED: %v", err)
	}
	var log bytes.Buffer
	cmd := exec.Command(sshd, "-D", "-e", "-f", config) //nolint:gosec // a test
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("sshd: %s", log.String())
		}
	})
	tg := ssh.Target{Name: "real", Address: "127.0.0.1", Port: port, User: me.Username, IdentityFiles: []string{id},
		KnownHosts: []string{filepath.Join(dir, "known_hosts")}, HostKeyPolicy: ssh.AcceptNew, ConnectTimeout: time.Minute}
	if _, err := exec.LookPath("sudo"); err == nil {
		tg.Become, tg.BecomeUser = true, "nobody"
	}
	for range 1000 {
		if c, err := net.Dial("tcp", tg.Address+fmt.Sprint(":", port)); err == nil {
			_ = c.Close()
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	start := time.Now()
	c := dial(t, tg)
	login := time.Since(start)
	types, err := c.RecordHostKeys(t.Context())
	if err != nil || len(types) != 3 {
		t.Errorf("host keys %q, %v", types, err)
	}
	if tg.Become {
		if res := run(t, c, sh("id -un; exit 4")); string(res.Stdout) != "nobody\n" || res.Code != 4 {
			t.Errorf("%+v", res)
		}
	}
	start = time.Now()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { run(t, c, host.Command{Argv: []string{"/bin/true"}, ReadOnly: true}) })
	}
	wg.Wait()
	t.Logf("login and sudo %s, 50 commands %s, %+v", login, time.Since(start), c.Stats())
	tg.Become = false
	plain := dial(t, tg)
	data := make([]byte, 6<<20)
	_, _ = rand.Read(data)
	for _, conn := range []*ssh.Conn{plain, c} {
		path := filepath.Join(os.TempDir(), fmt.Sprintf("ferry-test-%d-%p", os.Getpid(), conn))
		t.Cleanup(func() { _ = os.Remove(path) })
		start = time.Now()
		if err := conn.Upload(t.Context(), path, bytes.NewReader(data), int64(len(data))); err != nil {
			t.Fatal(err)
		}
		var back bytes.Buffer
		if err := conn.Download(t.Context(), path, &back); err != nil || !bytes.Equal(back.Bytes(), data) {
			t.Errorf("%d bytes, %v", back.Len(), err)
		}
		t.Logf("6 MiB there and back in %s", time.Since(start))
	}
	// Another user, with an environment and a hidden script.
	res := run(t, plain, host.Command{Argv: []string{"sh", "-c", "id -un; echo $A; cat"}, User: "nobody", Sensitive: true,
		Env: map[string]string{"A": "x y"}, Stdin: []byte("in")})
	if string(res.Stdout) != "nobody\nx y\nin" {
		t.Errorf("%+v", res)
	}
}

func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
