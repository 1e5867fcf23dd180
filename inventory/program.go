package inventory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/ferry-ops/ferry/engine/diag"
)

// readProgram runs an inventory program with --list and reads the JSON it
// prints. If that has no _meta, the program is asked for each host with
// --host, as Ansible does.
func (l *loader) readProgram(ctx context.Context, path string) {
	out, d := l.runProgram(ctx, path, "--list")
	if d != nil {
		l.b.report(d)
		return
	}
	src := source{name: path + " --list", data: out, dirs: dirs{base: filepath.Dir(path), home: l.o.Home}}
	l.b.set.AddSource(src.name, src.data)
	if d := checkTokens(src); d != nil {
		l.b.report(d)
		return
	}
	n, d := parseJSON(src)
	if d != nil {
		l.b.report(d)
		return
	}
	if n == nil || n.kind != nodeMap {
		l.b.report(diag.Errorf("Invalid output of inventory program", &hcl.Range{Filename: path}, "The inventory program %s must print a JSON object of groups when called with --list. See what it prints:\n    %s --list", path, path))
		return
	}
	r := &treeReader{b: l.b, base: src.dirs}
	r.listing(n)
	if !isListOutput(n) {
		l.askHosts(ctx, path, r, r.order)
	}
}

func (l *loader) askHosts(ctx context.Context, path string, r *treeReader, hosts []*Host) {
	for _, h := range hosts {
		out, d := l.runProgram(ctx, path, "--host", h.Name)
		if d != nil {
			l.b.report(d)
			return
		}
		src := source{name: path + " --host " + h.Name, data: out, dirs: r.base}
		n, d := parseJSON(src)
		if d != nil {
			l.b.report(d)
			return
		}
		r.vars(n, fmt.Sprintf("What the inventory program prints for the host %q", h.Name), &h.inline)
	}
}

func (l *loader) runProgram(ctx context.Context, path string, args ...string) ([]byte, *hcl.Diagnostic) {
	at := &hcl.Range{Filename: path}
	command := path + " " + strings.Join(args, " ")
	abs, err := filepath.Abs(path) // a name without a slash would be searched in PATH
	if err != nil {
		return nil, cannotRead(path, err)
	}
	ctx, cancel := context.WithTimeout(ctx, l.o.ProgramTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, abs, args...)
	killGroup(cmd)
	cmd.WaitDelay = 2 * time.Second // a child that got away may hold the pipes open
	stdout, stderr := &limitedBuffer{limit: maxFileSize, full: cancel}, &limitedBuffer{limit: 8 << 10}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err = cmd.Run()
	said := ""
	if s := strings.TrimSpace(stderr.buf.String()); s != "" {
		said = " It said:\n    " + strings.ReplaceAll(s, "\n", "\n    ")
	}
	var exit *exec.ExitError
	switch {
	case stdout.over:
		return nil, diag.Errorf("Inventory program prints too much", at, "The inventory program printed more than %d MiB and was stopped. See what it prints:\n    %s | head", maxFileSize>>20, command)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, diag.Errorf("Inventory program too slow", at, "The inventory program did not end within %s and was stopped. Try it:\n    %s%s", l.o.ProgramTimeout, command, said)
	case err != nil && errors.As(err, &exit):
		return nil, diag.Errorf("Inventory program failed", at, "The inventory program failed: %s. Try it:\n    %s\n%s", exit, command, strings.TrimSpace(said))
	case err != nil:
		return nil, diag.Errorf("Inventory program cannot be run", at, "The file is executable, so it is run as an inventory program, but that is not possible: %s. If it is a program, its first line must name its interpreter, such as #!/bin/sh. If it is an inventory file, take the mode away:\n    chmod -x %s", err, path)
	}
	return stdout.buf.Bytes(), nil
}

// limitedBuffer keeps the first bytes that are written to it. (It does not
// embed its buffer, whose ReadFrom would know no limit.)
type limitedBuffer struct {
	buf   bytes.Buffer
	limit int
	over  bool
	full  func() // called once there is more
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	room := b.limit - b.buf.Len()
	b.buf.Write(p[:min(room, len(p))])
	if len(p) > room && !b.over {
		b.over = true
		if b.full != nil {
			b.full()
		}
	}
	return len(p), nil
}
