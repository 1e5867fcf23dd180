package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ferry-ops/ferry/engine/ssh/sshtest"
)

// world is what one script has: its hosts and what they looked like.
type world struct {
	work  string
	env   *testscript.Env
	hosts map[string]*hostOf
	order []string
	snaps map[string]string
}

type hostOf struct {
	s     *sshtest.Server
	flags map[string]string
}

type worldKey struct{}

func setup(env *testscript.Env) error {
	w := &world{work: env.WorkDir, env: env, hosts: map[string]*hostOf{}, snaps: map[string]string{}}
	env.Values[worldKey{}] = w
	home := filepath.Join(env.WorkDir, "home")
	env.Setenv("HOME", home)
	env.Setenv("NO_COLOR", "1")
	env.Setenv("SSH_AUTH_SOCK", "")
	env.Defer(func() {
		for _, h := range w.hosts {
			h.s.Close()
		}
	})
	return os.MkdirAll(home, 0o700)
}

func of(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

func (w *world) host(ts *testscript.TestScript, name string) *sshtest.Server {
	h := w.hosts[name]
	if h == nil {
		ts.Fatalf("there is no host %q", name)
	}
	return h.s
}

// cmdHosts starts hosts and writes inventory.hcl, known_hosts and key:
//
//	hosts [FLAG=VALUE …] NAME …
//
// Flags: sudo (the password sudo wants), become (argument "become"), give
// (argument "become_password"), timeout (argument "connect_timeout"), policy
// (argument "host_key_policy"), auth (password, key or strangekey), known=no.
// Programs in $WORK/bin are in front of every host's PATH. $NAME is the host's
// directory, $NAME_port its port.
func cmdHosts(ts *testscript.TestScript, neg bool, args []string) {
	w := of(ts)
	flags := map[string]string{"timeout": "20s"}
	for len(args) > 0 && strings.Contains(args[0], "=") {
		k, v, _ := strings.Cut(args[0], "=")
		flags[k], args = v, args[1:]
	}
	key, err := sshtest.WriteKey(filepath.Join(w.work, args[0]+"_key"))
	ts.Check(err)
	for _, name := range args {
		opt := sshtest.Options{Bin: []string{filepath.Join(w.work, "bin")}, Sudo: sshtest.Sudo{Password: flags["sudo"]}}
		switch flags["auth"] {
		case "key":
			opt.Keys = append(opt.Keys, key)
			flags["keyfile"] = args[0] + "_key"
		case "strangekey":
			opt.Users = map[string]sshtest.User{"op": {}}
			flags["keyfile"] = args[0] + "_key"
		}
		s, err := sshtest.Start(opt)
		ts.Check(err)
		w.hosts[name] = &hostOf{s: s, flags: flags}
		w.order = append(w.order, name)
		ts.Setenv(name, s.Dir())
		ts.Setenv(name+"_port", strconv.Itoa(s.Port()))
	}
	w.write(ts)
}

// write makes the inventory and the known host keys of all hosts.
func (w *world) write(ts *testscript.TestScript) {
	var inv, known strings.Builder
	for _, name := range w.order {
		h := w.hosts[name]
		fmt.Fprintf(&inv, "host %q {\n  address = %q\n  port = %d\n  user = \"op\"\n  connect_timeout = %q\n  known_hosts_file = \"known_hosts\"\n",
			name, h.s.Host(), h.s.Port(), h.flags["timeout"])
		if f := h.flags["keyfile"]; f != "" {
			fmt.Fprintf(&inv, "  identity_file = %q\n", f)
		} else {
			fmt.Fprint(&inv, "  password = \"secret\"\n")
		}
		for flag, arg := range map[string]string{"become": "become = %s", "give": "become_password = %q", "policy": "host_key_policy = %q"} {
			if v := h.flags[flag]; v != "" {
				fmt.Fprintf(&inv, "  "+arg+"\n", v)
			}
		}
		fmt.Fprintf(&inv, "  vars = { dir = %q }\n}\n", filepath.Join(h.s.Dir(), "home"))
		if h.flags["known"] != "no" {
			known.WriteString(h.s.KnownHosts())
		}
	}
	ts.Check(os.WriteFile(filepath.Join(w.work, "inventory.hcl"), []byte(inv.String()), 0o600))
	ts.Check(os.WriteFile(filepath.Join(w.work, "known_hosts"), []byte(known.String()), 0o600))
}

// cmdFault makes a host misbehave:
//
//	fault NAME refuse|answer|hang|drop|newkey
func cmdFault(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts).host(ts, args[0])
	switch args[1] {
	case "refuse":
		s.Close() // nothing listens there any more
	case "reset":
		s.Refuse(true)
	case "answer":
		s.Refuse(false)
		s.SetHang(sshtest.Never)
	case "hang":
		s.SetHang(sshtest.InAuth)
	case "drop":
		s.Drop()
	case "newkey":
		s.SetHostKeys(sshtest.NewKey("ed25519"))
	default:
		ts.Fatalf("unknown fault %q", args[1])
	}
}

// cmdLogins asserts how often somebody logged in: logins NAME N.
func cmdLogins(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	if got := of(ts).host(ts, args[0]).Logins(); got != want {
		ts.Fatalf("%s saw %d logins, want %d", args[0], got, want)
	}
}

// cmdUntouched asserts that no host saw a connection; with names, that those
// hosts' directories are as they were at their snapshot.
func cmdUntouched(ts *testscript.TestScript, neg bool, args []string) {
	w := of(ts)
	if len(args) == 0 {
		for name, h := range w.hosts {
			if n := h.s.Connections(); n != 0 {
				ts.Fatalf("%s saw %d connections, want none", name, n)
			}
		}
	}
	for _, name := range args {
		if got := tree(ts, w.host(ts, name).Dir()); got != w.snaps[name] {
			ts.Fatalf("%s was written to.\nbefore:\n%s\nafter:\n%s", name, w.snaps[name], got)
		}
	}
}

// cmdSnapshot remembers what the hosts' directories hold.
func cmdSnapshot(ts *testscript.TestScript, neg bool, args []string) {
	w := of(ts)
	for _, name := range args {
		w.snaps[name] = tree(ts, w.host(ts, name).Dir())
	}
}

func tree(ts *testscript.TestScript, dir string) string {
	var out []string
	ts.Check(filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		i, err := d.Info()
		if err != nil {
			return err
		}
		text := ""
		if i.Mode().IsRegular() {
			b, err := os.ReadFile(path) //nolint:gosec // a host of this test
			if err != nil {
				return err
			}
			text = string(b)
		}
		if d.IsDir() {
			out = append(out, fmt.Sprintf("%s %s", path, i.Mode()))
			return nil
		}
		out = append(out, fmt.Sprintf("%s %s %s %q", path, i.Mode(), i.ModTime().Format(time.RFC3339Nano), text))
		return nil
	}))
	sort.Strings(out)
	return strings.Join(out, "\n")
}
