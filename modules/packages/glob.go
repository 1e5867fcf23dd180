package packages

import "path"

// matchAny reports whether a name matches one of the globs.
func matchAny(globs []string, name string) bool {
	for _, g := range globs {
		if ok, err := path.Match(g, name); err == nil && ok {
			return true
		}
	}
	return false
}

// badGlob returns the first pattern that is no glob, or "".
func badGlob(globs []string) string {
	for _, g := range globs {
		if _, err := path.Match(g, ""); err != nil {
			return g
		}
	}
	return ""
}
