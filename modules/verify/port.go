package verify

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Port checks what listens on a host.
func Port() module.Info {
	return module.Info{
		Name:    "port",
		Summary: "Checks which TCP and UDP ports the host listens on.",
		Doc: `Reads the kernel's own tables on the host, so no port is connected to and no firewall
is in the way. Whether others can reach a port is another question: ask it from there,
with the check "http" and from = "controller", or with a play on another host.

In "closed", a number means TCP; write "udp/69" for UDP.`,
		Example: `check "port" "web" {
  tcp           = [22, 443]
  loopback_only = [6379]
  closed        = [23, "udp/69"]
}
`,
		NewCheck: func() module.Check { return &portCheck{} },
	}
}

type portCheck struct {
	tcp, udp, loopbackOnly, closed []string
}

var (
	_ module.Check     = (*portCheck)(nil)
	_ module.Validator = (*portCheck)(nil)
)

func (c *portCheck) Schema(b *schema.Block) {
	b.Strings(&c.tcp, "tcp", "TCP ports the host must listen on.")
	b.Strings(&c.udp, "udp", "UDP ports the host must listen on.")
	b.Strings(&c.loopbackOnly, "loopback_only", "TCP ports the host must listen on for itself, and for nobody else.")
	b.Strings(&c.closed, "closed", "Ports the host must not listen on: 23, \"tcp/23\" or \"udp/69\".")
}

func (c *portCheck) Validate() error {
	if len(c.tcp)+len(c.udp)+len(c.loopbackOnly)+len(c.closed) == 0 {
		return errors.New("One of the arguments \"tcp\", \"udp\", \"loopback_only\" and \"closed\" is needed.")
	}
	for _, s := range slices.Concat(c.tcp, c.udp, c.loopbackOnly) {
		if _, ok := portNumber(s); !ok {
			return fmt.Errorf("%q is not a port; ports are numbers from 1 to 65535.", s)
		}
	}
	for _, s := range c.closed {
		if _, ok := portNumber(closedPort(s).number); !ok {
			return fmt.Errorf("%q is not a port; write 23, \"tcp/23\" or \"udp/69\".", s)
		}
	}
	return nil
}

func portNumber(s string) (uint16, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return uint16(n), err == nil && n > 0
}

type portName struct{ proto, number string }

func (p portName) String() string { return p.proto + "/" + p.number }

// closedPort reads "23", "tcp/23" and "udp/69".
func closedPort(s string) portName {
	if n, ok := strings.CutPrefix(s, "udp/"); ok {
		return portName{"udp", n}
	}
	return portName{"tcp", strings.TrimPrefix(s, "tcp/")}
}

// listenScript prints the sockets that wait for peers. The last line proves that
// the answer is complete.
const listenScript = `LC_ALL=C; export LC_ALL
[ -r /proc/net/tcp ] || { echo "/proc/net/tcp cannot be read" >&2; exit 3; }
for f in tcp tcp6 udp udp6; do
  if [ -r /proc/net/$f ]; then awk -v p="${f%6}" 'FNR > 1 && $4 == (p == "tcp" ? "0A" : "07") {print p, $2}' /proc/net/$f || exit 3; fi
done
echo end`

func (c *portCheck) Check(ctx context.Context, r host.Reader) ([]module.Finding, error) {
	argv := []string{"/bin/sh", "-c", listenScript}
	res, err := r.Query(ctx, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return nil, err
	}
	all, err := parseListening(string(res.Stdout))
	if err != nil {
		return nil, err
	}
	return c.judge(all), nil
}

func (c *portCheck) judge(all []listener) []module.Finding {
	at := map[portName][]netip.Addr{}
	for _, l := range all {
		k := portName{l.proto, fmt.Sprint(l.port)}
		at[k] = append(at[k], l.addr)
	}
	var out []module.Finding
	cure := "Start the service that should listen there; to see what listens, run on the host:\n    ss -lntup"
	for _, n := range c.tcp {
		if k := (portName{"tcp", n}); len(at[k]) == 0 {
			out = append(out, module.Finding{Summary: "nothing listens on " + k.String(), Cure: cure})
		}
	}
	for _, n := range c.udp {
		if k := (portName{"udp", n}); len(at[k]) == 0 {
			out = append(out, module.Finding{Summary: "nothing listens on " + k.String(), Cure: cure})
		}
	}
	for _, n := range c.loopbackOnly {
		k := portName{"tcp", n}
		if len(at[k]) == 0 {
			out = append(out, module.Finding{Summary: "nothing listens on " + k.String(), Cure: cure})
		}
		if open := slices.DeleteFunc(slices.Clone(at[k]), netip.Addr.IsLoopback); len(open) > 0 {
			out = append(out, module.Finding{Summary: k.String() + " is open to others: it listens on " + addresses(open), Cure: "Bind the service to 127.0.0.1 in its configuration."})
		}
	}
	for _, s := range c.closed {
		if k := closedPort(s); len(at[k]) > 0 {
			out = append(out, module.Finding{Summary: "something listens on " + k.String() + ", at " + addresses(at[k]), Cure: "Stop and disable what listens there; to see what it is, run on the host:\n    ss -lntup"})
		}
	}
	return out
}

func addresses(list []netip.Addr) string {
	var out []string
	for _, a := range list {
		s := a.String()
		if a.IsUnspecified() {
			s = map[bool]string{true: "every IPv4 address", false: "every IPv6 address"}[a.Is4()]
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return strings.Join(out, ", ")
}

// listener is one socket that waits for peers.
type listener struct {
	proto string
	addr  netip.Addr
	port  uint16
}

// parseListening reads the output of listenScript.
func parseListening(out string) ([]listener, error) {
	var all []listener
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if line == "end" {
			return all, nil
		}
		proto, at, _ := strings.Cut(line, " ")
		addr, port, err := kernelAddress(at)
		if err != nil || proto != "tcp" && proto != "udp" {
			return nil, fmt.Errorf("the host's table of sockets has a line that is not understood: %q", host.Shorten(line, 100))
		}
		all = append(all, listener{proto, addr, port})
	}
	return nil, fmt.Errorf("the host's answer is not complete; it ends with %q", host.Shorten(lastLine(out), 100))
}

// kernelAddress reads "0100007F:1F90". The kernel prints an address as words of
// four bytes, each in the machine's byte order: little-endian on all that ferry
// migrates.
func kernelAddress(s string) (netip.Addr, uint16, error) {
	hex, p, ok := strings.Cut(s, ":")
	port, err := strconv.ParseUint(p, 16, 16)
	if !ok || err != nil || len(hex) != 8 && len(hex) != 32 {
		return netip.Addr{}, 0, fmt.Errorf("%q is not an address", s)
	}
	var raw []byte
	for i := 0; i < len(hex); i += 8 {
		w, err := strconv.ParseUint(hex[i:i+8], 16, 32)
		if err != nil {
			return netip.Addr{}, 0, fmt.Errorf("%q is not an address", s)
		}
		raw = append(raw, byte(w), byte(w>>8), byte(w>>16), byte(w>>24))
	}
	addr, _ := netip.AddrFromSlice(raw)
	return addr.Unmap(), uint16(port), nil
}
