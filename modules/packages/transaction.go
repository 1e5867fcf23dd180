package packages

import (
	"fmt"
	"sort"
	"strings"
)

// transaction is what a dnf transaction would do.
type transaction struct {
	Install, Upgrade, Downgrade, Reinstall, Remove []item
	// Replace are packages that others declare to replace (Obsoletes).
	Replace []item
	// Problems are the resolver's words when it found no solution, or the
	// transaction test's when it found conflicts.
	Problems string
	// Nothing says that dnf found nothing to do.
	Nothing bool
}

// item is one package of a transaction.
type item struct {
	Name, Arch, EVR string
	// Dependent says that nobody asked for its removal: something it needs goes.
	Dependent bool
}

func (t transaction) empty() bool {
	return len(t.Install)+len(t.Upgrade)+len(t.Downgrade)+len(t.Reinstall)+len(t.Remove) == 0
}

// touches returns the names of all packages the transaction handles.
func (t transaction) touches() map[string]bool {
	out := map[string]bool{}
	for _, list := range [][]item{t.Install, t.Upgrade, t.Downgrade, t.Reinstall, t.Remove, t.Replace} {
		for _, i := range list {
			out[i.Name] = true
		}
	}
	return out
}

// headings of dnf's table, in the C locale.
var headings = []struct {
	prefix    string
	list      func(*transaction) *[]item
	dependent bool
}{
	{"Installing", func(t *transaction) *[]item { return &t.Install }, false},
	{"Upgrading:", func(t *transaction) *[]item { return &t.Upgrade }, false},
	{"Downgrading:", func(t *transaction) *[]item { return &t.Downgrade }, false},
	{"Reinstalling:", func(t *transaction) *[]item { return &t.Reinstall }, false},
	{"Removing:", func(t *transaction) *[]item { return &t.Remove }, false},
	{"Updating:", func(t *transaction) *[]item { return &t.Upgrade }, false}, // yum's words here and in the next two
	{"Updating for dependencies:", func(t *transaction) *[]item { return &t.Upgrade }, false},
	{"Removing for dependencies:", func(t *transaction) *[]item { return &t.Remove }, true},
	{"Removing dependent packages", func(t *transaction) *[]item { return &t.Remove }, true},
	{"Removing unused dependencies", func(t *transaction) *[]item { return &t.Remove }, true},
}

// parseTransaction reads what dnf prints of a transaction. Rows are read word by
// word, because dnf breaks long ones into several lines.
func parseTransaction(out string) (transaction, error) {
	var t transaction
	var list *[]item
	var words []string
	dependent, table := false, false
	flush := func() error {
		defer func() { words = nil }()
		if list == nil {
			return nil
		}
		items, replaced, err := rows(words, dependent)
		*list = append(*list, items...)
		t.Replace = append(t.Replace, replaced...)
		return err
	}
	for line := range strings.Lines(out) {
		line = afterPrompt(strings.TrimRight(line, "\r\n"))
		if h, ok := heading(line); ok {
			if err := flush(); err != nil {
				return t, err
			}
			list, dependent, table = headings[h].list(&t), headings[h].dependent, true
			continue
		}
		switch {
		case strings.HasPrefix(line, " ") && table:
			words = append(words, strings.Fields(line)...)
		case strings.HasPrefix(line, "Nothing to do"):
			t.Nothing = true
		default:
			if err := flush(); err != nil {
				return t, err
			}
			list, table = nil, false
		}
	}
	if err := flush(); err != nil {
		return t, err
	}
	t.Problems = problems(out)
	return t, nil
}

// afterPrompt drops the prompts of a dnf shell before what it prints.
func afterPrompt(line string) string {
	for strings.HasPrefix(line, "> ") {
		line = line[2:]
	}
	return line
}

func heading(line string) (int, bool) {
	if !strings.HasSuffix(strings.TrimSpace(line), ":") {
		return 0, false
	}
	for i, h := range headings {
		if strings.HasPrefix(line, h.prefix) {
			return i, true
		}
	}
	return 0, false
}

// rows groups the words of a table: name arch version repository size [unit],
// with "replacing name.arch version" after a package that obsoletes others.
func rows(words []string, dependent bool) (items, replaced []item, err error) {
	for i := 0; i < len(words); {
		if words[i] == "replacing" {
			if i+2 >= len(words) {
				return items, replaced, fmt.Errorf("dnf's table of the transaction ends in the middle of a row")
			}
			name, arch := words[i+1], ""
			if j := strings.LastIndexByte(name, '.'); j > 0 {
				name, arch = name[:j], name[j+1:]
			}
			replaced = append(replaced, item{Name: name, Arch: arch, EVR: strings.TrimSuffix(words[i+2], ".")})
			i += 3
			continue
		}
		if i+4 >= len(words) {
			return items, replaced, fmt.Errorf("dnf's table of the transaction has a row that is not understood: %q", strings.Join(words[i:], " "))
		}
		items = append(items, item{Name: words[i], Arch: words[i+1], EVR: words[i+2], Dependent: dependent})
		i += 5
		if i < len(words) && isUnit(words[i]) {
			i++
		}
	}
	return items, replaced, nil
}

func isUnit(s string) bool {
	switch s {
	case "k", "M", "G", "T", "B":
		return true
	}
	return false
}

// problems returns the part of dnf's output that says why something failed.
func problems(out string) string {
	var keep []string
	on := false
	for line := range strings.Lines(out) {
		line = afterPrompt(strings.TrimRight(line, "\r\n"))
		switch {
		case strings.HasPrefix(line, "Error: Operation aborted"):
			continue
		case strings.HasPrefix(line, "Error:"), strings.HasPrefix(line, "Problem"), strings.HasPrefix(line, " Problem"),
			strings.HasPrefix(line, "Transaction test error"), strings.HasPrefix(line, "No match for argument"), strings.HasPrefix(line, "Failed to"):
			on = true
			keep = append(keep, line)
		case on && (strings.HasPrefix(line, " ") || strings.HasPrefix(line, "(try")):
			keep = append(keep, line)
		default:
			on = false
		}
	}
	if len(keep) > 40 {
		keep = append(keep[:40], fmt.Sprintf("… and %d more lines", len(keep)-40))
	}
	return strings.Join(keep, "\n")
}

// fileConflicts returns the installed packages whose files stand in the way of
// packages to be installed, from the words of rpm's transaction test.
func fileConflicts(out string) []string {
	seen := map[string]bool{}
	for line := range strings.Lines(out) {
		_, rest, ok := strings.Cut(line, "conflicts with file from package ")
		if ok && strings.Contains(line, " from install of ") {
			seen[strings.TrimSpace(rest)] = true
		}
	}
	names := make([]string, 0, len(seen))
	for n := range seen {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}
