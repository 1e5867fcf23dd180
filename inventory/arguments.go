package inventory

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/ferry-ops/ferry/engine/diag"
)

// Names of the connection arguments.
const (
	argConnection     = "connection"
	argAddress        = "address"
	argPort           = "port"
	argUser           = "user"
	argPassword       = "password"
	argIdentityFile   = "identity_file"
	argKnownHostsFile = "known_hosts_file"
	argHostKeyPolicy  = "host_key_policy"
	argJump           = "jump"
	argConnectTimeout = "connect_timeout"
	argBecome         = "become"
	argBecomeUser     = "become_user"
	argBecomePassword = "become_password"
)

// Argument describes one connection argument of host and group blocks. Those
// of a group hold for its members, and for those of its children, unless a
// closer group or the host itself says otherwise.
type Argument struct {
	Name      string
	Type      string   // as people know it: "string", "number", "bool", "list of string"
	Doc       string   // full sentences
	Values    []string // the only values there are, if limited
	Sensitive bool
	HostOnly  bool     // it makes no sense for a group
	Ansible   []string // Ansible variables with the same meaning, read from every format

	decode func(a *Argument, v cty.Value, base dirs) (any, error)
}

// Arguments is the full reference of the connection arguments.
func Arguments() []Argument {
	return []Argument{
		{Name: argAddress, Type: "string", HostOnly: true, decode: decodeAddress,
			Doc:     "Name or IP address to connect to; the name of the host if not given. A host with a range in its name may have a range with as many values here.",
			Ansible: []string{"ansible_host", "ansible_ssh_host"}},
		{Name: argPort, Type: "number", decode: decodePort,
			Doc:     "Port of the SSH server; from the SSH configuration, or 22, if not given.",
			Ansible: []string{"ansible_port", "ansible_ssh_port"}},
		{Name: argUser, Type: "string", decode: decodeWord,
			Doc:     "User to log in as; from the SSH configuration, or the user who runs ferry, if not given.",
			Ansible: []string{"ansible_user", "ansible_ssh_user"}},
		{Name: argPassword, Type: "string", Sensitive: true, decode: decodeSecret,
			Doc:     "Password to log in with. Prefer a key: this file would hold the password for everyone who can read it.",
			Ansible: []string{"ansible_password", "ansible_ssh_pass", "ansible_ssh_password"}},
		{Name: argIdentityFile, Type: "string", decode: decodePath,
			Doc:     "Private key to log in with. A relative path starts at the directory of the inventory file, ~ is the home directory of the user who runs ferry.",
			Ansible: []string{"ansible_ssh_private_key_file", "ansible_private_key_file"}},
		{Name: argKnownHostsFile, Type: "string", decode: decodePath,
			Doc: "File with the host keys that are trusted, instead of the user's own. A relative path starts at the directory of the inventory file."},
		{Name: argHostKeyPolicy, Type: "string", Values: []string{HostKeyStrict, HostKeyAcceptNew}, decode: decodeOneOf,
			Doc: "What to do with a host that has no known host key: refuse it (strict), or trust the key and remember it (accept-new). A changed key is always refused."},
		{Name: argJump, Type: "list of string", decode: decodeJump,
			Doc: "Hosts to connect through, each [user@]host[:port]; the first one is reached directly. A string with commas will also do. An empty list means a direct connection."},
		{Name: argConnectTimeout, Type: "string", decode: decodeTimeout,
			Doc:     "How long an attempt to connect may take, for example \"10s\". A number means seconds.",
			Ansible: []string{"ansible_ssh_timeout", "ansible_timeout"}},
		{Name: argConnection, Type: "string", Values: []string{KindSSH, KindLocal}, decode: decodeKind,
			Doc:     "How to reach the host: over SSH, or not at all because it is the machine that ferry runs on (local).",
			Ansible: []string{"ansible_connection"}},
		{Name: argBecome, Type: "bool", decode: decodeBool,
			Doc:     "Whether tasks run as another user than the one who logs in.",
			Ansible: []string{"ansible_become"}},
		{Name: argBecomeUser, Type: "string", decode: decodeWord,
			Doc:     "The user that tasks run as; root if not given.",
			Ansible: []string{"ansible_become_user"}},
		{Name: argBecomePassword, Type: "string", Sensitive: true, decode: decodeSecret,
			Doc:     "Password that sudo asks for.",
			Ansible: []string{"ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"}},
	}
}

// dirs is what paths in a file are relative to.
type dirs struct {
	base string // directory of the inventory file
	home string
}

// argTable finds arguments by their names; one is made per Load.
type argTable struct {
	args    []Argument
	byName  map[string]*Argument
	ansible map[string]*Argument
	names   []string
}

func newArgTable() *argTable {
	t := &argTable{args: Arguments(), byName: map[string]*Argument{}, ansible: map[string]*Argument{}}
	for i := range t.args {
		a := &t.args[i]
		t.byName[a.Name] = a
		t.names = append(t.names, a.Name)
		for _, n := range a.Ansible {
			t.ansible[n] = a
		}
	}
	return t
}

// decodeArg gives the setting for an argument; called is what the file calls it.
func decodeArg(a *Argument, called string, v cty.Value, rng hcl.Range, base dirs) (setting, *hcl.Diagnostic) {
	v, _ = v.UnmarkDeep() // marks concern showing; a Secret cannot be shown
	var err error
	var val any
	switch {
	case !v.IsWhollyKnown():
		err = fmt.Errorf("its value is not known when the inventory is loaded")
	case v.IsNull():
		err = fmt.Errorf("it has no value (null); leave the argument out instead")
	default:
		val, err = a.decode(a, v, base)
	}
	if err != nil {
		d := diag.Errorf("Invalid value", &rng, "The argument %q has a value that cannot be used: %s.\n\nWhat it is for: %s", called, err, a.Doc)
		if a.Sensitive {
			diag.HideSource(d)
		}
		return setting{}, d
	}
	return setting{name: a.Name, val: val, rng: rng}, nil
}

func asString(v cty.Value) (string, error) {
	s, err := convert.Convert(v, cty.String)
	if err != nil {
		return "", fmt.Errorf("it must be a string, not %s", kindOf(v.Type()))
	}
	return s.AsString(), nil
}

func kindOf(ty cty.Type) string {
	switch {
	case ty.IsObjectType() || ty.IsMapType():
		return "a map"
	case ty.IsTupleType() || ty.IsListType() || ty.IsSetType():
		return "a list"
	case ty == cty.Bool:
		return "true or false"
	}
	return "a " + ty.FriendlyName()
}

func decodeWord(_ *Argument, v cty.Value, _ dirs) (any, error) {
	s, err := asString(v)
	switch {
	case err != nil:
		return nil, err
	case s == "":
		return nil, fmt.Errorf("it is empty; leave the argument out instead")
	case strings.ContainsFunc(s, isSpaceOrControl):
		return nil, fmt.Errorf("it contains spaces or control characters")
	case strings.HasPrefix(s, "-"):
		return nil, fmt.Errorf("it starts with a dash")
	case strings.Contains(s, "{{"):
		return nil, fmt.Errorf("it is a template of Ansible, which ferry does not evaluate; write the value itself")
	}
	return s, nil
}

func decodeAddress(a *Argument, v cty.Value, base dirs) (any, error) {
	s, err := decodeWord(a, v, base)
	if err != nil {
		return nil, err
	}
	// [::1] is the same address as ::1; only host:port needs the brackets.
	addr := s.(string)
	if in, ok := strings.CutPrefix(addr, "["); ok {
		if in, ok := strings.CutSuffix(in, "]"); ok && isIPv6(in) {
			return in, nil
		}
	}
	if strings.Contains(addr, ":") && !isIPv6(addr) {
		return nil, fmt.Errorf("it contains a colon and is not an IPv6 address; the port is an argument of its own")
	}
	return addr, nil
}

func decodePort(_ *Argument, v cty.Value, _ dirs) (any, error) {
	n, err := convert.Convert(v, cty.Number)
	if err != nil {
		return nil, fmt.Errorf("it must be a number from 1 to 65535")
	}
	p, acc := n.AsBigFloat().Int64()
	if acc != 0 || p < 1 || p > 65535 {
		return nil, fmt.Errorf("it must be a number from 1 to 65535")
	}
	return int(p), nil
}

func decodeSecret(_ *Argument, v cty.Value, _ dirs) (any, error) {
	s, err := asString(v)
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(s, "\n\r\x00") {
		return nil, fmt.Errorf("it contains a line end, which no password prompt takes")
	}
	return NewSecret(s), nil
}

func decodeBool(_ *Argument, v cty.Value, _ dirs) (any, error) {
	if v.Type() == cty.String {
		// INI files cannot write anything but strings for these.
		switch strings.ToLower(v.AsString()) {
		case "yes", "on", "true", "1", "y", "t":
			return true, nil
		case "no", "off", "false", "0", "n", "f":
			return false, nil
		}
	}
	if v.Type() == cty.Number {
		if n, acc := v.AsBigFloat().Int64(); acc == 0 && (n == 0 || n == 1) {
			return n == 1, nil
		}
	}
	if v.Type() != cty.Bool {
		return nil, fmt.Errorf("it must be true or false")
	}
	return v.True(), nil
}

func decodeOneOf(a *Argument, v cty.Value, _ dirs) (any, error) {
	s, err := asString(v)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(a.Values, s) {
		return nil, fmt.Errorf("it must be %s, not %q", orList(a.Values), s)
	}
	return s, nil
}

func decodeKind(a *Argument, v cty.Value, base dirs) (any, error) {
	if s, err := asString(v); err == nil {
		switch strings.TrimPrefix(s, "ansible.builtin.") {
		case "smart", "paramiko", "paramiko_ssh", "ssh": // Ansible's ways to say SSH
			return KindSSH, nil
		case "local":
			return KindLocal, nil
		}
	}
	return decodeOneOf(a, v, base)
}

func decodeTimeout(_ *Argument, v cty.Value, _ dirs) (any, error) {
	s, err := asString(v)
	if err != nil {
		return nil, err
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		d, err = time.ParseDuration(s + "s")
	}
	if err != nil || d <= 0 {
		return nil, fmt.Errorf("it must be a time such as \"10s\" or \"1m30s\", longer than zero")
	}
	return d, nil
}

func orList(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = fmt.Sprintf("%q", w)
	}
	if len(quoted) == 1 {
		return quoted[0]
	}
	return strings.Join(quoted[:len(quoted)-1], ", ") + " or " + quoted[len(quoted)-1]
}

func isSpaceOrControl(r rune) bool { return r <= ' ' || r == 0x7f || r == 0xa0 }
