package hosttest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
)

// State is what a host shows, or how that differs from an earlier state. It is
// not changed after Parse.
type State struct {
	facts   map[string]any
	files   map[string]*file
	gone    map[string]bool
	answers []*answer // later ones win
	pending map[string]bool
}

// file is one path of the fake host.
type file struct {
	kind         string // as in host.FileInfo.Type
	content      []byte
	mode         uint32
	owner, group string
	target       string
	age          int // seconds after the start of the world
}

// answer is what a command or job gives.
type answer struct {
	words          []string // of the command; "job" and the key
	line           string   // as written
	stdout, stderr []byte
	code           int
	never          bool // it waits for something that does not come
	used           bool
}

// Parse reads the description of a host. Each entry begins with one of
//
//	fact NAME VALUE
//	file PATH MODE OWNER GROUP      its content follows
//	dir PATH MODE OWNER GROUP
//	link PATH -> TARGET
//	other PATH                      a FIFO, device or socket
//	gone PATH                       in a stage: no longer there
//	pending KEY, settled KEY        a job whose result nobody has collected
//	$ COMMAND                       what it prints follows
//	job KEY                         the job's log follows
//
// A line that begins with a backslash is taken without it. "[exit N]" gives the
// exit code, "[stderr]" begins standard error, "[no newline]" drops the last
// line break, and "[from NAME]" takes the lines of another file, which read
// returns; if that is a recording, with its standard error and exit code.
//
// A word of a command that is "…" stands for any word.
func Parse(text string, read func(name string) ([]byte, error)) (*State, error) {
	s := &State{facts: map[string]any{}, files: map[string]*file{}, gone: map[string]bool{}, pending: map[string]bool{}}
	p := parser{s: s, read: read, lines: strings.Split(strings.TrimRight(text, "\n"), "\n")}
	for p.next < len(p.lines) {
		n := p.next + 1
		if err := p.entry(); err != nil {
			return nil, fmt.Errorf("line %d of the host: %w", n, err)
		}
	}
	return s, nil
}

type parser struct {
	s     *State
	read  func(string) ([]byte, error)
	lines []string
	next  int
}

var keywords = []string{"fact", "file", "dir", "link", "other", "gone", "pending", "settled", "$", "job"}

func keyword(line string) string {
	for _, k := range keywords {
		if strings.HasPrefix(line, k+" ") {
			return k
		}
	}
	return ""
}

func (p *parser) entry() error {
	line := p.lines[p.next]
	p.next++
	if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
		return nil
	}
	k := keyword(line)
	rest := strings.TrimPrefix(line, k+" ")
	f := strings.Fields(rest)
	switch {
	case k == "":
		return fmt.Errorf("%q begins no entry; a line of content that begins like one is written with a backslash before it", line)
	case k == "fact":
		name, value, _ := strings.Cut(rest, " ")
		v, err := factValue(name, value)
		p.s.facts[name] = v
		return err
	case k == "gone" && len(f) == 1:
		p.s.gone[f[0]] = true
	case (k == "pending" || k == "settled") && len(f) == 1:
		p.s.pending[f[0]] = k == "pending"
	case k == "link" && len(f) == 3 && f[1] == "->":
		p.s.files[f[0]] = &file{kind: "link", mode: 0o777, owner: "root", group: "root", target: f[2]}
	case k == "other" && len(f) == 1:
		p.s.files[f[0]] = &file{kind: "other", mode: 0o644, owner: "root", group: "root"}
	case (k == "file" || k == "dir") && len(f) == 4:
		mode, err := strconv.ParseUint(f[1], 8, 32)
		if err != nil {
			return fmt.Errorf("%q is not a file mode", f[1])
		}
		fl := &file{kind: "directory", mode: uint32(mode), owner: f[2], group: f[3]}
		if k == "file" {
			body, err := p.body()
			if err != nil {
				return err
			}
			fl.kind, fl.content = "file", body.stdout
		}
		p.s.files[f[0]] = fl
	case k == "job" && len(f) == 1:
		return p.answer([]string{"job", f[0]}, line)
	case k == "$":
		for openQuote(rest) && p.next < len(p.lines) {
			rest += "\n" + p.lines[p.next]
			p.next++
		}
		words, err := Words(rest)
		if err != nil {
			return err
		}
		return p.answer(words, "$ "+rest)
	default:
		return fmt.Errorf("%q is not understood; see the documentation of hosttest.Parse", line)
	}
	return nil
}

func (p *parser) answer(words []string, line string) error {
	a, err := p.body()
	if err != nil {
		return err
	}
	a.words, a.line = words, line
	p.s.answers = append(p.s.answers, a)
	return nil
}

// body reads the lines up to the next entry. Blank lines at its end separate
// entries; one that belongs to the content is written as a single backslash.
func (p *parser) body() (*answer, error) {
	a := &answer{}
	var out []string
	to := &a.stdout
	flush := func(newline bool) {
		if len(out) > 0 {
			*to = append(*to, strings.Join(out, "\n")...)
			if newline {
				*to = append(*to, '\n')
			}
		}
		out = nil
	}
	lines := p.take()
	newline := true
	for _, l := range lines {
		switch {
		case l == "[stderr]":
			flush(true)
			to = &a.stderr
		case l == "[no newline]":
			newline = false
		case l == "[never]":
			a.never = true
		case strings.HasPrefix(l, "[exit ") && strings.HasSuffix(l, "]"):
			n, err := strconv.Atoi(l[6 : len(l)-1])
			if err != nil {
				return nil, fmt.Errorf("%q names no exit code", l)
			}
			a.code = n
		case strings.HasPrefix(l, "[from ") && strings.HasSuffix(l, "]"):
			flush(true)
			text, err := p.read(l[6 : len(l)-1])
			if err != nil {
				return nil, err
			}
			recording(a, to, string(text))
		default:
			out = append(out, strings.TrimPrefix(l, `\`))
		}
	}
	flush(newline)
	return a, nil
}

func (p *parser) take() []string {
	from := p.next
	for p.next < len(p.lines) && keyword(p.lines[p.next]) == "" {
		p.next++
	}
	lines := p.lines[from:p.next]
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// recording adds a file's text; if it is the record of a command, its streams
// and exit code.
func recording(a *answer, to *[]byte, text string) {
	if !strings.HasPrefix(text, "# host:") {
		*to = append(*to, text...)
		return
	}
	head, rest, _ := strings.Cut(text, "-- stdout --\n")
	if _, n, ok := strings.Cut(head, "# exit: "); ok {
		a.code, _ = strconv.Atoi(strings.TrimSpace(n))
	}
	out, errs, _ := strings.Cut(rest, "-- stderr --\n")
	*to = append(*to, out...)
	a.stderr = append(a.stderr, errs...)
}

func factValue(name, value string) (any, error) {
	for _, d := range host.FactDefs() {
		if d.Name != name {
			continue
		}
		switch d.Zero.(type) {
		case int64:
			return strconv.ParseInt(value, 10, 64)
		case bool:
			return strconv.ParseBool(value)
		case []string:
			return strings.Fields(value), nil
		}
		return value, nil
	}
	return nil, fmt.Errorf("there is no fact %q", name)
}
