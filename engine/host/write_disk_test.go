package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A disk that does not take what is written must not cost the file that was there.
// A sync that cannot do what it is asked is another matter.
func TestWritesToABadDisk(t *testing.T) {
	for name, c := range map[string]struct {
		says  string // by the sync of a file; that of everything works
		fails bool
	}{
		"an error":                   {"sync: error syncing '$2': Input/output error", true},
		"a full pool":                {"sync: error syncing '$2': No space left on device", true},
		"an error of one of several": {"sync: error syncing '/a': Invalid argument\nsync: error syncing '$2': Input/output error", true},
		"no names":                   {"sync: unrecognized option", false},
		"not supported":              {"sync: error syncing '$2': Invalid argument", false},
	} {
		for _, sh := range [][]string{{"dash"}, {"bash", "--posix"}, {"busybox", "sh"}} {
			for _, way := range []string{"one", "all"} {
				t.Run(name+"/"+sh[0]+"/"+way, func(t *testing.T) {
					bin, err := exec.LookPath(sh[0])
					if err != nil {
						t.Skipf("no %s on this machine", sh[0])
					}
					root, programs := t.TempDir(), t.TempDir()
					fake := "#!/bin/sh\n[ $# = 0 ] && exit 0\ncase $2 in *.ferry.*) printf '%s\\n' \"" + c.says + "\" >&2; exit 1;; esac\n"
					if err := os.WriteFile(filepath.Join(programs, "sync"), []byte(fake), 0o700); err != nil { //nolint:gosec // a program
						t.Fatal(err)
					}
					path := filepath.Join(root, "fstab")
					if err := os.WriteFile(path, []byte("good\n"), 0o600); err != nil {
						t.Fatal(err)
					}
					text, err := writeAllScript([]Entry{{Path: path, Content: []byte("new\n")}})
					if err != nil {
						t.Fatal(err)
					}
					args := []string{"sh"}
					if way == "one" {
						text = "input() { echo new; }\n" + writeScript
						args = append(args, writeArgs(path, Attr{}, "", "")...)
					}
					cmd := exec.Command(bin, append(append(sh[1:len(sh):len(sh)], "-c", text), args...)...) //nolint:gosec // shells of this machine
					cmd.Env = append(os.Environ(), "PATH="+programs+":"+os.Getenv("PATH"))
					out, err := cmd.CombinedOutput()
					want := "/fstab 0600 \"new\\n\""
					if c.fails {
						want = "/fstab 0600 \"good\\n\""
					}
					if (err != nil) != c.fails || c.fails && !strings.Contains(string(out), "the disk does not take what is written") {
						t.Errorf("%v: %s", err, out)
					}
					if got := listing(t, root); got != want {
						t.Errorf("there is\n%s\nwant\n%s", got, want)
					}
				})
			}
		}
	}
}

// Whoever may write beside a file could put a link to a directory in its place while
// it is written: it is never moved into one.
func TestPlaceIsNoDirectory(t *testing.T) {
	for _, mv := range []string{"", "[ \"$1\" = -fT ] && { echo 'no such option' >&2; exit 1; }\n"} {
		root, programs := t.TempDir(), t.TempDir()
		real, err := exec.LookPath("mv")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(programs, "mv"), []byte("#!/bin/sh\n"+mv+"exec "+real+" \"$@\"\n"), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
		text := placeFunction + "cd \"$1\"; mkdir d; ln -s d l; echo x >t; echo y >u; place t l; echo $?; place u f; echo $?; ls d f"
		cmd := exec.Command("/bin/sh", "-c", text, "sh", root) //nolint:gosec // above
		cmd.Env = append(os.Environ(), "PATH="+programs+":"+os.Getenv("PATH"))
		out, err := cmd.Output()
		if want := "1\n0\nf\n\nd:\n"; err != nil || mv != "" && string(out) != want || mv == "" && string(out) != "0\n0\nf\n\nd:\n" {
			t.Errorf("mv %q: %q, %v", mv, out, err)
		}
	}
}
