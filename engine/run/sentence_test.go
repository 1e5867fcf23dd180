package run

import "testing"

func TestSentenceLeavesCommandsAlone(t *testing.T) {
	for in, want := range map[string]string{
		"":                                 "",
		"the host is off":                  "the host is off.",
		"Is it?":                           "Is it?",
		"See why:\n    journalctl -u sshd": "See why:\n    journalctl -u sshd",
	} {
		if got := sentence(in); got != want {
			t.Errorf("sentence(%q) = %q, want %q", in, got, want)
		}
	}
}
