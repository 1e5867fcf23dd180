package host

import (
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

const statScript = `stat -c '%f/%s/%U/%G/%u/%g/%Y' -- "$1" && if [ -h "$1" ]; then readlink -- "$1"; fi`

func (b *base) Stat(ctx context.Context, path string) (FileInfo, error) {
	argv := script(statScript, path)
	r, err := b.t.Run(ctx, Command{Argv: argv, ReadOnly: true})
	if err != nil {
		return FileInfo{}, err
	}
	if r.Code != 0 {
		return FileInfo{}, pathError("stat", path, argv, r)
	}
	fi, err := parseStat(string(r.Stdout))
	fi.Path = path
	return fi, err
}

// parseStat reads the output of statScript.
func parseStat(out string) (FileInfo, error) {
	line, target, _ := strings.Cut(out, "\n")
	f := strings.Split(line, "/")
	if len(f) != 7 {
		return FileInfo{}, fmt.Errorf("stat on the host printed %q, which is not understood", Shorten(line, 80))
	}
	raw, err := strconv.ParseUint(f[0], 16, 32)
	var nums [4]int64
	for i, s := range []string{f[1], f[4], f[5], f[6]} {
		if err == nil {
			nums[i], err = strconv.ParseInt(s, 10, 64)
		}
	}
	if err != nil {
		return FileInfo{}, fmt.Errorf("stat on the host printed %q: %w", Shorten(line, 80), err)
	}
	return FileInfo{
		Type: unixType(raw), Size: nums[0], Mode: GoMode(uint32(raw)),
		Owner: f[2], Group: f[3], UID: int(nums[1]), GID: int(nums[2]),
		ModTime: time.Unix(nums[3], 0).UTC(), Target: strings.TrimSuffix(target, "\n"),
	}, nil
}

func unixType(raw uint64) string {
	switch raw & 0o170000 {
	case 0o100000:
		return "file"
	case 0o040000:
		return "directory"
	case 0o120000:
		return "link"
	}
	return "other"
}

// GoMode turns Unix permission bits (with setuid, setgid, sticky) into an
// fs.FileMode.
func GoMode(unix uint32) fs.FileMode {
	m := fs.FileMode(unix & 0o777)
	if unix&0o4000 != 0 {
		m |= fs.ModeSetuid
	}
	if unix&0o2000 != 0 {
		m |= fs.ModeSetgid
	}
	if unix&0o1000 != 0 {
		m |= fs.ModeSticky
	}
	return m
}

// UnixMode is the inverse of GoMode.
func UnixMode(m fs.FileMode) uint32 {
	u := uint32(m.Perm())
	if m&fs.ModeSetuid != 0 {
		u |= 0o4000
	}
	if m&fs.ModeSetgid != 0 {
		u |= 0o2000
	}
	if m&fs.ModeSticky != 0 {
		u |= 0o1000
	}
	return u
}
