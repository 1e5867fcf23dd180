package meter

import (
	"context"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Cost is what one run took. Memory is the peak over all processes together,
// in bytes; -1 says that it is not known. The hosts' figures are of all hosts together, and their memory
// is what came on top of what they had before.
type Cost struct {
	Wall       time.Duration `json:"wall_ns"`
	CPU        time.Duration `json:"controller_cpu_ns"`
	Memory     int64         `json:"controller_memory_bytes"`
	HostCPU    time.Duration `json:"hosts_cpu_ns"`
	HostMemory int64         `json:"hosts_memory_bytes"`
}

// sampling is how often memory is looked at; time and CPU are exact.
const sampling = 20 * time.Millisecond

// Run runs a command to its end and returns what it printed on both streams.
// Whatever it leaves running (connections that ssh keeps open) is killed. If
// ctx ends, so does the command. group and hosts may be nil.
func Run(ctx context.Context, cmd *exec.Cmd, group *Group, hosts *Hosts) (Cost, string, error) {
	cost := Cost{Memory: -1, HostMemory: -1}
	// A file, because a pipe would be waited for as long as anything in the background holds it open.
	out, err := os.CreateTemp("", "bench-output-")
	if err != nil {
		return cost, "", err
	}
	defer func() { _ = out.Close(); _ = os.Remove(out.Name()) }()
	argv := cmd.Args
	if group != nil {
		argv = group.enter(argv)
	}
	run := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // what the caller names
	run.Env, run.Dir, run.Stdout, run.Stderr = cmd.Env, cmd.Dir, out, out
	run.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt at the terminal is for the benchmark, which ends what it started
	run.Cancel = func() error { return syscall.Kill(-run.Process.Pid, syscall.SIGKILL) }

	before := read(group, hosts)
	start := time.Now()
	if err := run.Start(); err != nil {
		return cost, "", err
	}
	stop, peaks := make(chan struct{}), make(chan usage)
	go watch(group, hosts, stop, peaks)
	err = run.Wait()
	cost.Wall = time.Since(start)
	close(stop)
	peak, after := <-peaks, read(group, hosts)
	if group != nil {
		cost.CPU, cost.Memory = after.cpu-before.cpu, peak.mem
		if kerr := group.Kill(); err == nil {
			err = kerr
		}
	} else if run.ProcessState != nil {
		cost.CPU = run.ProcessState.UserTime() + run.ProcessState.SystemTime()
		if u, ok := run.ProcessState.SysUsage().(*syscall.Rusage); ok {
			cost.Memory = u.Maxrss << 10 // of the largest process
		}
	}
	if hosts != nil {
		cost.HostCPU = after.hostCPU - before.hostCPU
		if before.hostMem >= 0 {
			cost.HostMemory = max(0, peak.hostMem-before.hostMem)
		}
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	text, rerr := os.ReadFile(out.Name())
	if err == nil {
		err = rerr
	}
	return cost, string(text), err
}

// usage is what the counters show at one moment.
type usage struct {
	cpu, hostCPU time.Duration
	mem, hostMem int64
}

func read(group *Group, hosts *Hosts) usage {
	u := usage{mem: -1, hostMem: -1}
	if group != nil {
		u.cpu, u.mem = group.CPU(), group.Memory()
	}
	if hosts != nil {
		u.hostCPU, u.hostMem = hosts.CPU(), hosts.Memory()
	}
	return u
}

// watch looks at the memory again and again and in the end sends the peaks.
func watch(group *Group, hosts *Hosts, stop <-chan struct{}, peaks chan<- usage) {
	peak := usage{mem: -1, hostMem: -1}
	t := time.NewTicker(sampling)
	defer t.Stop()
	for {
		if group != nil {
			peak.mem = max(peak.mem, group.Memory())
		}
		if hosts != nil {
			peak.hostMem = max(peak.hostMem, hosts.Memory())
		}
		select {
		case <-stop:
			peaks <- peak
			return
		case <-t.C:
		}
	}
}
