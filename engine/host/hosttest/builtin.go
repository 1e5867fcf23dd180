package hosttest

import (
	"crypto/sha256"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
)

// builtin runs the few commands on files that need no script: their effect is on
// the fake's own files. ok is false for every other command. A query cannot
// change anything.
func (h *Host) builtin(argv []string, write bool) (res host.Result, ok bool) {
	if len(argv) == 0 {
		return res, false
	}
	name, opts, args := split(argv)
	switch {
	case name == "sha256sum" && len(args) == 1:
		f := h.at(h.follow(args[0]))
		if f == nil || f.kind != "file" {
			return fails("sha256sum: %s: No such file or directory", args[0]), true
		}
		return host.Result{Stdout: fmt.Appendf(nil, "%x  %s\n", sha256.Sum256(f.content), args[0])}, true
	case !write:
		return res, false
	case name == "chown" && opts == "-h" && len(args) == 2:
		return h.chown(args[0], args[1]), true
	case name == "chmod" && opts == "" && len(args) == 2:
		return h.chmod(args[0], args[1]), true
	case name == "mkdir" && opts == "-p" && len(args) == 1:
		return h.mkdir(args[0]), true
	case name == "rm" && strings.HasPrefix(opts, "-"):
		for _, p := range args {
			if f := h.at(p); f != nil && f.kind == "directory" && !strings.Contains(opts, "r") {
				return fails("rm: cannot remove '%s': Is a directory", p), true
			}
			h.parents(p)
			h.remove(p)
		}
		return res, true
	case name == "ln" && opts == "-sfnT" && len(args) == 2:
		if f := h.at(args[1]); f != nil && f.kind == "directory" {
			return fails("ln: %s: cannot overwrite directory", args[1]), true
		}
		h.files[args[1]] = &file{kind: "link", mode: 0o777, owner: "root", group: "root", target: args[0]}
		return res, true
	case (name == "cp" && opts == "-a" || name == "mv") && len(args) == 2:
		f := h.at(args[0])
		if f == nil || f.kind == "directory" {
			return fails("%s: cannot stat '%s': No such file or directory", name, args[0]), true
		}
		c := *f
		h.files[args[1]] = &c
		if name == "mv" {
			delete(h.files, args[0])
		}
		return res, true
	}
	return res, false
}

// split takes argv apart into the name, the options (joined by spaces) and what
// follows them.
func split(argv []string) (name, opts string, args []string) {
	i := 1
	var o []string
	for ; i < len(argv) && strings.HasPrefix(argv[i], "-") && argv[i] != "--"; i++ {
		o = append(o, argv[i])
	}
	if i < len(argv) && argv[i] == "--" {
		i++
	}
	return argv[0], strings.Join(o, " "), argv[i:]
}

func fails(format string, args ...any) host.Result {
	return host.Result{Code: 1, Stderr: fmt.Appendf(nil, format+"\n", args...)}
}

// own returns the file at p for changing.
func (h *Host) own(p string) *file {
	f := h.at(p)
	if f != nil {
		h.files[path.Clean(p)] = f
	}
	return f
}

func (h *Host) chown(who, p string) host.Result {
	f := h.own(p)
	if f == nil {
		return fails("chown: cannot access '%s': No such file or directory", p)
	}
	owner, group, _ := strings.Cut(who, ":")
	if owner != "" {
		f.owner = owner
	}
	if group != "" {
		f.group = group
	}
	return host.Result{}
}

func (h *Host) chmod(mode, p string) host.Result {
	f := h.own(h.follow(p))
	n, err := strconv.ParseUint(mode, 8, 32)
	if f == nil || err != nil {
		return fails("chmod: cannot access '%s': No such file or directory", p)
	}
	f.mode = uint32(n)
	return host.Result{}
}

func (h *Host) mkdir(p string) host.Result {
	for d := path.Clean(p); d != "/"; d = path.Dir(d) {
		switch f := h.at(h.follow(d)); {
		case f == nil:
			h.files[d] = &file{kind: "directory", mode: 0o755, owner: "root", group: "root"}
		case f.kind != "directory":
			return fails("mkdir: cannot create directory '%s': File exists", p)
		}
	}
	return host.Result{}
}
