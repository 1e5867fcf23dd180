package inventory

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

func decodePath(_ *Argument, v cty.Value, base dirs) (any, error) {
	s, err := asString(v)
	switch {
	case err != nil:
		return nil, err
	case s == "":
		return nil, fmt.Errorf("it is empty; leave the argument out instead")
	case strings.ContainsRune(s, 0):
		return nil, fmt.Errorf("it contains a NUL character")
	case strings.Contains(s, "{{"):
		return nil, fmt.Errorf("it is a template of Ansible, which ferry does not evaluate; write the value itself")
	}
	return base.resolve(s)
}

// resolve makes a path in an inventory file one that can be opened.
func (d dirs) resolve(path string) (string, error) {
	switch {
	case path == "~" || strings.HasPrefix(path, "~/"):
		if d.home == "" {
			return "", fmt.Errorf("it starts with ~ and the home directory is not known; set HOME or write the whole path")
		}
		return filepath.Join(d.home, strings.TrimPrefix(path, "~")), nil
	case strings.HasPrefix(path, "~"):
		return "", fmt.Errorf("it names the home directory of another user; write the whole path")
	case filepath.IsAbs(path):
		return filepath.Clean(path), nil
	}
	return filepath.Join(d.base, path), nil
}

func decodeJump(_ *Argument, v cty.Value, _ dirs) (any, error) {
	var hops []string
	ty := v.Type()
	switch {
	case ty == cty.String:
		if s := v.AsString(); s != "" && s != "none" {
			hops = strings.Split(s, ",")
		}
	case ty.IsTupleType() || ty.IsListType() || ty.IsSetType():
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			if e.IsNull() || e.Type() != cty.String {
				return nil, fmt.Errorf("each element must be a string")
			}
			hops = append(hops, e.AsString())
		}
	default:
		return nil, fmt.Errorf("it must be a list of strings")
	}
	out := make([]string, 0, len(hops))
	for _, h := range hops {
		h = strings.TrimPrefix(strings.TrimSpace(h), "ssh://")
		if err := checkHop(h); err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, nil
}

// checkHop accepts [user@]host[:port] with IPv6 addresses in brackets if a
// port follows.
func checkHop(h string) error {
	_, hostport, found := cutLast(h, "@")
	if !found {
		hostport = h
	}
	if h == "" || hostport == "" || strings.HasPrefix(h, "@") || strings.HasPrefix(hostport, "-") || strings.HasPrefix(h, "-") ||
		strings.ContainsFunc(h, isSpaceOrControl) {
		return fmt.Errorf("%q is not of the form [user@]host[:port]", h)
	}
	if isIPv6(hostport) {
		return nil
	}
	host, port := splitHostPort(hostport)
	if host == "" || (strings.Contains(host, ":") && !isIPv6(host)) || (port == 0 && host != hostport && !isIPv6(host)) {
		return fmt.Errorf("%q is not of the form [user@]host[:port]", h)
	}
	return nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

// isIPv6 also takes an address with a zone, such as fe80::1%eth0.
func isIPv6(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is6()
}

// splitHostPort splits host:port and [v6]:port and takes the brackets off an
// address. Without a port (also where what follows the colon is none, as in
// the range web[1:3]) the port is 0.
func splitHostPort(s string) (host string, port int) {
	i := strings.LastIndexByte(s, ':')
	if i >= 0 && !isIPv6(s) {
		n := 0
		for _, c := range s[i+1:] {
			if c < '0' || c > '9' || n > 65535 {
				n = 0
				break
			}
			n = n*10 + int(c-'0')
		}
		head := s[:i]
		if n >= 1 && n <= 65535 && head != "" && !strings.Contains(outsideBrackets(head), ":") {
			s, port = head, n
		}
	}
	if in, ok := strings.CutPrefix(s, "["); ok {
		if in, ok := strings.CutSuffix(in, "]"); ok && isIPv6(in) {
			return in, port
		}
	}
	return s, port
}

// outsideBrackets drops what is in square brackets.
func outsideBrackets(s string) string {
	var b strings.Builder
	depth := 0
	for _, r := range s {
		switch {
		case r == '[':
			depth++
		case r == ']' && depth > 0:
			depth--
		case depth == 0:
			b.WriteRune(r)
		}
	}
	return b.String()
}
