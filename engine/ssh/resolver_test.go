package ssh

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func resolver(t testing.TB, text string) (*Resolver, error) {
	t.Helper()
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"id_prod", "id_10.0.0.7"} {
		if err := os.WriteFile(filepath.Join(home, ".ssh", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(home, ".ssh", "config")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return NewResolver(file, home, "me")
}

func TestResolve(t *testing.T) {
	r, err := resolver(t, `
Host web?
  HostName %h.example.com
  ProxyJump ops@gate:2200,inner
Host db
  HostName 10.0.0.7
  Port 2022
  User root
  IdentityFile ~/.ssh/id_%h
  IdentityFile ~/.ssh/absent
  UserKnownHostsFile ~/.ssh/kh1 /etc/kh2
Host gate
  HostName gate.example.com
  User ignored
  ProxyJump outer
Host *
  User ops2
  IdentityFile id_prod
`)
	if err != nil {
		t.Fatal(err)
	}
	web, err := r.Resolve(Target{Name: "web1"})
	if err != nil {
		t.Fatal(err)
	}
	if web.Address != "web1.example.com" || web.User != "ops2" || len(web.Jump) != 3 ||
		web.Jump[0].Address != "outer" || web.Jump[1].Address != "gate.example.com" || web.Jump[1].User != "ops" ||
		web.Jump[1].Port != 2200 || web.Jump[2].Address != "inner" {
		t.Errorf("%+v", web)
	}
	db, err := r.Resolve(Target{Name: "the database", Address: "db"})
	if err != nil {
		t.Fatal(err)
	}
	if db.Name != "the database" || db.Address != "10.0.0.7" || db.Port != 2022 || db.User != "root" ||
		len(db.IdentityFiles) != 2 || !strings.HasSuffix(db.IdentityFiles[0], "/.ssh/id_10.0.0.7") ||
		len(db.KnownHosts) != 2 || !strings.HasSuffix(db.KnownHosts[0], "/.ssh/kh1") || db.KnownHosts[1] != "/etc/kh2" {
		t.Errorf("%+v", db)
	}
	given, err := r.Resolve(Target{Name: "db", Port: 1, User: "u", IdentityFiles: []string{"x"}})
	if err != nil || given.Port != 1 || given.User != "u" || given.IdentityFiles[0] != "x" {
		t.Errorf("what was given is kept: %+v, %v", given, err)
	}
}

func TestResolveErrors(t *testing.T) {
	if _, err := resolver(t, "Host a\nMatch exec \"true\"\n  User x\n"); err == nil || !strings.Contains(err.Error(), ":2: ") || !strings.Contains(err.Error(), "Match") {
		t.Errorf("Match: %v", err)
	}
	for text, want := range map[string]string{
		"Host a\n  ProxyCommand nc %h %p\n":              "ProxyCommand",
		"Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n": "circle",
		"Host a\n  ProxyJump x:y\n":                      "not a port",
		"Host a\n  Port 99999\n":                         "not a port",
	} {
		r, err := resolver(t, text)
		if err == nil {
			_, err = r.Resolve(Target{Name: "a"})
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	r, err := NewResolver("/no/such/file", "/", "me")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.Resolve(Target{Name: "h"}); err != nil || got.Address != "h" || got.User != "me" {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzResolve(f *testing.F) {
	f.Add("Host *\n User x\n ProxyJump a@b:1\n IdentityFile ~/%h%%%\n")
	f.Fuzz(func(t *testing.T, text string) {
		r := &Resolver{file: "config", home: "/home/x", user: "me"}
		if r.parse([]byte(text)) == nil {
			_, _ = r.Resolve(Target{Name: "h"}) // must not panic
		}
	})
}
