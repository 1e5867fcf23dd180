package verify

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Port checks who listens.
func Port() module.Info {
	return module.Info{
		Name:    "port",
		Summary: "Checks that something listens on ports of the host, or that nothing does.",
		Doc: `The host's kernel is asked, nothing is sent over the network: a firewall makes no
difference. IPv4 and IPv6 count alike.`,
		Example: `check "port" "web" {
  tcp        = [80, 443]
  closed_tcp = [23]
  public     = true
}
`,
		NewCheck: func() module.Check { return &portCheck{} },
	}
}

type portCheck struct {
	tcp, udp, closedTCP, closedUDP, loopback []string
	public                                   bool
}

var (
	_ module.Check     = (*portCheck)(nil)
	_ module.Validator = (*portCheck)(nil)
)

var portNumber = regexp.MustCompile(`^([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$`)

func (c *portCheck) Schema(b *schema.Block) {
	number := schema.Match(portNumber, "the number of a port, 1 to 65535")
	b.Strings(&c.tcp, "tcp", "TCP ports something must listen on.", number)
	b.Strings(&c.udp, "udp", "UDP ports something must listen on.", number)
	b.Strings(&c.closedTCP, "closed_tcp", "TCP ports nothing may listen on.", number)
	b.Strings(&c.closedUDP, "closed_udp", "UDP ports nothing may listen on.", number)
	b.Strings(&c.loopback, "loopback_tcp", "TCP ports something must listen on for the host itself, and for nobody else.", number)
	b.Bool(&c.public, "public", "Listening on the loopback address alone is not enough.")
}

func (c *portCheck) Validate() error {
	if len(c.tcp)+len(c.udp)+len(c.closedTCP)+len(c.closedUDP)+len(c.loopback) == 0 {
		return errors.New("One of the arguments \"tcp\", \"udp\", \"loopback_tcp\", \"closed_tcp\" and \"closed_udp\" is needed.")
	}
	for _, pair := range [][2][]string{{c.tcp, c.closedTCP}, {c.udp, c.closedUDP}} {
		for _, p := range pair[0] {
			if slices.Contains(pair[1], p) {
				return fmt.Errorf("The port %s is among those that must listen and among those that must not. Drop one.", p)
			}
		}
	}
	return nil
}

// listenScript prints "tcp 1F90 0100007F:1F90" for each socket that listens.
const listenScript = `for f in tcp tcp6 udp udp6; do [ -r /proc/net/$f ] && awk -v p="${f%6}" 'NR > 1 && ($4 == "0A" || p == "udp" && $4 == "07") {n = split($2, a, ":"); print p, a[n], $2}' /proc/net/$f; done`

func (c *portCheck) Check(ctx context.Context, r host.Reader) ([]module.Finding, error) {
	argv := []string{"/bin/sh", "-c", "[ -r /proc/net/tcp ] || { echo '/proc/net/tcp cannot be read' >&2; exit 1; }\n" + listenScript + "\necho @end"}
	res, err := r.Query(ctx, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return nil, err
	}
	open, err := parseListeners(string(res.Stdout))
	if err != nil {
		return nil, err
	}
	var out []module.Finding
	must := func(proto string, ports []string) {
		for _, p := range ports {
			l, ok := open[proto+"/"+p]
			switch {
			case !ok:
				out = append(out, module.Finding{Summary: fmt.Sprintf("nothing listens on %s/%s", proto, p), Cure: "See whether its service runs:\n    systemctl list-units --type=service --state=failed"})
			case c.public && l.loopback && !slices.Contains(c.loopback, p):
				out = append(out, module.Finding{Summary: fmt.Sprintf("what listens on %s/%s does so on the loopback address alone", proto, p), Cure: "Let its service listen on an address of the network."})
			}
		}
	}
	mustNot := func(proto string, ports []string) {
		for _, p := range ports {
			if _, ok := open[proto+"/"+p]; ok {
				out = append(out, module.Finding{Summary: fmt.Sprintf("something listens on %s/%s and should not", proto, p), Cure: "To see what it is, run on the host:\n    ss -lntup"})
			}
		}
	}
	must("tcp", c.tcp)
	must("udp", c.udp)
	must("tcp", c.loopback)
	for _, p := range c.loopback {
		if l, ok := open["tcp/"+p]; ok && !l.loopback {
			out = append(out, module.Finding{Summary: fmt.Sprintf("what listens on tcp/%s does so for others too", p), Cure: "Bind its service to 127.0.0.1."})
		}
	}
	mustNot("tcp", c.closedTCP)
	mustNot("udp", c.closedUDP)
	return out, nil
}

// listener is one socket that listens.
type listener struct {
	proto    string
	port     int
	loopback bool
}

func (l listener) name() string { return fmt.Sprintf("%s/%d", l.proto, l.port) }

// parseListeners reads listenScript's output up to "@end". A port is on loopback
// if each socket of it is.
func parseListeners(out string) (map[string]listener, error) {
	open := map[string]listener{}
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if line == "@end" {
			return open, nil
		}
		l, ok := parseListener(line)
		if !ok {
			return nil, fmt.Errorf("a socket of the host is not understood: %q", host.Shorten(line, 100))
		}
		if other, there := open[l.name()]; there {
			l.loopback = l.loopback && other.loopback
		}
		open[l.name()] = l
	}
	return nil, fmt.Errorf("the host's answer is not complete; it ends with %q", host.Shorten(lastLine(out), 100))
}

// parseListener reads one line of listenScript. The kernel writes addresses as
// words of the machine's byte order, all supported ones of which are little-endian.
func parseListener(line string) (listener, bool) {
	f := strings.Fields(line)
	if len(f) != 3 {
		return listener{}, false
	}
	n, err := strconv.ParseUint(f[1], 16, 16)
	if err != nil || n == 0 {
		return listener{}, false
	}
	addr, _, _ := strings.Cut(f[2], ":")
	l := listener{proto: f[0], port: int(n)}
	switch len(addr) {
	case 8:
		l.loopback = strings.HasSuffix(addr, "7F")
	case 32:
		l.loopback = addr == "00000000000000000000000001000000" || strings.HasPrefix(addr, "0000000000000000FFFF0000") && strings.HasSuffix(addr, "7F")
	}
	return l, true
}
