package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// packages are what the contenders are, from this machine's own apt sources.
var packages = []string{"ansible-core", "ansible-mitogen", "clustershell", "openssh-server", "openssh-client"}

// install installs what is missing.
func install(ctx context.Context, log func(string, ...any)) error {
	if os.Geteuid() != 0 {
		return errors.New("the benchmark boots lab hosts and installs packages, so it must be run as root: sudo make bench")
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return errors.New("there is no apt-get: the benchmark needs Debian (the contenders are Debian's own packages)")
	}
	var missing []string
	for _, p := range packages {
		out, err := exec.CommandContext(ctx, "dpkg-query", "-W", "-f", "${db:Status-Status}", p).Output()
		if err != nil || string(out) != "installed" {
			missing = append(missing, p)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	log("installing %s", strings.Join(missing, " "))
	args := append([]string{"-qq", "-y", "--no-install-recommends", "install"}, missing...)
	var text []byte
	for _, argv := range [][]string{args, {"-qq", "update"}, args} { // a list that is fresh enough need not be fetched
		cmd := exec.CommandContext(ctx, "apt-get", argv...) //nolint:gosec // names above
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		out, err := cmd.CombinedOutput()
		if err == nil && argv[len(argv)-1] != "update" {
			return nil
		}
		text = out
	}
	return fmt.Errorf("apt-get could not install %s; look at its sources (/etc/apt). It said: %s", strings.Join(missing, " "), tail(string(text), 800))
}
