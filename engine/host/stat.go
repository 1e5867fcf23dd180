package host

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

const statFormat = `'%f/%s/%U/%G/%u/%g/%Y'`

const statScript = `if [ -h "$1" ]; then stat -c ` + statFormat + ` -- "$1" && exec readlink -- "$1"; fi; exec stat -c ` + statFormat + ` -- "$1"`

// lookScript prints a line about $1 and, if it is a regular file, its first $2
// bytes. For what is neither file nor link it prints the line alone.
const lookScript = `stat -c ` + statFormat + ` -- "$1" || exit
if [ -h "$1" ] || [ ! -f "$1" ]; then exit 0; fi
exec head -c "$2" -- "$1"`

func (b *base) Look(ctx context.Context, path string) (FileInfo, []byte, error) {
	q := fileQuestion(askLook, path)
	c := q.alone()
	r, err := b.AskShared(ctx, q)
	if err != nil {
		return FileInfo{}, nil, err
	}
	line, text, ok := bytes.Cut(r.Stdout, []byte("\n"))
	if !ok && r.Code != 0 {
		return FileInfo{}, nil, pathError("stat", path, c, r)
	}
	fi, err := parseStat(string(line))
	fi.Path = path
	if err != nil || fi.Type != "file" {
		return fi, nil, err
	}
	text, err = content(path, c, r, text)
	return fi, text, err
}

func (b *base) Stat(ctx context.Context, path string) (FileInfo, error) {
	q := fileQuestion(askStat, path)
	r, err := b.AskShared(ctx, q)
	if err != nil {
		return FileInfo{}, err
	}
	if r.Code != 0 {
		return FileInfo{}, pathError("stat", path, q.alone(), r)
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
