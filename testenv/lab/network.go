package lab

import (
	"context"
	"fmt"
	"hash/fnv"
	"net"
	"os"
	"os/exec"
	"strings"
)

// ip runs the ip command.
func ip(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// freeSubnet picks a private /24 no interface of this machine and no other lab
// uses. It starts at a place the name decides, so a lab usually comes back at
// the same addresses.
func freeSubnet(name string) (string, error) {
	used := map[string]bool{}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "", err
	}
	for _, a := range addrs {
		if ipnet, ok := a.(*net.IPNet); ok && ipnet.IP.To4() != nil {
			p := ipnet.IP.To4()
			used[fmt.Sprintf("%d.%d.%d", p[0], p[1], p[2])] = true
		}
	}
	others, err := Names()
	if err != nil {
		return "", err
	}
	for _, o := range others {
		if l, err := Open(o); err == nil && o != name {
			used[l.state.Subnet] = true
		}
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	for i := range uint32(200) {
		s := fmt.Sprintf("10.86.%d", 20+(h.Sum32()+i)%200)
		if !used[s] {
			return s, nil
		}
	}
	return "", fmt.Errorf("no free subnet: all of 10.86.20.0/24 to 10.86.219.0/24 are in use; take a lab down")
}

func (l *Lab) gateway() string { return l.state.Subnet + ".1" }

// Mirror is the URL of the repository server's root.
func (l *Lab) Mirror() string { return fmt.Sprintf("http://%s:%d", l.gateway(), Port) }

// makeBridge makes the lab's bridge. It works with bridges left behind.
func (l *Lab) makeBridge(ctx context.Context) error {
	if !hasLink(l.state.Bridge) {
		if err := ip(ctx, "link", "add", l.state.Bridge, "type", "bridge", "stp_state", "0", "forward_delay", "0"); err != nil {
			return err
		}
		if err := ip(ctx, "addr", "add", l.gateway()+"/24", "dev", l.state.Bridge); err != nil {
			return err
		}
	}
	return ip(ctx, "link", "set", l.state.Bridge, "up")
}

// connect makes a host's namespace and its cable to the bridge. Inside, the
// interface is eth0 with the host's address.
func (h *Host) connect(ctx context.Context) error {
	steps := [][]string{
		{"netns", "add", h.Netns},
		{"link", "add", h.Veth, "type", "veth", "peer", "name", "eth0", "netns", h.Netns},
		{"link", "set", h.Veth, "master", h.lab.state.Bridge, "up"},
		{"-n", h.Netns, "link", "set", "lo", "up"},
		{"-n", h.Netns, "addr", "add", h.Address + "/24", "dev", "eth0"},
		{"-n", h.Netns, "link", "set", "eth0", "up"},
		{"-n", h.Netns, "route", "add", "default", "via", h.lab.gateway()},
	}
	for _, s := range steps {
		if err := ip(ctx, s...); err != nil {
			return err
		}
	}
	return nil
}

// disconnect removes namespace and cable, as far as they exist.
func (h *Host) disconnect(ctx context.Context) error {
	if hasLink(h.Veth) {
		if err := ip(ctx, "link", "del", h.Veth); err != nil && hasLink(h.Veth) {
			return err
		}
	}
	if _, err := os.Stat("/run/netns/" + h.Netns); err == nil {
		return ip(ctx, "netns", "del", h.Netns)
	}
	return nil
}

func hasLink(name string) bool {
	_, err := os.Stat("/sys/class/net/" + name)
	return err == nil
}

// CutNetwork makes a host unreachable without it noticing: packets vanish, no
// connection is reset, the interface stays up.
func (h *Host) CutNetwork(ctx context.Context) error {
	return ip(ctx, "link", "set", h.Veth, "nomaster")
}

// RestoreNetwork undoes CutNetwork.
func (h *Host) RestoreNetwork(ctx context.Context) error {
	return ip(ctx, "link", "set", h.Veth, "master", h.lab.state.Bridge)
}
