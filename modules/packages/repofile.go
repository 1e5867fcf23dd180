package packages

import "strings"

// repoFile is a file of /etc/yum.repos.d as lines, so that what is not changed
// stays as its author wrote it.
type repoFile struct {
	lines []string
}

func parseRepoFile(text string) repoFile {
	if text == "" {
		return repoFile{}
	}
	return repoFile{strings.Split(strings.TrimSuffix(text, "\n"), "\n")}
}

func (f repoFile) String() string {
	if len(f.lines) == 0 {
		return ""
	}
	return strings.Join(f.lines, "\n") + "\n"
}

// section returns where the section of a repository begins (its header) and
// ends, exclusive.
func (f repoFile) section(id string) (from, to int, ok bool) {
	for i, l := range f.lines {
		name, isHeader := header(l)
		switch {
		case isHeader && ok:
			return from, i, true
		case isHeader && name == id:
			from, ok = i, true
		}
	}
	return from, len(f.lines), ok
}

func header(line string) (string, bool) {
	s := strings.TrimSpace(line)
	if len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' {
		return s[1 : len(s)-1], true
	}
	return "", false
}

// ids returns the repositories of the file.
func (f repoFile) ids() []string {
	var out []string
	for _, l := range f.lines {
		if id, ok := header(l); ok && id != "main" {
			out = append(out, id)
		}
	}
	return out
}

// get returns a setting of a repository; continuation lines are joined by a space.
func (f repoFile) get(id, key string) (string, bool) {
	from, to, ok := f.section(id)
	if !ok {
		return "", false
	}
	for i := from + 1; i < to; i++ {
		k, v, found := setting(f.lines[i])
		if !found || k != key {
			continue
		}
		for i++; i < to && continues(f.lines[i]); i++ {
			v += " " + strings.TrimSpace(f.lines[i])
		}
		return strings.TrimSpace(v), true
	}
	return "", false
}

func setting(line string) (key, value string, ok bool) {
	s := strings.TrimSpace(line)
	if s == "" || s[0] == '#' || s[0] == ';' || line[0] == ' ' || line[0] == '\t' {
		return "", "", false
	}
	key, value, ok = strings.Cut(s, "=")
	return strings.TrimSpace(key), strings.TrimSpace(value), ok
}

func continues(line string) bool {
	return line != "" && (line[0] == ' ' || line[0] == '\t') && strings.TrimSpace(line) != ""
}

// set gives a setting of a repository a value, adding the repository or the
// setting if it is not there.
func (f *repoFile) set(id, key, value string) {
	from, to, ok := f.section(id)
	if !ok {
		if len(f.lines) > 0 && strings.TrimSpace(f.lines[len(f.lines)-1]) != "" {
			f.lines = append(f.lines, "")
		}
		f.lines = append(f.lines, "["+id+"]", key+"="+value)
		return
	}
	for i := from + 1; i < to; i++ {
		if k, _, found := setting(f.lines[i]); found && k == key {
			end := i + 1
			for end < to && continues(f.lines[end]) {
				end++
			}
			f.lines = append(f.lines[:i:i], append([]string{key + "=" + value}, f.lines[end:]...)...)
			return
		}
	}
	for to > from+1 && strings.TrimSpace(f.lines[to-1]) == "" {
		to--
	}
	f.lines = append(f.lines[:to:to], append([]string{key + "=" + value}, f.lines[to:]...)...)
}

// unset removes a setting of a repository.
func (f *repoFile) unset(id, key string) {
	from, to, ok := f.section(id)
	if !ok {
		return
	}
	for i := from + 1; i < to; i++ {
		if k, _, found := setting(f.lines[i]); found && k == key {
			end := i + 1
			for end < to && continues(f.lines[end]) {
				end++
			}
			f.lines = append(f.lines[:i:i], f.lines[end:]...)
			return
		}
	}
}

// remove takes a repository out of the file.
func (f *repoFile) remove(id string) {
	for {
		from, to, ok := f.section(id)
		if !ok {
			return
		}
		f.lines = append(f.lines[:from:from], f.lines[to:]...)
	}
}

// enabled reports whether dnf uses the repository; it does unless told otherwise.
func (f repoFile) enabled(id string) bool {
	v, ok := f.get(id, "enabled")
	switch strings.ToLower(v) {
	case "0", "no", "false", "off":
		return false
	}
	return !ok || v != ""
}
