package lab

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func sample() *Lab {
	l := &Lab{state: state{Name: "demo", Subnet: "10.86.30"}}
	for _, n := range []string{"el-1", "el-2"} {
		l.state.Hosts = append(l.state.Hosts, &Host{Name: n, Address: "10.86.30.1" + n[3:], Web: n == "el-1", lab: l})
	}
	return l
}

func TestRenderHCL(t *testing.T) {
	got := sample().renderHCL()
	for _, want := range []string{
		`mirror = "http://10.86.30.1:8080"`, `host "el-2" {`, `address          = "10.86.30.12"`, `user             = "admin"`,
		`identity_file    = "/var/lib/ferry-lab/demo/id_ed25519"`, `known_hosts_file = "/var/lib/ferry-lab/demo/known_hosts"`,
		"group \"web\" {\n  hosts = [\"el-1\"]\n  vars = {\n    pages = [\"http://127.0.0.1:8080/\"]\n  }\n}",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

func TestRenderINI(t *testing.T) {
	got := sample().renderINI()
	for _, want := range []string{"[el]\nel-1 ansible_host=10.86.30.11 ansible_port=22 ansible_user=admin\n", "[el:vars]\nmirror=http://10.86.30.1:8080\n", "[web]\nel-1\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestParseTraps(t *testing.T) {
	m, err := ParseTraps("exclude, el-2=third-party+config")
	if err != nil {
		t.Fatal(err)
	}
	if got := trapsOf(m, "el-1"); !slices.Equal(got, []string{"conflict", "missing", "exclude"}) {
		t.Errorf("el-1: %v", got)
	}
	if got := trapsOf(m, "el-2"); !slices.Equal(got, []string{"conflict", "missing", "third-party", "config", "exclude"}) {
		t.Errorf("el-2: %v", got)
	}
	all, err := ParseTraps("all")
	if err != nil {
		t.Fatal(err)
	}
	if got := trapsOf(all, "el-1"); len(got) != len(Traps)-1 || slices.Contains(got, "slow") {
		t.Errorf("all: %v", got)
	}
	for _, bad := range []string{"exlude", "web-1=exclude"} {
		if _, err := ParseTraps(bad); err == nil {
			t.Errorf("ParseTraps(%q) accepted", bad)
		}
	}
}

func TestCheckName(t *testing.T) {
	for name, ok := range map[string]bool{"lab": true, "t1": true, "": false, "Lab": false, "../x": false, "muchtoolong": false, "1a": false} {
		if err := checkName(name); (err == nil) != ok {
			t.Errorf("checkName(%q) = %v", name, err)
		}
	}
}

func TestProcessRecord(t *testing.T) {
	me, err := self()
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/pid"
	if err := me.save(file); err != nil {
		t.Fatal(err)
	}
	if p, ok := loadProcess(file); !ok || p.pid != os.Getpid() {
		t.Errorf("own record: %v, %v", p, ok)
	}
	// The same pid with another start time is another process.
	if err := (process{me.pid, "1"}).save(file); err != nil {
		t.Fatal(err)
	}
	if _, ok := loadProcess(file); ok {
		t.Error("a recycled pid counts as alive")
	}
}

func TestDownOfNothing(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("looks at control groups and interfaces, which only root may remove")
	}
	for range 2 {
		if err := Down(t.Context(), "absent"); err != nil {
			t.Error(err)
		}
	}
}
