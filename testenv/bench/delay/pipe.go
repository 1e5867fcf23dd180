package delay

import (
	"io"
	"time"
)

const (
	chunkSize = 64 << 10
	// inFlight bounds what is under way in one direction, in chunks: as much as
	// fits into a fast line's delay, so that the bound is no throttle.
	inFlight = 4096
)

type chunk struct {
	data []byte
	due  time.Time
}

// copyLate copies src to dst until src ends; each byte arrives when it was read
// plus late, in order. Nothing arrives before open. What was read before src
// ended still arrives; an error of dst ends reading too, once src says more.
func copyLate(dst io.Writer, src io.Reader, late time.Duration, open time.Time) error {
	queue := make(chan chunk, inFlight)
	failed := make(chan struct{})
	go func() {
		defer close(queue)
		for {
			buf := make([]byte, chunkSize)
			n, err := src.Read(buf)
			if n > 0 {
				c := chunk{buf[:n:n], time.Now().Add(late)}
				if c.due.Before(open) {
					c.due = open
				}
				select {
				case queue <- c:
				case <-failed:
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	for c := range queue {
		time.Sleep(time.Until(c.due))
		if _, err := dst.Write(c.data); err != nil {
			close(failed)
			return err
		}
	}
	return nil
}
