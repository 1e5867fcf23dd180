//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// maxMemory bounds what ferry may take for any input, in bytes resident.
const maxMemory = 1 << 30

// badFile makes a file that is none of what anybody would write.
type badFile func(t *testing.T, path string)

func content(s string) badFile {
	return func(t *testing.T, path string) { write(t, path, s) }
}

func write(t *testing.T, path, s string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
		t.Fatal(err)
	}
}

func link(to string) badFile {
	return func(t *testing.T, path string) {
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
	}
}

func fifo(t *testing.T, path string) {
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}

func directory(t *testing.T, path string) {
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

// big is 100 MB of the text again and again, big zeros take no space.
func big(text string) badFile {
	return func(t *testing.T, path string) { write(t, path, strings.Repeat(text, 100_000_000/len(text))) }
}

func zeros(t *testing.T, path string) {
	write(t, path, "")
	if err := os.Truncate(path, 100_000_000); err != nil {
		t.Fatal(err)
	}
}

// anywhere are files that are wrong whatever reads them.
var anywhere = map[string]badFile{
	"fifo": fifo, "directory": directory, "zeros": zeros, "endless": link("/dev/zero"), "random": link("/dev/urandom"), "dangling": link("nowhere"), "itself": link("self"),
	"nul": content("a\x00b = 1\n"), "utf8": content("a = \"\xff\xfe\"\n"),
}

// hclFiles are wrong as HCL.
var hclFiles = map[string]badFile{
	"brackets": content("a = " + strings.Repeat("[", 100_000)), "blocks": content(strings.Repeat("a {\n", 100_000)), "calls": content("a = " + strings.Repeat("f(", 100_000)),
	"not": content("a = " + strings.Repeat("!", 3_000_000) + "true\n"), "sum": content("a = 1" + strings.Repeat("+1", 2_000_000) + "\n"),
	"templates": content("a = " + strings.Repeat(`"${`, 100_000)), "ifs": content("a = \"" + strings.Repeat("%{if true}", 500_000) + "\"\n"),
	"conditions": content("a = " + strings.Repeat("true ? 1 : ", 500_000) + "1\n"), "dense": content("a = [" + strings.Repeat("1,", 4_000_000) + "]\n"),
	"large": big("a = 1 # comment\n"), "quotes": content(strings.Repeat("\"", 3_000_000)), "heredoc": content("a = <<E\n" + strings.Repeat("x\n", 1_000_000)),
	"one line": content("a = \"" + strings.Repeat("x", 7_000_000) + "\n"),
}

// evaluated are expressions that cost more than they look.
var evaluated = map[string]string{
	"file of zeros":   `file("/dev/zero")`,
	"file of a fifo":  `file("fifo")`,
	"base64 of zeros": `filebase64("/dev/zero")`,
	"template":        `templatefile("/dev/zero", {})`,
	"wide number":     `format("%1000000000d", 1)`,
	"precise number":  `format("%.1000000000f", 1)`,
	"long number":     `"${1e999999999}"`,
	"small number":    `"${1e-999999999}"`,
	"json number":     `jsonencode(1e999999999)`,
	"power":           `tostring(pow(10, 1000000000))`,
	"range":           `range(0, 1e12)`,
	"indent":          `indent(1000000000, "a\nb")`,
	"regexp":          `regex("` + strings.Repeat("(", 100_000) + `", "x")`,
	"repetition":      `regex("((((a{100}){100}){100}){100})", "x")`,
	"json":            `jsondecode("` + strings.Repeat("[", 100_000) + `")`,
	"product":         `setproduct(range(1000), range(1000), range(1000), range(1000))`,
}

func TestBadInput(t *testing.T) {
	if raced {
		t.Skip("memory is measured, and the race detector takes many times as much; without it, this test runs")
	}
	type input struct {
		name string
		args []string
		make func(t *testing.T, dir string)
		fine bool // that it is accepted, as long as it costs little
	}
	var all []input
	add := func(name string, f badFile, file string, args ...string) {
		all = append(all, input{name: name, args: args, fine: strings.HasPrefix(name, "expression ") || strings.HasPrefix(name, "value "),
			make: func(t *testing.T, dir string) { f(t, filepath.Join(dir, file)) }})
	}
	for name, f := range anywhere {
		add("playbook "+name, f, "bad.hcl", "validate", "bad.hcl")
		add("var file "+name, f, "bad.hcl", "validate", "ok.hcl", "--var-file", "bad.hcl")
		if name != "directory" {
			add("fmt "+name, f, "bad.hcl", "fmt", "bad.hcl")
		}
		add("limit "+name, f, "bad", "run", "ok.hcl", "-i", "hosts", "--limit", "@bad")
		for _, ext := range []string{".hcl", ".ini", ".yml", ".json", ""} {
			if name == "directory" {
				continue // an empty inventory
			}
			add("inventory "+ext+" "+name, f, "bad"+ext, "inventory", "list", "-i", "bad"+ext)
		}
		if name == "directory" || name == "dangling" {
			continue
		}
		add("group_vars "+name, f, "group_vars/all.yml", "inventory", "list", "-i", "hosts")
		add("ssh config "+name, f, "home/.ssh/config", "exec", "-i", "hosts", "all", "--", "true")
		add("recorded facts "+name, f, ".ferry/facts.json", "inventory", "list", "-i", "facts.hcl")
	}
	for name, f := range hclFiles {
		add("playbook "+name, f, "bad.hcl", "validate", "bad.hcl")
		add("var file "+name, f, "bad.hcl", "validate", "ok.hcl", "--var-file", "bad.hcl")
		add("fmt "+name, f, "bad.hcl", "fmt", "--check", "bad.hcl")
		add("inventory "+name, f, "bad.hcl", "inventory", "list", "-i", "bad.hcl")
		add("host_vars "+name, f, "host_vars/web.hcl", "inventory", "list", "-i", "hosts")
	}
	for name, expr := range evaluated {
		add("expression "+name, content("play \"p\" {\n  hosts = \"all\"\n  task \"print\" \"p\" {\n    when  = length(try("+expr+", [])) < 0\n    value = "+expr+"\n  }\n}\n"), "bad.hcl", "validate", "bad.hcl")
		add("value "+name, content("a = "+expr+"\n"), "bad.hcl", "validate", "ok.hcl", "--var-file", "bad.hcl")
	}
	add("yaml bomb", content(yamlBomb()), "bad.yml", "inventory", "list", "-i", "bad.yml")
	add("yaml depth", content("a: "+strings.Repeat("[", 100_000)), "bad.yml", "inventory", "list", "-i", "bad.yml")
	add("yaml flow maps", content(strings.Repeat("{a: ", 100_000)), "bad.yml", "inventory", "list", "-i", "bad.yml")
	add("yaml large", big("a: {hosts: {x: {}}}\n"), "bad.yml", "inventory", "list", "-i", "bad.yml")
	add("yaml number", content("web:\n  hosts:\n    a: {x: 1e999999999, y: 1.0e+999999999, z: 0x"+strings.Repeat("f", 1_000_000)+"}\n"), "bad.yml", "inventory", "list", "nothere", "-i", "bad.yml")
	add("json depth", content(strings.Repeat(`{"a":`, 100_000)), "bad.json", "inventory", "list", "-i", "bad.json")
	add("json number", content(`{"_meta":{"hostvars":{"a":{"x":1e999999999}}},"g":["a"]}`), "bad.json", "inventory", "list", "nothere", "-i", "bad.json")
	add("ini range", content("h[1:999999999]\n"), "bad.ini", "inventory", "list", "-i", "bad.ini")
	add("ini ranges", content(strings.Repeat("h[0:9]", 20)+"\n"), "bad.ini", "inventory", "list", "-i", "bad.ini")
	add("ini large", big("[web]\nhost a=1\n"), "bad.ini", "inventory", "list", "-i", "bad.ini")
	add("ssh config large", big("Host a\n  HostName b\n"), "bad", "inventory", "list", "-i", "bad")
	add("hcl range", content("host \"h[1:999999999]\" {}\n"), "bad.hcl", "inventory", "list", "-i", "bad.hcl")
	add("groups in a circle", content("[a:children]\nb\n[b:children]\na\n"), "bad.ini", "inventory", "list", "-i", "bad.ini")
	add("flooding program", func(t *testing.T, path string) {
		if err := os.WriteFile(path, []byte("#!/bin/sh\nexec yes '{'\n"), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}, "bad", "inventory", "list", "-i", "bad")
	for name, pattern := range map[string]string{
		"long": strings.Repeat("a", 100_000), "brackets": "~" + strings.Repeat("(", 30_000), "glob": strings.Repeat("[", 60_000), "slice": "web[1:99999999999999999999]",
		"operators": strings.Repeat("!", 60_000), "repetition": "~((((a{100}){100}){100}){100})", "nul": "web\x01\x02", "utf8": "\xff\xfe",
	} {
		all = append(all, input{name: "pattern " + name, args: []string{"inventory", "list", "-i", "hosts", "--", pattern}, make: func(*testing.T, string) {}})
	}
	include := func(text string) badFile { return content(text) }
	add("ssh config includes itself", include("Include config\n"), "home/.ssh/config", "exec", "-i", "hosts", "all", "--", "true")
	add("ssh config large", big("Host a\n  HostName b\n"), "home/.ssh/config", "exec", "-i", "hosts", "all", "--", "true")
	add("ssh config match", include("Match exec \"true\"\n  User x\n"), "home/.ssh/config", "exec", "-i", "hosts", "all", "--", "true")

	for _, in := range all {
		t.Run(in.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, d := range []string{"home/.ssh", "group_vars", "host_vars", ".ferry"} {
				if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			write(t, filepath.Join(dir, "ok.hcl"), "variable \"a\" { default = 1 }\nplay \"p\" {\n  hosts = \"all\"\n  task \"print\" \"p\" { value = var.a }\n}\n")
			write(t, filepath.Join(dir, "hosts"), "web ansible_host=127.0.0.1 ansible_port=1\n")
			write(t, filepath.Join(dir, "facts.hcl"), "host \"web\" {}\nconstructed \"x\" { when = facts.os_id == \"x\" }\n")
			fifo(t, filepath.Join(dir, "fifo"))
			in.make(t, dir)
			refused(t, dir, in.args, in.fine)
		})
	}
}

// refused runs ferry, which must end soon, with a message, in little memory.
func refused(t *testing.T, dir string, args []string, fine bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ferry", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+filepath.Join(dir, "home"), "NO_COLOR=1", "SSH_AUTH_SOCK=", "GOMAXPROCS=2")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if ctx.Err() != nil {
		t.Fatal("it does not end")
	}
	code := cmd.ProcessState.ExitCode()
	if code != 1 && code != 4 && code != 10 && !(fine && code == 0) {
		t.Errorf("exit code %d", code)
	}
	said := errs.String() + out.String()
	if strings.Contains(said, "goroutine ") || strings.Contains(said, "panic") {
		t.Errorf("it crashed: %.2000s", said)
	}
	if !strings.Contains(said, "Error:") && code != 4 && code != 0 {
		t.Errorf("no message: %.500s", said)
	}
	if len(said) > 100_000 {
		t.Errorf("%d bytes of messages", len(said))
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok || usage.Maxrss*1024 > maxMemory {
		t.Errorf("it took %d MiB", usage.Maxrss>>10)
	}
}

func yamlBomb() string {
	var b strings.Builder
	b.WriteString("a: &a [x,x,x,x,x,x,x,x,x,x]\n")
	for c := 'b'; c <= 'j'; c++ {
		fmt.Fprintf(&b, "%c: &%c [%s*%c]\n", c, c, strings.Repeat(fmt.Sprintf("*%c,", c-1), 9), c-1)
	}
	return b.String()
}
