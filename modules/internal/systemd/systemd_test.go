package systemd

import "testing"

func TestParse(t *testing.T) {
	u, err := Parse("LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\n")
	if err != nil || !u.Exists() || !u.Running() || u.File != "enabled" {
		t.Errorf("%+v, %v", u, err)
	}
	u, err = Parse("LoadState=not-found\nActiveState=inactive\nSubState=dead\nUnitFileState=\n")
	if err != nil || u.Exists() || u.Running() {
		t.Errorf("%+v, %v", u, err)
	}
	for _, bad := range []string{"", "LoadState=loaded\n", "Failed to get D-Bus connection: Operation not permitted\n"} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("Parse(%q) gives no error", bad)
		}
	}
}

func TestFullName(t *testing.T) {
	for in, want := range map[string]string{"sshd": "sshd.service", "a.timer": "a.timer", "getty@tty1": "getty@tty1.service", "my.app": "my.app.service"} {
		if got := FullName(in); got != want {
			t.Errorf("FullName(%q) = %q", in, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("LoadState=loaded\nActiveState=active\n")
	f.Fuzz(func(t *testing.T, s string) {
		if u, err := Parse(s); err == nil && (u.Load == "" || u.Active == "") {
			t.Errorf("%q gives %+v", s, u)
		}
	})
}
