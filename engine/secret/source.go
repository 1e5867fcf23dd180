package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

const (
	sourceLimit   = 64 << 10 // of a passphrase, in bytes
	sourceTimeout = time.Minute
)

// readSource returns what a file holds or, if it is executable, prints. A pipe
// that nobody writes to and a program that does not end are given up after a
// minute. The text is returned as it is, with its line break.
func readSource(path string, args ...string) (Text, error) {
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return Text{}, fmt.Errorf("there is no file %s", path)
	case err != nil:
		return Text{}, err
	case st.IsDir():
		return Text{}, fmt.Errorf("%s is a directory, not a file", path)
	}
	var out []byte
	if st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
		out, err = runSource(path, args)
	} else {
		out, err = readLimited(path)
	}
	switch {
	case err != nil:
		return Text{}, err
	case len(out) > sourceLimit:
		return Text{}, fmt.Errorf("%s gives more than %d KiB, which is no passphrase", path, sourceLimit>>10)
	case len(bytes.TrimSpace(out)) == 0:
		return Text{}, fmt.Errorf("%s gives an empty passphrase", path)
	}
	return NewText(string(out)), nil
}

func readLimited(path string) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() { // a FIFO may block for ever; <(command) of a shell is one that does not
		f, err := os.Open(path)
		if err != nil {
			done <- result{nil, err}
			return
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, sourceLimit+1))
		done <- result{b, err}
	}()
	timer := time.NewTimer(sourceTimeout)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.data, r.err
	case <-timer.C:
		return nil, fmt.Errorf("nothing could be read from %s within %s", path, sourceTimeout)
	}
}

func runSource(path string, args []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), sourceTimeout)
	defer cancel()
	if !strings.ContainsRune(path, os.PathSeparator) {
		path = "." + string(os.PathSeparator) + path // never a program of $PATH
	}
	cmd := exec.CommandContext(ctx, path, args...)
	var out, errs capped
	out.limit, errs.limit = sourceLimit+1, 2<<10
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("the program %s did not end within %s", path, sourceTimeout)
	case err != nil:
		said := strings.TrimSpace(string(errs.buf))
		if said != "" {
			said = "; it said: " + said
		}
		return nil, fmt.Errorf("the program %s failed (%w)%s", path, err, said)
	}
	return out.buf, nil
}

// capped keeps the first bytes written to it.
type capped struct {
	buf   []byte
	limit int
}

func (c *capped) Write(p []byte) (int, error) {
	c.buf = append(c.buf, p[:min(len(p), c.limit-len(c.buf))]...)
	return len(p), nil
}
