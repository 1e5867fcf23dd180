package view

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/ferry-ops/ferry/engine/event"
)

// Live shows a run on a terminal: what Human prints scrolls above, and below it
// a pane shows what every host does at this moment. After the run the pane is
// gone and the summary stands where plain output would have it.
//
// Emit only takes notes; the terminal is written by one goroutine, so a slow
// terminal does not slow down a run.
type Live struct {
	out  io.Writer
	o    LiveOptions
	prog *tea.Program
	done chan struct{} // closed when the terminal has been given back

	mu      sync.Mutex
	human   *Human
	text    bytes.Buffer // printed by human, not yet on the terminal
	board   *board
	quit    bool
	started bool
}

// LiveOptions say how a live view looks and what it may do.
type LiveOptions struct {
	Options
	Tasks map[string]int // of each play, for the progress bar
	// Interrupt is called when the user presses Ctrl-C.
	Interrupt func()
	// Approve is called when the user says go at the gate at which the run shown
	// waits for a person.
	Approve func(run, gate string) error
}

// maxWidth is the widest text that is still read well.
const maxWidth = 140

// NewLive returns a live view on the terminal in and out. Close gives the
// terminal back.
func NewLive(in io.Reader, out io.Writer, o LiveOptions) *Live {
	v := &Live{out: out, o: o, board: newBoard(o.Tasks), done: make(chan struct{})}
	o.Live = true
	v.human = NewHuman(&v.text, o.Options)
	v.prog = tea.NewProgram(model{v: v}, tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler(), tea.WithFPS(20))
	return v
}

// Emit implements event.Sink.
func (v *Live) Emit(e event.Event) error {
	if e.Kind == event.RunFinished {
		v.end()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.started {
		v.started = true
		go func() {
			defer close(v.done)
			_, _ = v.prog.Run() // without a terminal the text goes on below
		}()
	}
	v.board.apply(e, time.Now())
	if err := v.human.Emit(e); err != nil {
		return err
	}
	return v.plain()
}

// plain writes what was printed where there is no pane (any more).
func (v *Live) plain() error {
	select {
	case <-v.done:
	default:
		return nil
	}
	_, err := v.text.WriteTo(v.out)
	return err
}

// Notice tells the user that ferry is asked to stop.
func (v *Live) Notice(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.board.stopping = text
	v.text.WriteString(text + "\n")
	_ = v.plain()
}

// Log shows a line of the log above the pane. A program that writes to the terminal
// by itself would be written over.
func (v *Live) Log(line string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.text.WriteString(line)
	_ = v.plain()
}

// approve says go if the run waits for a person.
func (v *Live) approve() {
	v.mu.Lock()
	waits, run, gate := v.board.approval, v.board.run, v.board.gateName
	v.mu.Unlock()
	if !waits || v.o.Approve == nil {
		return
	}
	if err := v.o.Approve(run, gate); err != nil {
		v.Notice("Not approved: " + err.Error())
	}
}

// end gives the terminal back and waits until that has happened.
func (v *Live) end() {
	v.mu.Lock()
	started := v.started
	v.quit = true
	v.mu.Unlock()
	if started {
		go v.prog.Send(quitMsg{}) // nobody listens if the terminal was lost
		<-v.done
	}
}

// Close implements View.
func (v *Live) Close() error {
	v.end()
	v.mu.Lock()
	defer v.mu.Unlock()
	_, err := v.text.WriteTo(v.out)
	return err
}

// take returns at most n lines of what is to be printed, and whether that was all.
func (v *Live) take(n int) (lines []string, all bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for len(lines) < n && v.text.Len() > 0 {
		line, err := v.text.ReadString('\n')
		lines = append(lines, strings.TrimSuffix(line, "\n"))
		if err != nil {
			break
		}
	}
	return lines, v.text.Len() == 0
}

// overdue tells of failures although nothing else happens.
func (v *Live) overdue() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.human.mu.Lock()
	defer v.human.mu.Unlock()
	v.human.overdue(time.Now())
}

func (v *Live) resize(width int) {
	v.human.resize(min(width, maxWidth))
}

func (v *Live) pane(width, height int, frame int) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.quit {
		return ""
	}
	return strings.Join(v.board.pane(width, height, time.Now(), frame, v.human.st), "\n")
}
