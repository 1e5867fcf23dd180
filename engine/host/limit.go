package host

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// killed is the exit status of a program that SIGKILL ended.
const killed = 128 + 9

// LimitError says that a command took longer than its Limit and was killed.
type LimitError struct {
	Argv  []string
	Limit time.Duration
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s did not end within %s and was killed", Shorten(QuoteArgv(e.Argv), 120), e.Limit)
}

// limitScript runs "$@" for at most $1 seconds. What waits for a lock that nobody
// will release may take no notice of TERM. Without timeout (coreutils) there is no
// limit.
const limitScript = `if command -v timeout >/dev/null 2>&1; then exec timeout -s KILL "$@"; fi; shift; exec "$@"`

// limited returns c as a program that ends itself after c.Limit: counted on the
// host, it begins with the program and not with what the shell did before.
func (c Command) limited() Command {
	if c.Limit <= 0 {
		return c
	}
	c = c.Program()
	seconds := strconv.FormatFloat(c.Limit.Seconds(), 'f', -1, 64)
	c.Argv = append([]string{"/bin/sh", "-c", limitScript, "sh", seconds}, c.Argv...)
	return c
}

// run runs c by the transport, within its limit.
func (b *base) run(ctx context.Context, c Command) (Result, error) {
	res, err := b.t.Run(ctx, c.limited())
	if err == nil && c.Limit > 0 && res.Code == killed && res.Duration >= c.Limit {
		return res, &LimitError{Argv: c.Program().Argv, Limit: c.Limit}
	}
	return res, err
}
