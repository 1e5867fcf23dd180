package lab

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// kernelLimits are what every systemd takes a share of. The kernel's defaults
// are meant for one, and a lab boots many.
var kernelLimits = map[string]int{
	"/proc/sys/fs/inotify/max_user_instances": 8192,
	"/proc/sys/fs/inotify/max_user_watches":   524288,
	"/proc/sys/kernel/keys/maxkeys":           20000,
}

// raiseLimits raises the limits that are too low; it lowers none.
func raiseLimits() error {
	for path, want := range kernelLimits {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // a kernel without this limit
		}
		if have, err := strconv.Atoi(strings.TrimSpace(string(text))); err != nil || have >= want {
			continue
		}
		if err := os.WriteFile(path, []byte(strconv.Itoa(want)), 0); err != nil {
			return fmt.Errorf("%s is too low for many hosts and cannot be raised to %d: %w", path, want, err)
		}
	}
	return nil
}
