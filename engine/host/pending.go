package host

import (
	"bytes"
	"context"
)

const (
	pendingScript     = `[ -d "${FERRY_STATE:-/var/lib/ferry}/jobs/$1" ]`
	pendingManyScript = `for k; do [ -d "${FERRY_STATE:-/var/lib/ferry}/jobs/$k" ]; echo $?; done`
)

type pendingKind struct{}

// pendingQuestion asks with its exit code whether a job is there.
func pendingQuestion(key string) Question {
	return Question{Kind: pendingKind{}, Item: jobKey(key), Command: func(keys []string) Command {
		if len(keys) == 1 {
			return script(pendingScript, keys...)
		}
		return script(pendingManyScript, keys...)
	}, Split: func(keys []string, r Result) []*Result {
		codes := bytes.Fields(r.Stdout)
		if len(codes) != len(keys) {
			return nil
		}
		out := make([]*Result, len(keys))
		for i, c := range codes {
			switch string(c) {
			case "0":
				out[i] = &Result{}
			case "1":
				out[i] = &Result{Code: 1}
			}
		}
		return out
	}}
}

// JobPending implements Reader.
func (b *base) JobPending(ctx context.Context, key string) (bool, error) {
	q := pendingQuestion(key)
	r, err := b.AskShared(ctx, q)
	if err != nil || r.Code > 1 {
		_, err = Must(q.alone().Program().Argv, r, err)
		return false, err
	}
	return r.OK(), nil
}
