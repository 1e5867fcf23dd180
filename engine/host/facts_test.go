package host

import (
	"context"
	"testing"
)

// counted answers every command with one word.
type counted struct {
	Transport
	root  bool
	asked int
}

func (c *counted) Superuser() bool { return c.root }

func (c *counted) Run(context.Context, Command) (Result, error) {
	c.asked++
	return Result{Stdout: []byte("op\n")}, nil
}

// Who commands run as is asked only where the login does not say it.
func TestFactUser(t *testing.T) {
	for root, want := range map[bool]string{true: "root", false: "op"} {
		c := &counted{root: root}
		h := New("web1", c)
		for range 2 { // as after a change, which makes facts be gathered again
			f, err := h.Facts(t.Context(), "user")
			if err != nil || f.String("user") != want {
				t.Errorf("%v, %v", f, err)
			}
			h.Forget()
		}
		if asked := c.asked; (asked == 0) != root {
			t.Errorf("the host was asked %d times", asked)
		}
	}
}
