package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/ferry-ops/ferry/engine/secret"
)

// errInterrupted is the answer of somebody who interrupts a question.
var errInterrupted = errors.New("interrupted")

// prompt asks for a secret on the terminal, without echo. It is nil where
// standard input is none.
func (a *app) prompt() secret.Prompt {
	f, ok := a.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return func(question string) (secret.Text, error) {
		old, err := term.GetState(int(f.Fd()))
		if err != nil {
			return secret.Text{}, err
		}
		fmt.Fprintf(a.err, "%s: ", question)
		type answer struct {
			text []byte
			err  error
		}
		done := make(chan answer, 1)
		go func() {
			b, err := term.ReadPassword(int(f.Fd()))
			done <- answer{b, err}
		}()
		select {
		case got := <-done:
			fmt.Fprintln(a.err)
			return secret.NewText(string(got.text)), got.err
		case <-a.stop: // the reader is left behind; the terminal is not
			_ = term.Restore(int(f.Fd()), old)
			fmt.Fprintln(a.err)
			return secret.Text{}, errInterrupted
		}
	}
}

// confirm asks a question that is answered with y or n; yes is what an empty
// answer means. Without a terminal the answer is no.
func (a *app) confirm(question string) bool {
	f, ok := a.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false
	}
	fmt.Fprintf(a.err, "%s [Y/n] ", question)
	done := make(chan string, 1)
	go func() {
		line, err := a.lines().ReadString('\n')
		if err != nil {
			line = "n"
		}
		done <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case line := <-done:
		return line == "" || line == "y" || line == "yes"
	case <-a.stop:
		return false
	}
}
