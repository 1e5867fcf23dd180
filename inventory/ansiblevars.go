package inventory

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
)

// ansibleVar makes the connection argument of a variable that Ansible gives a
// meaning. It returns the variable as it is to be kept, marked sensitive if it
// is a password.
func (b *builder) ansibleVar(l *layer, name string, v Variable, base dirs) Variable {
	if a := b.args.ansible[name]; a != nil {
		if a.Sensitive {
			v.Value = v.Value.Mark(diag.SensitiveMark)
		}
		plain, _ := v.Value.UnmarkDeep()
		if s, ok := stringOf(plain); ok && s == "" || plain.IsNull() {
			return v // Ansible users write this to mean "not set"
		}
		b.setArg(l, a, name, plain, v.Range, base)
		return v
	}
	switch name {
	case "ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_ssh_args":
		if s, ok := stringOf(v.Value); ok {
			b.sshArgs(l, name, s, v.Range, base)
		}
	case "ansible_host_key_checking", "ansible_ssh_host_key_checking":
		b.hostKeyChecking(l, name, v)
	case "ansible_become_method":
		if s, ok := stringOf(v.Value); ok && s != "sudo" && s != "ansible.builtin.sudo" {
			b.warnOnce("become_method "+s, diag.Warningf("Become method not supported", &v.Range,
				"The inventory asks for the become method %q. ferry becomes another user with sudo, and will do so here as well. Make sure that sudo is set up on these hosts.", s))
		}
	}
	return v
}

func (b *builder) hostKeyChecking(l *layer, name string, v Variable) {
	plain, _ := v.Value.UnmarkDeep()
	on, err := decodeBool(nil, plain, dirs{})
	if err != nil {
		b.report(diag.Errorf("Invalid value", &v.Range, "The variable %q must be true or false.", name))
		return
	}
	policy := HostKeyStrict
	if on == false {
		policy = HostKeyAcceptNew
		b.warnOnce(name, uncheckedKeys(name, v.Range))
	}
	l.setArg(setting{name: argHostKeyPolicy, val: policy, rng: v.Range})
}

func uncheckedKeys(what string, rng hcl.Range) *hcl.Diagnostic {
	return diag.Warningf("Host keys are still checked", &rng,
		"%s turns the check of host keys off, which ferry does not do: whoever sits between here and the hosts could then be root on all of them. New hosts are trusted at first sight (host_key_policy = \"accept-new\"), a changed key is refused.", what)
}

// sshArgs takes what has a connection argument out of options for the ssh
// program, and warns about the rest.
func (b *builder) sshArgs(l *layer, name, args string, rng hcl.Range, base dirs) {
	words, err := shellSplit(args, false)
	if err != nil {
		b.report(diag.Errorf("Invalid value", &rng, "The variable %q cannot be read: %s.", name, err))
		return
	}
	var left []string
	for i := 0; i < len(words); i++ {
		w := words[i]
		value := func() string {
			if len(w) > 2 {
				return w[2:]
			}
			if i++; i < len(words) {
				return words[i]
			}
			return ""
		}
		switch {
		case strings.HasPrefix(w, "-J"):
			b.setArg(l, b.args.byName[argJump], name, cty.StringVal(value()), rng, base)
		case strings.HasPrefix(w, "-i"):
			b.setArg(l, b.args.byName[argIdentityFile], name, cty.StringVal(value()), rng, base)
		case strings.HasPrefix(w, "-o"):
			if o := value(); !b.sshOption(l, name, o, rng, base) {
				left = append(left, "-o "+o)
			}
		case w == "-C" || w == "-q" || w == "-A" || strings.HasPrefix(w, "-v"):
			// compression, verbosity, agent forwarding: nothing is lost without them
		default:
			left = append(left, w)
		}
	}
	if len(left) > 0 {
		rest := strings.Join(left, " ")
		b.warnOnce(name+rest, diag.Warningf("SSH options not used", &rng,
			"ferry does not run the ssh program, so it cannot use these options of %q:\n    %s\nIf connections need them, say the same with a connection argument, or in your SSH configuration (~/.ssh/config).", name, rest))
	}
}

func (b *builder) sshOption(l *layer, name, option string, rng hcl.Range, base dirs) bool {
	key, value, ok := strings.Cut(option, "=")
	if !ok {
		key, value, _ = strings.Cut(option, " ")
	}
	key, value = strings.ToLower(strings.TrimSpace(key)), strings.Trim(strings.TrimSpace(value), `"`)
	arg := ""
	switch key {
	case "proxyjump":
		arg = argJump
	case "proxycommand":
		hop, ok := jumpOfProxyCommand(value)
		if !ok {
			return false
		}
		arg, value = argJump, hop
	case "port":
		arg = argPort
	case "user":
		arg = argUser
	case "hostname":
		arg = argAddress
	case "identityfile":
		arg = argIdentityFile
	case "userknownhostsfile":
		if value == "/dev/null" {
			return true // only ever written together with StrictHostKeyChecking=no
		}
		arg = argKnownHostsFile
	case "connecttimeout":
		arg = argConnectTimeout
	case "stricthostkeychecking":
		policy := map[string]string{"yes": HostKeyStrict, "ask": HostKeyStrict, "accept-new": HostKeyAcceptNew, "no": HostKeyAcceptNew, "off": HostKeyAcceptNew}[strings.ToLower(value)]
		if policy == "" {
			return false
		}
		if v := strings.ToLower(value); v == "no" || v == "off" {
			b.warnOnce(name+key, uncheckedKeys("StrictHostKeyChecking="+value, rng))
		}
		l.setArg(setting{name: argHostKeyPolicy, val: policy, rng: rng})
		return true
	case "controlmaster", "controlpersist", "controlpath", "compression", "forwardagent", "loglevel",
		"preferredauthentications", "serveraliveinterval", "serveralivecountmax", "batchmode", "identitiesonly", "passwordauthentication",
		"kbdinteractiveauthentication", "gssapiauthentication", "tcpkeepalive", "pubkeyauthentication":
		return true // ferry keeps one connection and tries every login it was given
	default:
		return false
	}
	b.setArg(l, b.args.byName[arg], name, cty.StringVal(value), rng, base)
	return true
}

// jumpOfProxyCommand understands the one form people use for a jump host:
// ssh [-q] [-p port] -W %h:%p [user@]host.
func jumpOfProxyCommand(cmd string) (string, bool) {
	words, err := shellSplit(cmd, false)
	if err != nil || len(words) < 3 || words[0] != "ssh" {
		return "", false
	}
	host, port, user, forwards := "", "", "", false
	for i := 1; i < len(words); i++ {
		next := func() string {
			if i++; i < len(words) {
				return words[i]
			}
			return ""
		}
		switch w := words[i]; {
		case w == "-W":
			forwards = next() == "%h:%p"
		case w == "-p":
			port = ":" + next()
		case w == "-l":
			user = next() + "@"
		case w == "-q" || w == "-A" || w == "-x":
		case strings.HasPrefix(w, "-") || host != "":
			return "", false
		default:
			host = w
		}
	}
	hop := user + host + port
	return hop, forwards && host != "" && checkHop(hop) == nil
}

func stringOf(v cty.Value) (string, bool) {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		return "", false
	}
	return v.AsString(), true
}
