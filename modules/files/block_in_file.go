package files

import (
	"context"
	"errors"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// BlockInFile keeps a marked block of lines in a file.
func BlockInFile() module.Info {
	return module.Info{
		Name:    "block_in_file",
		Summary: "Keeps a block of lines in a text file, between two marker lines.",
		Doc: `The block is found again by its markers, "# BEGIN ferry NAME" and "# END ferry NAME",
where NAME is the task's name or "marker". What stands between them is replaced as a
whole; the rest of the file stays as it is. An unfinished block (a begin without an
end) is an error, since what belongs to it cannot be told.`,
		Example: `task "block_in_file" "hosts" {
  path  = "/etc/hosts"
  block = <<-EOT
    192.0.2.10 mirror.example.com
    192.0.2.11 ntp.example.com
  EOT
}
`,
		New: func() module.Step { return &blockInFile{state: "present", comment: "#"} },
	}
}

type blockInFile struct {
	block, marker, comment, state string
	create                        bool
	target
}

var (
	_ module.Step      = (*blockInFile)(nil)
	_ module.Named     = (*blockInFile)(nil)
	_ module.Validator = (*blockInFile)(nil)
	_ module.Reporter  = (*blockInFile)(nil)
	_ module.Joiner    = (*blockInFile)(nil)
)

// SetName makes the name of the task the marker.
func (s *blockInFile) SetName(name string) { s.marker = name }

func (s *blockInFile) Schema(b *schema.Block) {
	b.String(&s.block, "block", "The lines.", schema.MaySensitive)
	b.String(&s.marker, "marker", "Name in the marker lines; the name of the task if not given.", schema.NonEmpty)
	b.String(&s.comment, "comment", "What starts a comment in this file.", schema.NonEmpty)
	b.String(&s.state, "state", "Whether the block is there.", schema.OneOf("present", "absent"))
	b.Bool(&s.create, "create", "Make the file if it does not exist.")
	s.schema(b)
}

func (s *blockInFile) Validate() error {
	if s.state == "present" && s.block == "" {
		return errors.New("The argument \"block\" is needed: the lines that must be there.")
	}
	if strings.ContainsAny(s.marker+s.comment, "\n\r") {
		return errors.New("The arguments \"marker\" and \"comment\" cannot contain a line break.")
	}
	begin, end := s.markers()
	for _, l := range splitLines(s.block) {
		if l == begin || l == end {
			return errors.New("The argument \"block\" holds one of its own marker lines, so where it ends could not be told. Leave the markers out; they are added.")
		}
	}
	return s.checkValidate()
}

func (s *blockInFile) markers() (begin, end string) {
	return s.comment + " BEGIN ferry " + s.marker, s.comment + " END ferry " + s.marker
}

// edit returns the text as it must be.
func (s *blockInFile) edit(text string) (string, error) {
	begin, end := s.markers()
	lines := splitLines(text)
	from, to := -1, -1
	for i, l := range lines {
		switch {
		case l == begin && from < 0:
			from = i
		case l == end && from >= 0 && to < 0:
			to = i
		}
	}
	if from >= 0 && to < 0 {
		return "", errors.New(s.path + " has the line \"" + begin + "\" and no \"" + end + "\" after it, so where the block ends cannot be told. Add the line where it belongs")
	}
	var block []string
	if s.state == "present" {
		block = append(append([]string{begin}, splitLines(s.block)...), end)
	}
	switch {
	case from >= 0:
		lines = append(append(append([]string{}, lines[:from]...), block...), lines[to+1:]...)
	case s.state == "present":
		lines = append(append([]string{}, lines...), block...)
	default:
		return text, nil
	}
	return joinLines(lines), nil
}

func (s *blockInFile) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	var bad error
	p, err := s.edited(ctx, r, s.state == "present", s.create, s.editor(&bad))
	if bad != nil {
		return nil, bad
	}
	return p, err
}

func (s *blockInFile) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	have, _, err := read(ctx, h, s.path)
	if err != nil {
		return err
	}
	if _, err := s.edit(string(have)); err != nil {
		return err
	}
	var bad error
	return s.applyEdit(ctx, h, s.state == "present", s.create, s.editor(&bad))
}

// Join implements module.Joiner.
func (s *blockInFile) Join(next module.Step) (module.Step, bool) { return join(s, next) }

func (s *blockInFile) put() (put, bool) { return s.putEdit(s.state == "present", s.edit) }

// editor is edit for target.edited, with its error kept aside.
func (s *blockInFile) editor(bad *error) func(string) string {
	return func(text string) string {
		out, err := s.edit(text)
		if err != nil {
			*bad = err
			return text
		}
		return out
	}
}
