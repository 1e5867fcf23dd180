package moduletest

import (
	"errors"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/host/hosttest"
	"github.com/ferry-ops/ferry/engine/module"
)

// minSecret is the shortest secret that is looked for.
const minSecret = 6

// secrets proves that no sensitive value is in what a module says. Arguments of
// a failed command are left out: the engine hides secrets in those itself. No
// command has one as an argument either, which every user of a host can see.
func (c conformance) secrets(u *use, h *hosttest.Host, p module.Plan, fs []module.Finding, err error) {
	c.t.Helper()
	var texts []string
	for _, ch := range visible(u, p) {
		texts = append(texts, ch.Argument, ch.From, ch.To, ch.Diff)
	}
	for _, f := range fs {
		texts = append(texts, f.Summary, f.Detail, f.Cure)
	}
	if s, ok := u.module.(module.Speaker); ok {
		texts = append(texts, s.Message())
	}
	if err != nil {
		text := err.Error()
		var ce *host.CommandError
		if errors.As(err, &ce) {
			text = strings.ReplaceAll(text, ce.Error(), ce.Output())
		}
		texts = append(texts, text)
	}
	for _, call := range h.Calls() {
		argv := call.Argv
		if len(argv) > 2 && argv[1] == "-c" { // the transport keeps the text of a private script out of the list
			argv = append(append([]string{}, argv[:2]...), argv[3:]...)
		}
		for _, secret := range u.decoded.Secrets {
			if len(secret) >= minSecret && strings.Contains(strings.Join(argv, "\x00"), secret) {
				c.t.Errorf("%s: a sensitive value is an argument of a command, visible to every user of the host: %s", c.f.Path, call.Line)
			}
		}
	}
	for _, secret := range append(c.u.variables(), u.decoded.Secrets...) {
		for _, text := range texts {
			if len(secret) >= minSecret && strings.Contains(text, secret) {
				c.t.Errorf("%s: a sensitive value is shown: %s", c.f.Path, text)
			}
		}
	}
}
