package distro

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// accounts are the users and groups of a tree, by number and by name.
type accounts struct {
	uids, gids map[int]string
	groupOf    map[string]string // user -> primary group
	home       map[string]string
}

func readAccounts(root string) (*accounts, error) {
	a := &accounts{uids: map[int]string{}, gids: map[int]string{}, groupOf: map[string]string{}, home: map[string]string{}}
	groups, err := os.ReadFile(filepath.Join(root, "etc/group"))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(groups)) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) >= 3 {
			if id, err := strconv.Atoi(f[2]); err == nil {
				a.gids[id] = f[0]
			}
		}
	}
	users, err := os.ReadFile(filepath.Join(root, "etc/passwd"))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(users)) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) >= 7 {
			uid, uerr := strconv.Atoi(f[2])
			gid, gerr := strconv.Atoi(f[3])
			if uerr == nil && gerr == nil {
				a.uids[uid], a.groupOf[f[0]], a.home[f[0]] = f[0], a.gids[gid], f[5]
			}
		}
	}
	return a, nil
}

// of names the owner and group of a file of the tree.
func (a *accounts) of(info fs.FileInfo) (user, group string) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "root", "root"
	}
	if user = a.uids[int(st.Uid)]; user == "" {
		user = "root"
	}
	if group = a.gids[int(st.Gid)]; group == "" {
		group = "root"
	}
	return user, group
}

// dynamic reports whether a name has a number that is handed out when a
// package is installed, rather than one every system has.
func (a *accounts) dynamic(ids map[int]string, name string) bool {
	for id, n := range ids {
		if n == name {
			return id >= 100 && id < 1000
		}
	}
	return false
}
