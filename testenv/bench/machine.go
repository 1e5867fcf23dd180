package main

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"github.com/ferry-ops/ferry/testenv/bench/report"
)

// describe says what this machine is.
func describe() report.Machine {
	m := report.Machine{Cores: runtime.NumCPU(), CPU: field("/proc/cpuinfo", "model name"), System: strings.Trim(field("/etc/os-release", "PRETTY_NAME"), `"`)}
	kb, _ := strconv.ParseInt(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"), 10, 64)
	m.MemoryMB = kb / 1024
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(b))
	}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _, _ = strings.Cut(string(b), " ")
	}
	return m
}

// field reads "name : value" or "name=value".
func field(file, name string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if i := strings.IndexAny(line, ":="); i > 0 && strings.TrimSpace(line[:i]) == name {
			return strings.TrimSpace(line[i+1:])
		}
	}
	return ""
}

// versions of everything that takes part.
func versions(ctx context.Context, ferryBin string) map[string]string {
	out := map[string]string{"Go": strings.TrimPrefix(runtime.Version(), "go")}
	for _, p := range packages {
		if b, err := exec.CommandContext(ctx, "dpkg-query", "-W", "-f", "${Version}", p).Output(); err == nil {
			out[p] = string(b)
		}
	}
	if b, err := exec.CommandContext(ctx, ferryBin, "version").Output(); err == nil {
		out["ferry"], _, _ = strings.Cut(strings.TrimPrefix(string(b), "ferry "), " ")
	}
	if b, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output(); err == nil {
		out["ferry"] = strings.TrimSpace(out["ferry"] + " (commit " + strings.TrimSpace(string(b)) + ")")
	}
	return out
}
