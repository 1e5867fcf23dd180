package services

import "testing"

func TestParseUnit(t *testing.T) {
	u, err := parseUnit("LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\n")
	if err != nil || !u.exists() || !u.running() || !u.enabled() {
		t.Errorf("%+v, %v", u, err)
	}
	u, err = parseUnit("LoadState=not-found\nActiveState=inactive\nSubState=dead\nUnitFileState=\n")
	if err != nil || u.exists() || u.running() || u.enabled() {
		t.Errorf("%+v, %v", u, err)
	}
	for _, bad := range []string{"", "LoadState=loaded\n", "Failed to get D-Bus connection: Operation not permitted\n"} {
		if _, err := parseUnit(bad); err == nil {
			t.Errorf("parseUnit(%q) gives no error", bad)
		}
	}
}

func TestEnabled(t *testing.T) {
	for state, want := range map[string]bool{"enabled": true, "enabled-runtime": false, "disabled": false, "static": true, "masked": false, "": false} {
		if got := (unitState{File: state}).enabled(); got != want {
			t.Errorf("%q: enabled %v", state, got)
		}
	}
}

func TestFullName(t *testing.T) {
	for in, want := range map[string]string{"sshd": "sshd.service", "a.timer": "a.timer", "getty@tty1": "getty@tty1.service", "my.app": "my.app.service"} {
		if got := fullName(in); got != want {
			t.Errorf("fullName(%q) = %q", in, got)
		}
	}
}

func FuzzParseUnit(f *testing.F) {
	f.Add("LoadState=loaded\nActiveState=active\n")
	f.Fuzz(func(t *testing.T, s string) {
		if u, err := parseUnit(s); err == nil && (u.Load == "" || u.Active == "") {
			t.Errorf("%q gives %+v", s, u)
		}
	})
}
