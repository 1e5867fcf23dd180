package inventory

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
)

// readSSHConfig reads hosts from the form of an SSH configuration, as vagrant
// ssh-config prints it. Host patterns are not hosts and are left out.
func (b *builder) readSSHConfig(src source) {
	var hosts []*Host
	offset := 0
	for i, line := range strings.SplitAfter(string(src.data), "\n") {
		text := strings.TrimRight(line, "\r\n")
		body := strings.TrimSpace(text)
		indent := strings.Index(text, body)
		rng := textRange(src.name, text, i+1, offset, indent, indent+len(body))
		offset += len(line)
		if body == "" || body[0] == '#' {
			continue
		}
		key, value, _ := strings.Cut(strings.Replace(body, "=", " ", 1), " ")
		words, err := shellSplit(value, false)
		if err != nil || len(words) == 0 {
			b.report(diag.Errorf("Invalid line", &rng, "This line has no value, or its quotation marks do not match. A line of an SSH configuration is:\n    Keyword value"))
			continue
		}
		switch strings.ToLower(key) {
		case "host":
			hosts = b.sshHosts(words, rng)
		case "match":
			hosts = nil
		default:
			for _, h := range hosts {
				b.sshKeyword(&h.inline, strings.ToLower(key), words[0], rng, src.dirs)
			}
		}
	}
}

func (b *builder) sshHosts(names []string, rng hcl.Range) []*Host {
	var hosts []*Host
	for _, n := range names {
		if strings.ContainsAny(n, "*?!") {
			continue
		}
		for _, hn := range b.expand(n, rng) {
			hosts = append(hosts, b.host(hn, rng))
		}
	}
	return hosts
}

// sshKeyword sets what a keyword says. As in SSH, the first value counts.
func (b *builder) sshKeyword(l *layer, key, value string, rng hcl.Range, base dirs) {
	arg := map[string]string{
		"hostname": argAddress, "port": argPort, "user": argUser, "identityfile": argIdentityFile,
		"userknownhostsfile": argKnownHostsFile, "proxyjump": argJump, "connecttimeout": argConnectTimeout,
	}[key]
	if key == "stricthostkeychecking" && strings.EqualFold(value, "no") {
		// Machines made anew have new keys: vagrant writes this for all of them.
		arg, value = argHostKeyPolicy, HostKeyAcceptNew
	}
	if arg == "" || key == "userknownhostsfile" && value == "/dev/null" {
		return
	}
	for _, s := range l.args {
		if s.name == arg {
			return
		}
	}
	b.setArg(l, b.args.byName[arg], key, cty.StringVal(value), rng, base)
}
