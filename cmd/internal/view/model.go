package view

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
)

// model is Live as the terminal library wants it: a value that messages change.
type model struct {
	v             *Live
	width, height int
	frame         int
	printing      bool // lines were handed over and are not known to be printed
	quitting      bool
}

type (
	tickMsg    struct{}
	printedMsg struct{}
	quitMsg    struct{}
)

// step is how often the pane is drawn.
const step = 100 * time.Millisecond

func tick() tea.Cmd { return tea.Tick(step, func(time.Time) tea.Msg { return tickMsg{} }) }

// Init implements tea.Model.
func (m model) Init() tea.Cmd { return tick() }

// Update implements tea.Model.
func (m model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		m.v.resize(msg.Width)
	case tickMsg:
		m.frame++
		m.v.overdue()
		next, print := m.print()
		return next, tea.Batch(print, tick())
	case printedMsg:
		m.printing = false
		return m.print()
	case tea.KeyPressMsg:
		if msg.String() == "ctrl+c" && m.v.o.Interrupt != nil {
			return m, func() tea.Msg { m.v.o.Interrupt(); return nil }
		}
		if msg.String() == "y" {
			return m, func() tea.Msg { m.v.approve(); return nil }
		}
	case quitMsg:
		m.quitting = true
		if !m.printing {
			return m, tea.Quit
		}
	}
	return m, nil
}

// print hands the next lines over. Only one command prints at a time, since
// commands may overtake each other; and only a few lines, since the library
// cannot print more above the pane than fits.
func (m model) print() (model, tea.Cmd) {
	if m.printing || m.width == 0 { // the library must know the terminal first
		return m, nil
	}
	if m.quitting { // what is left is printed when the pane is gone
		return m, tea.Quit
	}
	lines, _ := m.v.take(max(m.height/2-2, 1))
	if len(lines) == 0 {
		return m, nil
	}
	m.printing = true
	return m, tea.Sequence(tea.Println(strings.Join(lines, "\n")), func() tea.Msg { return printedMsg{} })
}

// View implements tea.Model.
func (m model) View() tea.View {
	if m.quitting || m.width == 0 {
		return tea.NewView("")
	}
	return tea.NewView(m.v.pane(m.width, m.height, m.frame))
}
