package distro

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Needs are the commands the lab runs on this machine and the Debian packages
// that bring them.
var Needs = []struct{ Command, Package string }{
	{"mmdebstrap", "mmdebstrap"},
	{"systemd-nspawn", "systemd-container"},
	{"createrepo_c", "createrepo-c"},
	{"ip", "iproute2"},
	{"gpgv", "gpgv"},
	{"ssh", "openssh-client"},
	{"ssh-keygen", "openssh-client"},
	{"nsenter", "util-linux"},
	{"curl", "curl"}, // of the demo
}

// EnsureNeeds installs the Debian packages the lab needs and that are missing.
func EnsureNeeds(ctx context.Context, log func(format string, args ...any)) error {
	var missing []string
	for _, n := range Needs {
		if _, err := exec.LookPath(n.Command); err != nil {
			missing = append(missing, n.Package)
		}
	}
	if os.Geteuid() != 0 {
		return errors.New("the lab must run as root: it boots hosts with systemd-nspawn and makes network namespaces; run it with sudo")
	}
	if len(missing) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("the lab needs %s and this machine has no apt-get to install them; the lab runs on Debian", strings.Join(missing, ", "))
	}
	log("installing %s", strings.Join(missing, " "))
	if err := run(ctx, "apt-get", "-qq", "update"); err != nil {
		return fmt.Errorf("cannot refresh apt's lists; check the machine's network and apt configuration: %w", err)
	}
	args := append([]string{"-qq", "-y", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0", "install"}, missing...)
	if err := run(ctx, "apt-get", args...); err != nil {
		return fmt.Errorf("cannot install what the lab needs (%s): %w", strings.Join(missing, ", "), err)
	}
	return nil
}

// run runs a command and puts the end of what it printed into the error.
func run(ctx context.Context, name string, args ...string) error {
	return finish(exec.CommandContext(ctx, name, args...))
}

func finish(cmd *exec.Cmd) error {
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", cmd.Args[0], strings.Join(cmd.Args[1:], " "), err, tail(out))
	}
	return nil
}

func tail(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(bytes.ToValidUTF8(out, []byte("?")))), "\n")
	if len(lines) > 6 {
		lines = lines[len(lines)-6:]
	}
	return strings.Join(lines, " | ")
}
