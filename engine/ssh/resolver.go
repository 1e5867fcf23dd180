package ssh

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	sshconfig "github.com/kevinburke/ssh_config"
)

// Resolver fills in what a Target leaves open from an ssh_config file, as the
// ssh command would. It is safe for concurrent use.
type Resolver struct {
	file string
	home string
	user string // the local user
	cfg  *sshconfig.Config
}

// NewResolver reads an ssh_config file; an absent one settles nothing. home is
// what ~ stands for and user the login name of hosts that name none.
func NewResolver(file, home, user string) (*Resolver, error) {
	r := &Resolver{file: file, home: home, user: user}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ssh configuration: %w", err)
	}
	if err := r.parse(data); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Resolver) parse(data []byte) (err error) {
	for i, line := range strings.Split(string(data), "\n") {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.EqualFold(word, "match") && !strings.EqualFold(strings.TrimSpace(rest), "all") {
			return fmt.Errorf("%s:%d: ferry does not evaluate Match blocks. Write the hosts as Host blocks, or set the connection in the inventory", r.file, i+1)
		}
	}
	defer func() { // the parser has paniced on strange input
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: cannot be read as an ssh configuration: %v", r.file, p)
		}
	}()
	if r.cfg, err = sshconfig.DecodeBytes(data); err != nil {
		return fmt.Errorf("%s: %w", r.file, err)
	}
	return nil
}

// Resolve returns t with its empty fields filled in. t.Address is what the
// Host patterns are matched with; if it is empty, t.Name is.
func (r *Resolver) Resolve(t Target) (Target, error) { return r.resolve(t, 0) }

// maxJumps bounds chains of ProxyJump that lead in a circle.
const maxJumps = 8

func (r *Resolver) resolve(t Target, depth int) (Target, error) {
	if depth > maxJumps {
		return t, fmt.Errorf("%s: ProxyJump of %s leads through more than %d hosts; does it lead in a circle?", r.file, t.Name, maxJumps)
	}
	alias := t.Address
	if alias == "" {
		alias = t.Name
	}
	if t.Name == "" {
		t.Name = alias
	}
	t.Address = alias
	if name := r.get(alias, "HostName"); name != "" {
		t.Address = expand(name, map[byte]string{'h': alias})
	}
	if t.Port == 0 {
		if p := r.get(alias, "Port"); p != "" {
			n, err := strconv.Atoi(p)
			if err != nil || n < 1 || n > 65535 {
				return t, fmt.Errorf("%s: Port of %s is %q, which is not a port", r.file, alias, p)
			}
			t.Port = n
		}
	}
	if t.User == "" {
		if t.User = r.get(alias, "User"); t.User == "" {
			t.User = r.user
		}
	}
	if t.HostKeyAlias == "" {
		t.HostKeyAlias = r.get(alias, "HostKeyAlias")
	}
	tokens := map[byte]string{'h': t.Address, 'n': alias, 'p': strconv.Itoa(positive(t.Port, 22)), 'r': t.User, 'u': r.user, 'd': r.home}
	if len(t.IdentityFiles) == 0 {
		for _, f := range r.all(alias, "IdentityFile") {
			f = r.path(f, tokens)
			// As for ssh, a file that is named but absent is passed over.
			if _, err := os.Stat(f); err == nil {
				t.IdentityFiles = append(t.IdentityFiles, f)
			}
		}
	}
	if len(t.KnownHosts) == 0 {
		for f := range strings.FieldsSeq(r.get(alias, "UserKnownHostsFile")) {
			t.KnownHosts = append(t.KnownHosts, r.path(strings.Trim(f, `"`), tokens))
		}
	}
	if t.HostKeyPolicy == "" && strings.EqualFold(r.get(alias, "StrictHostKeyChecking"), "accept-new") {
		t.HostKeyPolicy = AcceptNew
	}
	if p := r.get(alias, "ProxyCommand"); p != "" && !strings.EqualFold(p, "none") && len(t.Jump) == 0 {
		return t, fmt.Errorf("%s: %s is reached by a ProxyCommand, which ferry does not run. Use ProxyJump", r.file, alias)
	}
	if len(t.Jump) == 0 {
		return r.jumps(t, alias, depth)
	}
	return t, nil
}

// jumps fills in the chain that ProxyJump names.
func (r *Resolver) jumps(t Target, alias string, depth int) (Target, error) {
	chain := r.get(alias, "ProxyJump")
	if chain == "" || strings.EqualFold(chain, "none") {
		return t, nil
	}
	for i, one := range strings.Split(chain, ",") {
		hop, err := parseHop(strings.TrimSpace(one))
		if err != nil {
			return t, fmt.Errorf("%s: ProxyJump of %s: %w", r.file, alias, err)
		}
		hop, err = r.resolve(hop, depth+1)
		if err != nil {
			return t, err
		}
		// Only the first hop is reached by way of its own jump hosts.
		if i == 0 {
			t.Jump = append(t.Jump, hop.Jump...)
		}
		hop.Jump = nil
		t.Jump = append(t.Jump, hop)
	}
	return t, nil
}

// parseHop reads [user@]host[:port] or ssh://[user@]host[:port].
func parseHop(s string) (Target, error) {
	var t Target
	s = strings.TrimSuffix(strings.TrimPrefix(s, "ssh://"), "/")
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		t.User, s = s[:i], s[i+1:]
	}
	addr, port := s, ""
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return t, fmt.Errorf("%q has no closing bracket", s)
		}
		addr, port = s[1:end], strings.TrimPrefix(s[end+1:], ":")
	} else if strings.Count(s, ":") == 1 {
		addr, port, _ = strings.Cut(s, ":")
	}
	if addr == "" {
		return t, errors.New("a host is empty")
	}
	if port != "" {
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65535 {
			return t, fmt.Errorf("%q is not a port", port)
		}
		t.Port = n
	}
	t.Name, t.Address = addr, addr
	return t, nil
}

func (r *Resolver) get(alias, key string) string {
	if r.cfg == nil {
		return ""
	}
	v, err := r.cfg.Get(alias, key)
	if err != nil {
		return ""
	}
	return strings.Trim(v, `"`)
}

func (r *Resolver) all(alias, key string) []string {
	if r.cfg == nil {
		return nil
	}
	v, err := r.cfg.GetAll(alias, key)
	if err != nil {
		return nil
	}
	return v
}

func (r *Resolver) path(p string, tokens map[byte]string) string {
	p = expand(strings.Trim(p, `"`), tokens)
	if rest, ok := strings.CutPrefix(p, "~/"); ok {
		return filepath.Join(r.home, rest)
	}
	if p != "" && !filepath.IsAbs(p) {
		return filepath.Join(r.home, ".ssh", p)
	}
	return p
}

// expand replaces ssh_config's percent tokens; unknown ones stay.
func expand(s string, tokens map[byte]string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if v, ok := tokens[s[i]]; ok {
			b.WriteString(v)
		} else if s[i] == '%' {
			b.WriteByte('%')
		} else {
			b.WriteString(s[i-1 : i+1])
		}
	}
	return b.String()
}
