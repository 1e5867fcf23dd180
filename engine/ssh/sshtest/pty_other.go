//go:build !linux

package sshtest

import "os/exec"

// runPty is not to be had here.
func runPty(*process, *exec.Cmd) int { return 255 }
