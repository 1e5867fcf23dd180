package system

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
)

// readKeys returns the content of authorized_keys. A link in the user's hands
// could make ferry write any file of the host, so there is no following one.
func readKeys(ctx context.Context, r host.Reader, home string) (string, error) {
	for _, p := range []string{path.Join(home, ".ssh"), keysPath(home)} {
		fi, there, err := stat(ctx, r, p)
		if err != nil || !there {
			return "", err
		}
		if fi.Type == "link" {
			return "", fmt.Errorf("%s is a symbolic link, which its owner could point anywhere, so no key is written there. Replace it by what it points to", p)
		}
	}
	text, _, err := read(ctx, r, keysPath(home))
	return text, err
}

func keysPath(home string) string { return path.Join(home, ".ssh", "authorized_keys") }

func (s *user) addKeys(ctx context.Context, h host.Host) error {
	if len(s.keys) == 0 {
		return nil
	}
	a, err := s.look(ctx, h) // the home may be another now
	if err != nil {
		return err
	}
	switch {
	case a == nil && s.added:
		return fmt.Errorf("useradd reports success, and the host does not know the user %s. Look whether /etc/nsswitch.conf names \"files\" for passwd", s.name)
	case a == nil:
		return fmt.Errorf("the user %s was there a moment ago and is gone. Something else changes the users of the host", s.name)
	}
	miss := missingKeys(s.keys, a.keysFile)
	if len(miss) == 0 {
		return nil
	}
	if !path.IsAbs(a.home) {
		return fmt.Errorf("the user %s has no home directory, so there is no place for keys. Give the argument \"home\"", s.name)
	}
	_, there, err := stat(ctx, h, a.home)
	if err != nil {
		return err
	}
	if !there {
		return fmt.Errorf("the home directory %s of the user %s does not exist, so there is no place for keys. Make it with a task \"file\" first", a.home, s.name)
	}
	text := a.keysFile
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	text += strings.Join(miss, "\n") + "\n"
	dir := path.Join(a.home, ".ssh")
	uid, gid := fmt.Sprint(a.uid), fmt.Sprint(a.gid)
	for _, argv := range [][]string{{"mkdir", "-p", "--", dir}, {"chown", "-h", "--", uid + ":" + gid, dir}, {"chmod", "--", "0700", dir}} {
		if err := do(ctx, h, argv...); err != nil {
			return err
		}
	}
	return h.WriteFile(ctx, keysPath(a.home), []byte(text), host.Attr{Mode: 0o600, Owner: uid, Group: gid})
}

var keyType = regexp.MustCompile(`^(ssh-(rsa|dss|ed25519)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)(-cert-v01@openssh\.com)?$`)

// keyBlob returns the key itself of a line of authorized_keys, without options
// and comment, or "".
func keyBlob(line string) string {
	f := strings.Fields(line)
	for i := 1; i < len(f); i++ {
		if strings.HasPrefix(f[i], "AAAA") && keyType.MatchString(f[i-1]) {
			return f[i]
		}
	}
	return ""
}

// keyTitle names a key in a plan: its comment, or its type.
func keyTitle(line string) string {
	blob := keyBlob(line)
	before, after, _ := strings.Cut(line, blob)
	if c := strings.TrimSpace(after); c != "" {
		return c
	}
	f := strings.Fields(before)
	return f[len(f)-1] + " …" + blob[max(0, len(blob)-8):]
}

// missingKeys returns the lines whose key is not in the file.
func missingKeys(want []string, file string) []string {
	have := map[string]bool{}
	for line := range strings.Lines(file) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			have[keyBlob(line)] = true
		}
	}
	var out []string
	for _, k := range want {
		if b := keyBlob(k); !have[b] {
			have[b] = true
			out = append(out, strings.TrimSpace(k))
		}
	}
	return out
}
