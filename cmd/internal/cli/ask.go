package cli

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/ferry-ops/ferry/engine"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/run"
)

// askVariables asks on the terminal for variables that nothing gives a value.
// Without a terminal they stay without one, which is an error later.
func (a *app) askVariables(c engine.Config, f *runFlags) (playbook.Globals, error) {
	missing := engine.WithoutValue(c)
	in, ok := a.in.(*os.File)
	if len(missing) == 0 || !ok || !term.IsTerminal(int(in.Fd())) {
		return c.Globals, nil
	}
	for _, v := range missing {
		question := "Value of the variable " + v.Name
		if v.Description != "" {
			question += " (" + strings.TrimSuffix(v.Description, ".") + ")"
		}
		var text string
		if v.Sensitive {
			t, err := a.prompt()(question)
			if err != nil {
				return c.Globals, err
			}
			text = t.Reveal()
		} else {
			line, err := a.line(question + ": ")
			if err != nil {
				return c.Globals, err
			}
			text = line
		}
		f.vars = append(f.vars, v.Name+"="+text)
	}
	g, set := c.Playbook.Globals(playbook.Inputs{Files: f.varFiles, Vars: f.vars, YAML: engine.YAMLVariables(a.keyring())})
	return g, a.failed(set)
}

// line asks a question on the terminal and reads one line.
func (a *app) line(question string) (string, error) {
	fmt.Fprint(a.err, question)
	type answer struct {
		text string
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		s, err := a.lines().ReadString('\n')
		done <- answer{strings.TrimRight(s, "\r\n"), err}
	}()
	select {
	case got := <-done:
		return got.text, got.err
	case <-a.stop: // the reader is left behind
		fmt.Fprintln(a.err)
		return "", errInterrupted
	}
}

// lines reads standard input; one reader for all questions, since it may read
// ahead.
func (a *app) lines() *bufio.Reader {
	if a.reader == nil {
		a.reader = bufio.NewReader(a.in)
	}
	return a.reader
}

// stepper asks before each task that would change something.
func (a *app) stepper() (func(run.Question) run.Answer, error) {
	if !isTerminal(a.in) {
		return nil, failf(exitFailed, "No terminal", "--step asks before each task, and standard input is no terminal. Leave it out, or look first with\n    ferry plan PLAYBOOK")
	}
	return func(q run.Question) run.Answer {
		fmt.Fprintf(a.err, "\n%s would change %s:\n", q.Task, q.Host)
		for _, c := range q.Changes {
			fmt.Fprintf(a.err, "    %s\n", c.Line())
		}
		for {
			text, err := a.line("Do it on all hosts? y (yes), n (leave it out), c (yes, and ask no more), q (stop here): ")
			switch strings.ToLower(text) {
			case "y", "yes":
				return run.Yes
			case "n", "no":
				return run.No
			case "c":
				return run.Rest
			case "q":
				err = errInterrupted
			}
			if err != nil {
				a.interrupt()
				return run.Stop
			}
		}
	}, nil
}
