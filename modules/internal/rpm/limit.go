package rpm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
)

// Limit is how long a question to the rpm database may take. A slow disk needs some
// seconds for all packages; what takes longer mostly waits for a lock, see Explain.
const Limit = 2 * time.Minute

// CheckLimit is Limit for "dnf check", which compares every package with all others.
const CheckLimit = 15 * time.Minute

// Query runs a command that reads the rpm database.
func Query(ctx context.Context, r host.Reader, argv ...string) (host.Result, error) {
	res, err := r.Ask(ctx, host.Command{Argv: argv, Limit: Limit})
	return res, Explain(err)
}

// Explain says why a question to the package database may have got no answer within
// its limit. A Berkeley database keeps its locks in shared memory: a program that is
// killed while it has one never releases it, and all others wait for ever, deaf to TERM.
func Explain(err error) error {
	var late *host.LimitError
	if !errors.As(err, &late) {
		return err
	}
	return fmt.Errorf("the package database gives no answer: %w. See whether another program is at work on it, or the disk is slow:\n    ps -C rpm,dnf,yum,packagekitd\nIf there are files /var/lib/rpm/__db.*, a program that was killed may have left a lock in them that nobody releases. This opens the database again, before anything else asks for it:\n    task \"rpm_db\" \"readable\" { convert = false }", err)
}
