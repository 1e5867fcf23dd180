package distro

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// debian is one installed Debian package, as dpkg's database describes it.
type debian struct {
	name      string
	version   string
	arch      string
	summary   string
	depends   []string // first installed alternative of each dependency, versions dropped
	files     []string // absolute, with /usr merged
	conffiles map[string]bool
}

// readDpkg reads the dpkg database of the tree at root.
func readDpkg(root string) ([]debian, error) {
	admin := filepath.Join(root, "var/lib/dpkg")
	b, err := os.ReadFile(filepath.Join(admin, "status"))
	if err != nil {
		return nil, fmt.Errorf("the tree has no dpkg database: %w", err)
	}
	paragraphs := parseParagraphs(string(b))
	providers := map[string]string{}
	for _, p := range paragraphs {
		providers[p["package"]] = p["package"]
	}
	for _, p := range paragraphs {
		for _, v := range splitList(p["provides"]) {
			if _, ok := providers[v]; !ok {
				providers[v] = p["package"]
			}
		}
	}
	var out []debian
	for _, p := range paragraphs {
		if p["status"] != "install ok installed" {
			continue
		}
		d := debian{name: p["package"], version: p["version"], arch: p["architecture"], conffiles: map[string]bool{}}
		d.summary, _, _ = strings.Cut(p["description"], "\n")
		for line := range strings.Lines(p["conffiles"]) {
			if f := strings.Fields(line); len(f) > 0 {
				d.conffiles[mergeUsr(f[0])] = true
			}
		}
		for _, group := range splitList(p["pre-depends"] + "," + p["depends"]) {
			for _, alternative := range strings.Split(group, "|") {
				if dep, ok := providers[bareName(alternative)]; ok {
					d.depends = append(d.depends, dep)
					break
				}
			}
		}
		if d.files, err = readFileList(admin, d); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].name < out[j].name })
	return out, nil
}

func readFileList(admin string, d debian) ([]string, error) {
	list := filepath.Join(admin, "info", d.name+".list")
	if _, err := os.Stat(list); err != nil { // Multi-Arch: same packages carry their architecture
		list = filepath.Join(admin, "info", d.name+":"+d.arch+".list")
	}
	b, err := os.ReadFile(list)
	if err != nil {
		return nil, fmt.Errorf("package %s has no file list: %w", d.name, err)
	}
	var files []string
	for line := range strings.Lines(string(b)) {
		if f := strings.TrimRight(line, "\n"); f != "" && f != "/." {
			files = append(files, mergeUsr(f))
		}
	}
	return files, nil
}

// splitList splits a comma separated relation field; alternatives stay joined.
func splitList(field string) []string {
	var out []string
	for part := range strings.SplitSeq(field, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		if !strings.Contains(part, "|") {
			part = bareName(part)
		}
		out = append(out, part)
	}
	return out
}

// bareName drops version, architecture and spaces from one relation.
func bareName(relation string) string {
	relation = strings.TrimSpace(relation)
	if i := strings.IndexAny(relation, " (:"); i >= 0 {
		relation = relation[:i]
	}
	return relation
}

// mergeUsr gives the name a path has where /bin, /sbin and /lib* are links
// into /usr, as they are in both distributions.
func mergeUsr(p string) string {
	for _, d := range []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"} {
		if p == d || strings.HasPrefix(p, d+"/") {
			return "/usr" + p
		}
	}
	return p
}
