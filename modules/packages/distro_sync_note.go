package packages

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"

	"github.com/ferry-ops/ferry/modules/internal/rpm"
)

// note is what a transaction leaves on the host before it begins: the packages
// that will be there after it. Its end removes the note, so one that is found
// tells of a transaction that was killed, and of what must still come. The rpm
// database cannot tell: a kill in the middle of a write loses entries of it.
type note []noted

// noted is one package a transaction brings.
type noted struct{ Name, Epoch, Version, Arch string } // Version is version-release

// String is a line of the note. The epoch is always there, so that a shell can
// take it apart and compare it with what rpm lists.
func (n noted) String() string { return n.Name + "-" + n.Epoch + ":" + n.Version + "." + n.Arch }

// noteFormat makes rpm list what is installed as the note does.
const noteFormat = `%{NAME}-%{EPOCHNUM}:%{VERSION}-%{RELEASE}.%{ARCH}\n`

func (d *distroSync) notePath() string { return "/var/lib/ferry/" + d.jobKey() + ".transaction" }

// readNote returns the note on the host, nil if there is none.
func (d *distroSync) readNote(ctx context.Context, r host.Reader) (note, error) {
	text, err := r.ReadFile(ctx, d.notePath())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	out := note{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		name, rest, _ := strings.Cut(line, ":")
		i, j := strings.LastIndexByte(name, '-'), strings.LastIndexByte(rest, '.')
		if i <= 0 || j <= 0 || !strings.Contains(rest[:j], "-") {
			return nil, fmt.Errorf("%s, in which an interrupted transaction noted its packages, has a line that is not understood: %q. It was not written by ferry; look at it, and remove it if no transaction was interrupted on this host", d.notePath(), host.Shorten(line, 120))
		}
		out = append(out, noted{Name: name[:i], Epoch: name[i+1:], Version: rest[:j], Arch: rest[j+1:]})
	}
	return out, nil
}

// with adds what a further transaction brings; its versions are the later ones.
func (n note) with(t transaction) note {
	var out note
	seen := map[string]bool{}
	for _, list := range [][]item{t.Install, t.Upgrade, t.Downgrade, t.Reinstall} {
		for _, i := range list {
			epoch, version, ok := strings.Cut(i.EVR, ":")
			if !ok {
				epoch, version = "0", i.EVR
			}
			seen[i.Name+"."+i.Arch] = true
			out = append(out, noted{i.Name, epoch, version, i.Arch})
		}
	}
	gone := map[string]bool{}
	for _, list := range [][]item{t.Remove, t.Replace} {
		for _, i := range list {
			gone[i.Name] = true
		}
	}
	for _, p := range n {
		if !seen[p.Name+"."+p.Arch] && !gone[p.Name] {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b noted) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(out)
}

// missing returns what must be installed to have every package of the note, in
// whatever version, in words of dnf's install.
func (n note) missing(pkgs []rpm.Package, replaced map[string]bool) []string {
	arches, have := map[string]map[string]bool{}, map[string]bool{}
	for _, p := range n {
		if arches[p.Name] == nil {
			arches[p.Name] = map[string]bool{}
		}
		arches[p.Name][p.Arch] = true
	}
	for _, p := range pkgs {
		have[p.Name], have[p.Name+"."+p.Arch] = true, true
	}
	var out []string
	for _, p := range n {
		spec := p.Name
		if len(arches[p.Name]) > 1 { // of a library in two architectures one can be lost
			spec += "." + p.Arch
		}
		if !have[spec] && !replaced[p.Name] {
			out = append(out, spec)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// noteRefused is the job's exit code for "the note cannot be written".
const noteRefused = 42

// script writes the note. A transaction that cannot be noted does not begin:
// nobody could complete it.
func (n note) script(path string) string {
	lines := make([]string, len(n))
	for i, p := range n {
		lines[i] = p.String()
	}
	return "note=" + host.Quote(path) + "\nprintf '%s\\n' " + host.QuoteArgv(lines) + fmt.Sprintf(` >"$note.new" && { sync -f "$note.new" 2>/dev/null || sync; } && mv -f "$note.new" "$note" ||
  { echo "ferry: $note cannot be written, so the transaction was not begun" >&2; exit %d; }
`, noteRefused)
}

// noteEnd is the part of the transaction's script that removes the note once
// every package is there, and there once. It does not wait for ferry, which may
// never come back: a note that outlives its transaction would one day bring back
// what somebody has removed since. After a dnf that was killed ($ended) rpm may wait
// for a lock for ever.
const noteEnd = `
rm -f "$note.have"
[ $ended -ge 128 ] || timeout -k 5 120 rpm -qa --qf '` + noteFormat + `' 2>/dev/null >"$note.have"
case $? in 124|137) rm -f "$note.have";; esac
if [ -s "$note.have" ] && ! grep -qvxFf "$note.have" "$note" &&
   [ -z "$(grep -v -e ^gpg-pubkey- -e ^kernel- -e ^kmod- "$note.have" | sed 's/-[0-9]*:.*\././' | sort | uniq -d)" ]; then
  rm -f "$note"
fi
rm -f "$note.have"
`
