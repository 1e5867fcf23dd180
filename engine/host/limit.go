package host

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// How timeout says that it has ended a program, by TERM or by KILL.
const (
	ended  = 124
	killed = 128 + 9
)

// LimitError says that a command took longer than its Limit and was ended.
type LimitError struct {
	Argv      []string
	Limit     time.Duration
	Sensitive bool
}

func (e *LimitError) Error() string {
	what := Shorten(QuoteArgv(e.Argv), 120)
	if e.Sensitive {
		what = "a command with sensitive arguments"
	}
	return fmt.Sprintf("%s did not end within %s and was killed", what, e.Limit)
}

// limitScript runs "$@" for at most $1 seconds. TERM lets a program put in order what
// it shares with others; what waits for a lock that nobody will release may be deaf to
// it. Where timeout (coreutils) does not know -k, as before 8.5, there is only KILL,
// and without timeout there is no limit.
const limitScript = `if command -v timeout >/dev/null 2>&1; then
  timeout -k 5 "$@"; r=$?
  [ $r = 125 ] || exit $r
  exec timeout -s KILL "$@"
fi
shift; exec "$@"`

// limited returns c as a program that ends itself after c.Limit: counted on the
// host, it begins with the program and not with what the shell did before. A shell
// text that nobody may see has no limit, since it would become an argument.
func (c Command) limited() Command {
	p := c.Program()
	if c.Limit <= 0 || (c.Private || c.Sensitive) && len(p.Argv) > 1 && p.Argv[1] == "-c" {
		return c
	}
	seconds := strconv.FormatFloat(c.Limit.Seconds(), 'f', -1, 64)
	p.Argv = append([]string{"/bin/sh", "-c", limitScript, "sh", seconds}, p.Argv...)
	return p
}

// run runs c by the transport, within its limit.
func (b *base) run(ctx context.Context, c Command) (Result, error) {
	res, err := b.t.Run(ctx, c.limited())
	// The time is counted here, from the answer before, which may have come late.
	least := c.Limit - max(time.Second, c.Limit/10)
	if err == nil && c.Limit > 0 && (res.Code == killed || res.Code == ended) && res.Duration >= least {
		return res, &LimitError{Argv: c.Program().Argv, Limit: c.Limit, Sensitive: c.Sensitive}
	}
	return res, err
}
