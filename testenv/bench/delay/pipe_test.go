package delay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// arrivals notes when what was written.
type arrivals struct {
	start time.Time
	text  bytes.Buffer
	at    []time.Duration
}

func (a *arrivals) Write(p []byte) (int, error) {
	a.at = append(a.at, time.Since(a.start))
	return a.text.Write(p)
}

func TestCopyLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		dst := &arrivals{start: time.Now()}
		go func() {
			// Ten words, one each millisecond: they overlap under way, so the last arrives after 9+50 ms, not after 500.
			for i := range 10 {
				fmt.Fprintf(w, "%d,", i)
				time.Sleep(time.Millisecond)
			}
			_ = w.Close()
		}()
		if err := copyLate(dst, r, 50*time.Millisecond, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if got := dst.text.String(); got != "0,1,2,3,4,5,6,7,8,9," {
			t.Errorf("arrived as %q", got)
		}
		for i, at := range dst.at {
			if want := time.Duration(i+50) * time.Millisecond; at != want {
				t.Errorf("word %d arrived after %v, want %v", i, at, want)
			}
		}
	})
}

func TestCopyLateOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dst := &arrivals{start: time.Now()}
		if err := copyLate(dst, bytes.NewReader([]byte("hello")), 10*time.Millisecond, dst.start.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if len(dst.at) != 1 || dst.at[0] != time.Second {
			t.Errorf("arrived at %v, want once after a second", dst.at)
		}
	})
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("gone") }

// A reader that never ends must not hold a goroutine for ever once its
// receiver is gone; synctest fails the test if one is left.
func TestCopyLateEndsWithReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		go func() {
			for {
				if _, err := w.Write([]byte("x")); err != nil {
					return
				}
			}
		}()
		if err := copyLate(broken{}, r, time.Millisecond, time.Time{}); err == nil {
			t.Error("no error")
		}
		_ = r.Close()
	})
}
