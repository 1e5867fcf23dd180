package source

import (
	"net/url"
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind is where a source comes from.
type Kind string

// The kinds of sources.
const (
	Dir     Kind = "directory"
	Git     Kind = "git"
	Archive Kind = "archive"
	Builtin Kind = "builtin" // part of ferry
)

// Address is a source as a playbook names it.
type Address struct {
	Kind Kind
	// Place is a path (directories, local archives), a URL without subdirectory
	// and without ferry's own parameters (git, remote archives), or the path
	// within the library (builtin).
	Place string
	// Subdir is a directory inside what is fetched, with slashes; empty is its root.
	Subdir string
	Ref    string // git: tag, branch or commit; empty leaves it to the version
	SHA256 string // archives: expected checksum of the file, in hexadecimal
}

const (
	maxAddress = 2048
	invalid    = "Invalid source"
	forms      = "A source is a directory (\"./roles/web\"), a git repository (\"git::https://host/repo.git//directory?ref=v1.2\") or an archive (\"./web.tar.gz\", \"https://host/web.zip\")."
)

var (
	archiveName = regexp.MustCompile(`\.(tar\.gz|tgz|tar|zip)$`)
	hexSum      = regexp.MustCompile(`^[0-9a-f]{64}$`)
	refName     = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./+@=-]{0,254}$`)
	scpLike     = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*@([A-Za-z0-9][A-Za-z0-9.-]*):([^/:][^:]*)$`)
)

// Parse reads a source address. Its errors are *Error.
func Parse(s string) (Address, error) {
	switch {
	case s == "":
		return Address{}, errorf(invalid, "The source is empty. %s", forms)
	case len(s) > maxAddress || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == ' ' || r == '\\' }):
		return Address{}, errorf(invalid, "The source holds a blank, a backslash or a control character, or has more than %d bytes; no source does. %s", maxAddress, forms)
	}
	if rest, ok := strings.CutPrefix(s, "git::"); ok {
		return parseGit(rest)
	}
	if rest, ok := strings.CutPrefix(s, "ferry//"); ok {
		p, err := subdir(rest)
		if strings.Contains(rest, "?") {
			err = errorf(invalid, "What is part of ferry takes nothing behind a question mark, as %q has.", s)
		}
		if err == nil && p == "" {
			err = errorf(invalid, "The source %q names nothing. Sets that are part of ferry are written \"ferry//stacks/nginx\".", s)
		}
		return Address{Kind: Builtin, Place: p}, err
	}
	if strings.HasPrefix(s, "https://") {
		return parseRemoteArchive(s)
	}
	if s == "." || s == ".." || strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../") || strings.HasPrefix(s, "/") {
		return parseLocal(s)
	}
	hint := ""
	switch scheme, _, _ := strings.Cut(s, "://"); {
	case scheme == "http":
		hint = " Nothing is fetched over http, where anybody on the way can change it: use https."
	case scheme != s:
		hint = " Write git::" + s + " if it is a git repository."
	case strings.Contains(strings.Split(s, "/")[0], "."), strings.Contains(s, "::"):
		hint = " A git repository is written git::https://…"
	default:
		hint = " Write ./" + s + " for a directory beside this file."
	}
	return Address{}, errorf(invalid, "%q cannot be read as a source.%s %s", s, hint, forms)
}

func parseLocal(s string) (Address, error) {
	file, query, hasQuery := strings.Cut(s, "?")
	whole := file
	file, sub, _ := cutSubdir(file)
	if clean := path.Clean(whole); !archiveName.MatchString(file) && archiveName.MatchString(clean) { // a slash too many
		file, sub = clean, ""
	}
	if !archiveName.MatchString(file) {
		if strings.Contains(s, "?") {
			return Address{}, errorf(invalid, "A directory takes nothing behind a question mark, as %q has.", s)
		}
		return Address{Kind: Dir, Place: path.Clean(s)}, nil
	}
	a := Address{Kind: Archive, Place: path.Clean(file)}
	var err error
	if a.Subdir, err = subdir(sub); err != nil {
		return Address{}, err
	}
	if hasQuery {
		sum, ok := strings.CutPrefix(query, "sha256=")
		if !ok {
			return Address{}, errorf(invalid, "An archive takes the parameter sha256 and no other; this one has %q.", query)
		}
		a.SHA256, err = checksum(sum)
	}
	return a, err
}

func parseRemoteArchive(s string) (Address, error) {
	place, query, _ := strings.Cut(s, "?")
	place, sub, _ := cutSubdir(place)
	a := Address{Kind: Archive}
	u, err := remote(place)
	if err != nil {
		return a, err
	}
	if !archiveName.MatchString(u.Path) {
		return a, errorf(invalid, "%q does not name an archive: .tar.gz, .tgz, .tar and .zip are known. Write git::%s if it is a git repository.", s, s)
	}
	if a.Subdir, err = subdir(sub); err != nil {
		return a, err
	}
	var others []string
	for p := range strings.SplitSeq(query, "&") {
		sum, ok := strings.CutPrefix(p, "sha256=")
		switch {
		case ok && a.SHA256 != "":
			return a, errorf(invalid, "%q gives two checksums.", s)
		case ok:
			if a.SHA256, err = checksum(sum); err != nil {
				return a, err
			}
		case p != "":
			others = append(others, p)
		}
	}
	a.Place = place
	if len(others) > 0 {
		a.Place += "?" + strings.Join(others, "&")
	}
	return a, nil
}

func parseGit(s string) (Address, error) {
	a := Address{Kind: Git}
	place, query, hasQuery := strings.Cut(s, "?")
	if m := scpLike.FindStringSubmatch(place); m != nil && !strings.Contains(place, "://") {
		place = "ssh://" + place[:strings.Index(place, ":")] + "/" + m[2]
	}
	place, sub, _ := cutSubdir(place)
	u, err := remote(place)
	if err != nil {
		return a, err
	}
	if u.Scheme == "file" && u.Host != "" {
		return a, errorf(invalid, "%q names a host; the repository of a file URL is on this machine: write git::file:///path/repo.git.", s)
	}
	a.Place = place
	if a.Subdir, err = subdir(sub); err != nil {
		return a, err
	}
	if hasQuery {
		ref, ok := strings.CutPrefix(query, "ref=")
		switch {
		case !ok:
			return a, errorf(invalid, "A git repository takes the parameter ref and no other; this one has %q.", query)
		case !refName.MatchString(ref) || strings.Contains(ref, "..") || strings.Contains(ref, "@{") || strings.HasSuffix(ref, ".lock"):
			return a, errorf(invalid, "%q is not the name of a tag, a branch or a commit.", ref)
		}
		a.Ref = ref
	}
	return a, nil
}

// remote checks a URL that is to be fetched.
func remote(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errorf(invalid, "%q is not a URL. %s", s, forms)
	case u.Scheme != "https" && u.Scheme != "ssh" && u.Scheme != "file":
		return nil, errorf(invalid, "%q: nothing is fetched over %q; https, ssh and file (git only) are possible.", s, u.Scheme)
	case u.Host == "" && u.Scheme != "file" || strings.HasPrefix(u.Host, "-") || strings.HasPrefix(u.User.Username(), "-"):
		return nil, errorf(invalid, "%q names no host.", s)
	case u.Path == "" || u.Path == "/":
		return nil, errorf(invalid, "%q names a host and nothing on it.", s)
	case u.Fragment != "" || strings.Contains(s, "#"):
		return nil, errorf(invalid, "%q has a part behind \"#\", which means nothing here. A tag or branch is given with ?ref=…", s)
	}
	if _, has := u.User.Password(); has {
		return nil, errorf(invalid, "The source holds a password, which would stand in the playbook, in the lock file and in every listing. Leave it to git's credential helper, to ~/.netrc or to an SSH key.")
	}
	return u, nil
}

// cutSubdir splits place//subdir; the // of a scheme is no such place.
func cutSubdir(s string) (place, sub string, found bool) {
	from := 0
	if i := strings.Index(s, "://"); i >= 0 {
		from = i + 3
		if strings.HasPrefix(s[from:], "/") { // file:///path
			from++
		}
	}
	i := strings.Index(s[from:], "//")
	if i < 0 {
		return s, "", false
	}
	return s[:from+i], s[from+i+2:], true
}

// subdir cleans a directory inside a source, which cannot be left.
func subdir(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == ".." {
			return "", errorf(invalid, "The directory %q behind \"//\" leaves the source.", s)
		}
	}
	p := strings.TrimPrefix(path.Clean("/"+s), "/")
	return p, nil
}

func checksum(s string) (string, error) {
	s = strings.ToLower(s)
	if !hexSum.MatchString(s) {
		return "", errorf(invalid, "%q is not a SHA-256 checksum: 64 hexadecimal digits.", s)
	}
	return s, nil
}

// Remote reports whether the source has to be fetched and pinned.
func (a Address) Remote() bool { return a.Kind == Git || a.Kind == Archive }

// Whole is the address without its subdirectory: what is fetched and pinned.
func (a Address) Whole() Address {
	a.Subdir = ""
	return a
}

// String is the address as it would be written; Parse reads it back.
func (a Address) String() string {
	place, query, _ := strings.Cut(a.Place, "?")
	if a.Subdir != "" {
		place += "//" + a.Subdir
	}
	var params []string
	if query != "" {
		params = append(params, query)
	}
	if a.Ref != "" {
		params = append(params, "ref="+a.Ref)
	}
	if a.SHA256 != "" {
		params = append(params, "sha256="+a.SHA256)
	}
	if len(params) > 0 {
		place += "?" + strings.Join(params, "&")
	}
	switch {
	case a.Kind == Git:
		return "git::" + place
	case a.Kind == Builtin:
		return "ferry//" + place
	case a.Remote() && strings.HasPrefix(place, "https://"), path.IsAbs(place), place == ".", place == "..", strings.HasPrefix(place, "../"):
		return place
	}
	return "./" + place
}
