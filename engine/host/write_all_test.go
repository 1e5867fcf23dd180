package host

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// listing describes all below a directory; temporary files would be in it.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		line := fmt.Sprintf("%s %04o", strings.TrimPrefix(p, dir), UnixMode(fi.Mode()))
		if d.Type().IsRegular() {
			b, err := os.ReadFile(p) //nolint:gosec // of this test
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %q", b)
		} else if d.IsDir() {
			line += " dir"
		}
		out = append(out, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}

// What WriteAll does in every shell that a host may have as /bin/sh.
func TestWriteAll(t *testing.T) {
	binary := "\x00\xff'\\\n\n"
	file := func(path, text string, mode uint32) Entry {
		return Entry{Path: path, Content: []byte(text), Attr: Attr{Mode: GoMode(mode)}}
	}
	dir := func(path string, mode uint32) Entry {
		return Entry{Path: path, Dir: true, Attr: Attr{Mode: GoMode(mode)}}
	}
	for name, c := range map[string]struct {
		there   string // shell text that makes what is there
		entries []Entry
		want    string
		fails   string
	}{
		"nothing": {},
		"directories and files": {
			entries: []Entry{dir("/d", 0o755), dir("/d/e f", 0o2750), file("/d/a", "one\n", 0o644), file("/d/e f/it's", "$x `y` \\n %s 'q'", 0o4755), file("/d/b", binary, 0o644), file("/d/empty", "", 0o644)},
			want: `/d 0755 dir
/d/a 0644 "one\n"
/d/b 0644 "\x00\xff'\\\n\n"
/d/e f 2750 dir
/d/e f/it's 4755 "$x ` + "`y`" + ` \\n %s 'q'"
/d/empty 0644 ""`,
		},
		"directories below one another": { // the second gets the group's bit of the first
			entries: []Entry{dir("/d", 0o2755), dir("/d/e", 0), file("/d/e/a", "a", 0o664)},
			want: `/d 2755 dir
/d/e 2755 dir
/d/e/a 0664 "a"`,
		},
		"a directory that cannot be made": {
			there: "echo x >f; mkdir e", entries: []Entry{dir("/d", 0), dir("/e", 0), dir("/f/g", 0), dir("/h", 0)},
			want: `/d 0755 dir
/e 0755 dir
/f 0644 "x\n"`, fails: "/f",
		},
		"a directory after a file": {
			entries: []Entry{file("/a", "a", 0o644), dir("/d/e", 0o700), file("/d/b", "b", 0)},
			want: `/a 0644 "a"
/d 0755 dir
/d/b 0644 "b"
/d/e 0700 dir`,
		},
		"what is there keeps its mode": {
			there: "echo old >a; chmod 0640 a; echo old >b; chmod 0604 b", entries: []Entry{file("/a", "new", 0), file("/b", "new", 0o644)},
			want: `/a 0640 "new"
/b 0644 "new"`,
		},
		"one directory is missing": {
			there: "echo old >a", entries: []Entry{file("/a", "new", 0o644), file("/d/b", "b", 0o644), dir("/e", 0o755)},
			want: `/a 0644 "old\n"`, fails: "/d/: No such file or directory",
		},
		"one is a directory": {
			there: "mkdir b", entries: []Entry{file("/a", "new", 0o644), file("/b", "b", 0o644)},
			want: `/b 0755 dir`, fails: "/b is not a regular file",
		},
		"one is a link": {
			there: "ln -s c b", entries: []Entry{file("/a", "new", 0o644), file("/b", "b", 0o644)},
			want: `/b 0777`, fails: "/b is a symbolic link",
		},
		"one is a FIFO": {
			there: "mkfifo b", entries: []Entry{file("/a", "new", 0o644), file("/b", "b", 0o644)},
			want: `/b 0644`, fails: "/b is not a regular file",
		},
		"an owner that is not": {
			entries: []Entry{file("/a", "new", 0o644), {Path: "/b", Attr: Attr{Owner: "no-such-user"}}}, fails: "no-such-user",
		},
		"a file in a directory's place": {
			there: "echo x >d", entries: []Entry{dir("/d", 0o755), file("/a", "a", 0o644)}, want: `/d 0644 "x\n"`, fails: "/d",
		},
	} {
		for _, sh := range [][]string{{"dash"}, {"bash", "--posix"}, {"busybox", "sh"}, {"/bin/sh"}} {
			t.Run(name+"/"+sh[0], func(t *testing.T) {
				bin, err := exec.LookPath(sh[0])
				if err != nil {
					t.Skipf("no %s on this machine", sh[0])
				}
				root := t.TempDir()
				if out, err := exec.Command("/bin/sh", "-c", "umask 022; cd \"$1\"; "+c.there, "sh", root).CombinedOutput(); err != nil { //nolint:gosec // above
					t.Fatalf("%v: %s", err, out)
				}
				entries := make([]Entry, len(c.entries))
				for i, e := range c.entries {
					e.Path = root + e.Path
					entries[i] = e
				}
				text, err := writeAllScript(entries)
				if err != nil {
					t.Fatal(err)
				}
				cmd := exec.Command(bin, append(sh[1:], "-c", "umask 022\n"+text)...) //nolint:gosec // shells of this machine
				out, err := cmd.CombinedOutput()
				if (err != nil) != (c.fails != "") || !strings.Contains(string(out), c.fails) {
					t.Errorf("%v: %s; want %q", err, out, c.fails)
				}
				if got := listing(t, root); got != c.want {
					t.Errorf("there is\n%s\nwant\n%s", got, c.want)
				}
			})
		}
	}
}

func TestWriteAllRefuses(t *testing.T) {
	for want, e := range map[string]Entry{
		"not absolute":  {Path: "a"},
		"shortest form": {Path: "/a/../b"},
		"too large":     {Path: "/a", Content: make([]byte, MaxWriteAll+1)},
	} {
		if _, err := writeAllScript([]Entry{e}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
