package distro

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// aptSource is one archive line of apt's configuration.
type aptSource struct {
	uri        string
	suites     []string
	components []string
	options    map[string]string
}

// Mirror returns the Debian archive this machine's apt is configured to use,
// found under root (normally "/"). Third-party archives are passed over: a
// Debian archive is one that offers component main of a suite named like the
// machine's own release.
func Mirror(root string) (string, error) {
	codename, err := debianCodename(root)
	if err != nil {
		return "", err
	}
	sources, err := readAptSources(root)
	if err != nil {
		return "", err
	}
	for _, s := range sources {
		// The plain suite: "bookworm-security" and "-updates" live in other archives or hold only a part.
		plain := slices.Contains(s.suites, codename) || slices.Contains(s.suites, "stable") || slices.Contains(s.suites, "oldstable")
		if plain && slices.Contains(s.components, "main") {
			return s.uri, nil
		}
	}
	return "", fmt.Errorf("no Debian archive in apt's configuration: no entry under %s has suite %q and component main; add one, the lab installs both its distributions from it",
		filepath.Join(root, "etc/apt"), codename)
}

// debianCodename reads the machine's release from os-release.
func debianCodename(root string) (string, error) {
	b, err := os.ReadFile(filepath.Join(root, "etc/os-release"))
	if err != nil {
		return "", fmt.Errorf("cannot tell which system this is: %w", err)
	}
	release := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			release[k] = strings.Trim(v, `"'`)
		}
	}
	if release["ID"] != "debian" || release["VERSION_CODENAME"] == "" {
		return "", fmt.Errorf("this machine runs %q, the lab needs Debian: it is built with mmdebstrap and booted with systemd-nspawn from Debian's packages", release["ID"])
	}
	return release["VERSION_CODENAME"], nil
}

// readAptSources reads sources.list and everything in sources.list.d.
func readAptSources(root string) ([]aptSource, error) {
	var all []aptSource
	dir := filepath.Join(root, "etc/apt")
	files := []string{filepath.Join(dir, "sources.list")}
	for _, pattern := range []string{"*.list", "*.sources"} {
		found, err := filepath.Glob(filepath.Join(dir, "sources.list.d", pattern))
		if err != nil {
			return nil, err
		}
		sort.Strings(found)
		files = append(files, found...)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read apt's configuration: %w", err)
		}
		if strings.HasSuffix(file, ".sources") {
			all = append(all, parseDeb822(string(b))...)
		} else {
			all = append(all, parseOneLine(string(b))...)
		}
	}
	return all, nil
}

// parseOneLine reads the classic format: deb [options] URI SUITE COMPONENT...
func parseOneLine(text string) []aptSource {
	var out []aptSource
	scan := bufio.NewScanner(strings.NewReader(text))
	for scan.Scan() {
		line, _, _ := strings.Cut(scan.Text(), "#")
		line = strings.TrimSpace(line)
		rest, ok := strings.CutPrefix(line, "deb")
		if !ok || rest == "" || (rest[0] != ' ' && rest[0] != '\t') {
			continue // deb-src, or not an entry
		}
		s := aptSource{options: map[string]string{}}
		rest = strings.TrimSpace(rest)
		if strings.HasPrefix(rest, "[") {
			opts, after, ok := strings.Cut(rest[1:], "]")
			if !ok {
				continue
			}
			for _, o := range strings.Fields(opts) {
				k, v, _ := strings.Cut(o, "=")
				s.options[strings.ToLower(k)] = v
			}
			rest = after
		}
		fields := strings.Fields(rest)
		if len(fields) < 2 {
			continue
		}
		s.uri, s.suites, s.components = strings.TrimSuffix(fields[0], "/"), fields[1:2], fields[2:]
		out = append(out, s)
	}
	return out
}

// parseDeb822 reads the paragraph format of *.sources files.
func parseDeb822(text string) []aptSource {
	var out []aptSource
	for _, p := range parseParagraphs(text) {
		if strings.EqualFold(p["enabled"], "no") || !slices.Contains(strings.Fields(p["types"]), "deb") {
			continue
		}
		for _, uri := range strings.Fields(p["uris"]) {
			out = append(out, aptSource{
				uri:        strings.TrimSuffix(uri, "/"),
				suites:     strings.Fields(p["suites"]),
				components: strings.Fields(p["components"]),
				options:    map[string]string{"signed-by": p["signed-by"]},
			})
		}
	}
	return out
}

// parseParagraphs reads RFC 822 style paragraphs, as apt and dpkg write them.
// Field names are lower-cased; continuation lines keep their line break.
func parseParagraphs(text string) []map[string]string {
	var out []map[string]string
	cur, key := map[string]string{}, ""
	flush := func() {
		if len(cur) > 0 {
			out = append(out, cur)
		}
		cur, key = map[string]string{}, ""
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.TrimSpace(line) == "":
			flush()
		case line[0] == ' ' || line[0] == '\t':
			if key != "" {
				cur[key] += "\n" + strings.TrimSpace(line)
			}
		default:
			k, v, ok := strings.Cut(line, ":")
			if !ok {
				continue
			}
			key = strings.ToLower(strings.TrimSpace(k))
			cur[key] = strings.TrimSpace(v)
		}
	}
	flush()
	return out
}
