package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"time"
)

// profile writes what the program spends its time and memory on into a
// directory, for those who work on ferry: cpu.pprof over its whole life,
// heap.pprof and goroutine.pprof of the moment when most memory was in use.
func profile(dir string) (stop func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	cpu, err := os.Create(filepath.Join(dir, "cpu.pprof"))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, err
	}
	end, ended := make(chan struct{}), make(chan error)
	go func() { ended <- watchMemory(dir, end) }()
	return func() error {
		pprof.StopCPUProfile()
		close(end)
		if err := <-ended; err != nil {
			return fmt.Errorf("the memory profile cannot be written: %w", err)
		}
		return cpu.Close()
	}, nil
}

// watchMemory writes the profiles again whenever clearly more memory is in use.
func watchMemory(dir string, end <-chan struct{}) error {
	var most uint64
	for {
		select {
		case <-end:
			return nil
		case <-time.After(300 * time.Millisecond):
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if m.HeapInuse+m.StackInuse < most+most/10 {
			continue
		}
		most = m.HeapInuse + m.StackInuse
		text := fmt.Sprintf("heap %d MB, stacks %d MB, from the system %d MB\n", m.HeapInuse>>20, m.StackInuse>>20, m.Sys>>20)
		if err := os.WriteFile(filepath.Join(dir, "memory.txt"), []byte(text), 0o600); err != nil {
			return err
		}
		for _, name := range []string{"heap", "goroutine"} {
			f, err := os.Create(filepath.Join(dir, name+".pprof"))
			if err != nil {
				return err
			}
			if err := pprof.Lookup(name).WriteTo(f, 0); err != nil {
				return err
			}
			if err := f.Close(); err != nil {
				return err
			}
		}
	}
}
