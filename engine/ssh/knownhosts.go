package ssh

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the known_hosts format hashes names with it
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"strings"

	xssh "golang.org/x/crypto/ssh"
)

// knownKey is one line of a known_hosts file.
type knownKey struct {
	key  xssh.PublicKey
	file string
	line int
}

func (k knownKey) where() string { return fmt.Sprintf("%s:%d", k.file, k.line) }

// knownHosts answers which keys are recorded for a host. Plain names are
// indexed: with thousands of hosts a scan per login would cost seconds. It is
// not changed after it was read.
type knownHosts struct {
	byName  map[string][]knownKey
	other   []knownPattern // hashed names and patterns
	cas     []knownPattern // @cert-authority
	revoked map[string]knownKey
	// bad lists lines that could not be read; like OpenSSH, they are skipped.
	bad []string
}

type knownPattern struct {
	match func(name string) bool
	knownKey
}

func newKnownHosts() *knownHosts {
	return &knownHosts{byName: map[string][]knownKey{}, revoked: map[string]knownKey{}}
}

// read adds the lines of one file.
func (k *knownHosts) read(r io.Reader, file string) error {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, 4096), 1<<20)
	for n := 1; sc.Scan(); n++ {
		if err := k.addLine(sc.Text(), file, n); err != nil {
			k.bad = append(k.bad, fmt.Sprintf("%s:%d: %v", file, n, err))
		}
	}
	return sc.Err()
}

func (k *knownHosts) addLine(line, file string, n int) error {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return nil
	}
	fields := strings.Fields(line)
	marker := ""
	if strings.HasPrefix(fields[0], "@") {
		marker, fields = fields[0], fields[1:]
	}
	if len(fields) < 3 {
		return fmt.Errorf("too few fields")
	}
	raw, err := base64.StdEncoding.DecodeString(fields[2])
	if err != nil {
		return fmt.Errorf("key is not base64: %w", err)
	}
	key, err := xssh.ParsePublicKey(raw)
	if err != nil {
		return err
	}
	entry := knownKey{key: key, file: file, line: n}
	switch marker {
	case "@revoked":
		k.revoked[string(key.Marshal())] = entry
		return nil
	case "@cert-authority":
		m, err := matcher(fields[0])
		if err != nil {
			return err
		}
		k.cas = append(k.cas, knownPattern{m, entry})
		return nil
	case "":
	default:
		return fmt.Errorf("unknown marker %s", marker)
	}
	if !strings.ContainsAny(fields[0], "*?!|") {
		for _, name := range strings.Split(fields[0], ",") {
			name = normalName(name)
			k.byName[name] = append(k.byName[name], entry)
		}
		return nil
	}
	m, err := matcher(fields[0])
	if err != nil {
		return err
	}
	k.other = append(k.other, knownPattern{m, entry})
	return nil
}

// keys returns what is recorded for name, which is "host" or "[host]:port".
func (k *knownHosts) keys(name string) []knownKey {
	name = normalName(name)
	found := append([]knownKey(nil), k.byName[name]...)
	for _, p := range k.other {
		if p.match(name) {
			found = append(found, p.knownKey)
		}
	}
	return found
}

// authorities returns the certificate authorities trusted for name.
func (k *knownHosts) authorities(name string) []knownKey {
	var found []knownKey
	for _, p := range k.cas {
		if p.match(normalName(name)) {
			found = append(found, p.knownKey)
		}
	}
	return found
}

// normalName writes "[host]:22" as "host", in lower case as OpenSSH does.
func normalName(name string) string {
	name = strings.ToLower(name)
	if strings.HasPrefix(name, "[") {
		if h, p, err := net.SplitHostPort(name); err == nil && p == "22" {
			return h
		}
	}
	return name
}

// matcher reads the first field of a line: a hashed name or a list of
// patterns, of which a negated one that matches wins.
func matcher(field string) (func(string) bool, error) {
	if strings.HasPrefix(field, "|") {
		parts := strings.Split(field, "|")
		if len(parts) != 4 || parts[1] != "1" {
			return nil, fmt.Errorf("unknown hash format")
		}
		salt, err := base64.StdEncoding.DecodeString(parts[2])
		if err != nil {
			return nil, fmt.Errorf("salt is not base64: %w", err)
		}
		sum, err := base64.StdEncoding.DecodeString(parts[3])
		if err != nil {
			return nil, fmt.Errorf("hash is not base64: %w", err)
		}
		return func(name string) bool {
			mac := hmac.New(sha1.New, salt)
			mac.Write([]byte(name))
			return bytes.Equal(mac.Sum(nil), sum)
		}, nil
	}
	var patterns []string
	for _, p := range strings.Split(field, ",") {
		if p == "" || p == "!" {
			return nil, fmt.Errorf("empty host pattern")
		}
		if strings.HasPrefix(p, "!") {
			patterns = append(patterns, "!"+normalName(p[1:]))
		} else {
			patterns = append(patterns, normalName(p))
		}
	}
	return func(name string) bool {
		found := false
		for _, p := range patterns {
			if no := strings.HasPrefix(p, "!"); no && glob(p[1:], name) {
				return false
			} else if !no && glob(p, name) {
				found = true
			}
		}
		return found
	}, nil
}

// glob matches the two wildcards of known_hosts, * and ?.
func glob(pattern, s string) bool {
	star, mark := -1, 0
	i, j := 0, 0
	for i < len(s) {
		switch {
		case j < len(pattern) && pattern[j] == '*':
			star, mark = j, i
			j++
		case j < len(pattern) && (pattern[j] == '?' || pattern[j] == s[i]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = mark, star+1
		default:
			return false
		}
	}
	for j < len(pattern) && pattern[j] == '*' {
		j++
	}
	return j == len(pattern)
}
