package services

import (
	"testing"

	"github.com/ferry-ops/ferry/modules/internal/systemd"
)

func TestStarts(t *testing.T) {
	for state, want := range map[string]bool{"enabled": true, "enabled-runtime": false, "disabled": false, "static": true, "masked": false, "": false} {
		if got := starts(systemd.Unit{File: state}); got != want {
			t.Errorf("%q: enabled %v", state, got)
		}
	}
}
