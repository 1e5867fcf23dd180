package distro

import (
	"strconv"
	"strings"
)

// evr is an RPM epoch, version and release.
type evr struct {
	epoch   uint32
	version string
	release string
}

// fromDebian turns a Debian version into the version and release of a package
// with the given dist tag. Debian's epoch is dropped: the real distributions
// do not have it, and where the target needs one to be newer it gets its own.
func fromDebian(version, dist string) evr {
	if _, after, ok := strings.Cut(version, ":"); ok {
		version = after
	}
	upstream, revision := version, "1"
	if i := strings.LastIndexByte(version, '-'); i >= 0 {
		upstream, revision = version[:i], version[i+1:]
	}
	// "9+deb12u3" is Debian's way to count its own rebuilds; the dist tag takes its place.
	revision, _, _ = strings.Cut(revision, "+")
	revision, _, _ = strings.Cut(revision, "~")
	clean := func(s string) string { return strings.NewReplacer("-", "_", ":", "_").Replace(s) }
	return evr{version: clean(upstream), release: clean(revision) + dist}
}

// newerThan raises v's epoch, if it must, until v is newer than old.
func (v evr) newerThan(old evr) evr {
	if v.epoch < old.epoch {
		v.epoch = old.epoch
	}
	if v.epoch == old.epoch && compareEVR(v, old) <= 0 {
		v.epoch++
	}
	return v
}

func (v evr) String() string {
	s := v.version + "-" + v.release
	if v.epoch > 0 {
		s = strconv.FormatUint(uint64(v.epoch), 10) + ":" + s
	}
	return s
}

// compareEVR orders two versions as rpm does.
func compareEVR(a, b evr) int {
	if a.epoch != b.epoch {
		if a.epoch < b.epoch {
			return -1
		}
		return 1
	}
	if c := rpmvercmp(a.version, b.version); c != 0 {
		return c
	}
	return rpmvercmp(a.release, b.release)
}

// rpmvercmp is rpm's segment-wise comparison, with tilde and caret.
func rpmvercmp(a, b string) int {
	if a == b {
		return 0
	}
	separator := func(r rune) bool {
		return !isDigit(byte(r)) && !isAlpha(byte(r)) && r != '~' && r != '^'
	}
	for a != "" || b != "" {
		a, b = strings.TrimLeftFunc(a, separator), strings.TrimLeftFunc(b, separator)
		if at, bt := strings.HasPrefix(a, "~"), strings.HasPrefix(b, "~"); at || bt {
			if !at {
				return 1
			}
			if !bt {
				return -1
			}
			a, b = a[1:], b[1:]
			continue
		}
		if ac, bc := strings.HasPrefix(a, "^"), strings.HasPrefix(b, "^"); ac || bc {
			switch {
			case a == "":
				return -1
			case b == "":
				return 1
			case !ac:
				return 1
			case !bc:
				return -1
			}
			a, b = a[1:], b[1:]
			continue
		}
		if a == "" || b == "" {
			break
		}
		class := isAlpha
		if isDigit(a[0]) {
			class = isDigit
		}
		as, bs := leading(a, class), leading(b, class)
		if bs == "" { // different kinds: a number is newer than letters
			if isDigit(a[0]) {
				return 1
			}
			return -1
		}
		a, b = a[len(as):], b[len(bs):]
		if isDigit(as[0]) {
			as, bs = strings.TrimLeft(as, "0"), strings.TrimLeft(bs, "0")
			if len(as) != len(bs) {
				if len(as) < len(bs) {
					return -1
				}
				return 1
			}
		}
		if c := strings.Compare(as, bs); c != 0 {
			return c
		}
	}
	switch {
	case a == "" && b == "":
		return 0
	case a == "":
		return -1
	default:
		return 1
	}
}

func leading(s string, class func(byte) bool) string {
	i := 0
	for i < len(s) && class(s[i]) {
		i++
	}
	return s[:i]
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isAlpha(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
