package commands

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Script runs a script of the controller on the host.
func Script() module.Info {
	return module.Info{
		Name:    "script",
		Summary: "Runs a script that lies on the controller, with its arguments, on the host.",
		Doc: `The script is copied to a directory only the become user can read, run by the
interpreter its first line names, and removed. Everything said of the module "command"
about when it acts holds here too.`,
		Example: `task "script" "rebuild_index" {
  src     = "rebuild-index.sh"
  args    = ["--full"]
  creates = "/var/lib/app/index"
}
`,
		Effects: module.Action,
		New:     func() module.Step { return &script{} },
	}
}

// maxScript bounds a script's size, in bytes.
const maxScript = 1 << 20

type script struct {
	src  string
	args []string
	settings
	outcome
}

var (
	_ module.Step     = (*script)(nil)
	_ module.Reporter = (*script)(nil)
)

func (s *script) Schema(b *schema.Block) {
	b.File(&s.src, "src", "Script on the controller.", schema.Required)
	b.Strings(&s.args, "args", "Arguments of the script. All users of the host can see them while it runs: give it secrets in the environment.")
	b.String(&s.creates, "creates", "A path; if it exists, the script is not needed.", schema.AbsPath)
	b.String(&s.removes, "removes", "A path; if it does not exist, the script is not needed.", schema.AbsPath)
	b.String(&s.dir, "dir", "Directory to run in.", schema.AbsPath)
	b.Strings(&s.okCodes, "ok_codes", "Exit codes that are no failure, besides 0.", schema.Match(exitCode, "an exit code between 0 and 255"))
}

func (s *script) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	if needed, err := s.needed(ctx, r); err != nil || !needed {
		return nil, err
	}
	p := module.Plan{{Argument: "run " + filepath.Base(s.src)}}
	if len(s.args) > 0 {
		p = append(p, module.Change{Argument: "args", To: host.Shorten(host.QuoteArgv(s.args), 120)})
	}
	return p, nil
}

// scriptWrapper calls the interpreter itself, because /tmp may be mounted noexec.
const scriptWrapper = `d=$(mktemp -d) || exit 126
trap 'rm -rf "$d"' EXIT
cat >"$d/script" && chmod 0700 "$d/script" || exit 126
i=$(sed -n '1s/^#! *//p' "$d/script")
set -f; ${i:-/bin/sh} "$d/script" "$@"`

func (s *script) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	st, err := os.Stat(s.src)
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() || st.Size() > maxScript {
		return fmt.Errorf("%s is not a script: a regular file of at most %d bytes is needed", s.src, maxScript)
	}
	text, err := os.ReadFile(s.src)
	if err != nil {
		return err
	}
	argv := append([]string{"/bin/sh", "-c", scriptWrapper, "sh"}, s.args...)
	res, err := h.Exec(ctx, host.Command{Argv: argv, Dir: s.dir, Stdin: text})
	if err != nil {
		return err
	}
	return s.judge(append([]string{s.src}, s.args...), res, &s.outcome)
}
