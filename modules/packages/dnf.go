package packages

import (
	"context"
	"fmt"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
)

// manager finds the package manager of a host. Modules that need what only dnf
// has pass needDNF with the reason.
func manager(ctx context.Context, r host.Reader, needDNF string) (string, error) {
	f, err := r.Facts(ctx, "package_manager")
	if err != nil {
		return "", err
	}
	m := f.String("package_manager")
	if m == "dnf" || m != "" && needDNF == "" {
		return m, nil
	}
	if f, err = r.Facts(ctx, "os_name"); err != nil { // only for the message: it costs the host processes
		return "", err
	}
	if m == "" {
		return "", fmt.Errorf("the host (%s) has neither dnf nor yum, so packages cannot be managed", f.String("os_name"))
	}
	return "", fmt.Errorf("the host (%s) has %s, and %s. Install dnf first, for example from the EPEL repository:\n    task \"package\" \"dnf\" { names = [\"dnf\"] }", f.String("os_name"), m, needDNF)
}

// repoArgs limits a command to some repositories; with none it leaves the
// host's choice.
func repoArgs(repos []string) []string {
	if len(repos) == 0 {
		return nil
	}
	args := []string{"--disablerepo=*"}
	for _, r := range repos {
		args = append(args, "--enablerepo="+r)
	}
	return args
}

// runJob runs package commands detached and fails with the end of the log if
// the script does. What names the work in the error.
func runJob(ctx context.Context, h host.Host, what string, j host.Job) (host.JobResult, error) {
	res, err := h.Job(ctx, j)
	if err != nil {
		return res, err
	}
	if res.Code != 0 {
		return res, fmt.Errorf("%s failed with exit code %d. Its log, kept on the host in /var/lib/ferry/jobs, ends with:\n%s", what, res.Code, logTail(res.Log, 15))
	}
	return res, nil
}

func logTail(log []byte, n int) string {
	lines := strings.Split(strings.TrimRight(string(log), "\n"), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return "    " + strings.Join(lines, "\n    ")
}

// shellLine quotes argv for a job's script.
func shellLine(argv ...string) string { return host.QuoteArgv(argv) + "\n" }
