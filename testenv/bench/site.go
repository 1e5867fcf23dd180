package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ferry-ops/ferry/testenv/bench/delay"
	"github.com/ferry-ops/ferry/testenv/lab"
)

// node is how a contender reaches a host.
type node struct {
	Name, Address, User string
	Port                int
}

// site is some of the lab's hosts, at a distance, with everything contenders
// need to reach them.
type site struct {
	dir, ferry, self, identity string
	rtt                        time.Duration
	nodes                      []node
	hosts                      []*lab.Host
	proxies                    []*delay.Proxy
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

func (s *site) has(name string) bool {
	for _, n := range s.nodes {
		if n.Name == name {
			return true
		}
	}
	return false
}

// newSite writes inventories for the first n hosts in dir. With a round-trip
// time, each host is behind a proxy on loopback.
func newSite(l *lab.Lab, dir, ferry, self string, n int, rtt time.Duration) (*site, error) {
	s := &site{dir: dir, ferry: ferry, self: self, identity: l.IdentityFile(), rtt: rtt, hosts: l.Hosts()[:n]}
	keys, err := os.ReadFile(l.KnownHosts())
	if err != nil {
		return nil, err
	}
	known := string(keys)
	for _, h := range s.hosts {
		node := node{Name: h.Name, Address: h.Address, Port: 22, User: lab.AdminUser}
		if rtt > 0 {
			p, err := delay.Listen(net.JoinHostPort(h.Address, "22"), rtt)
			if err != nil {
				return nil, errors.Join(err, s.close())
			}
			s.proxies = append(s.proxies, p)
			node.Address, node.Port = "127.0.0.1", p.Port()
			for line := range strings.Lines(string(keys)) {
				if rest, ok := strings.CutPrefix(line, h.Address+" "); ok {
					known += fmt.Sprintf("[127.0.0.1]:%d %s", p.Port(), rest)
				}
			}
		}
		s.nodes = append(s.nodes, node)
	}
	if err := s.write(known); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *site) write(known string) error {
	b, err := json.Marshal(map[string]any{"Identity": s.identity, "KnownHosts": s.path("known_hosts"), "Nodes": s.nodes})
	if err != nil {
		return err
	}
	return writeAll(s.dir, map[string]string{
		"known_hosts": known, "nodes.json": string(b), "inventory.hcl": s.ferryInventory(), "inventory.ini": s.ansibleInventory(), "ssh_config": s.sshConfig(),
		"ansible.cfg": s.ansibleConfig("\n[ssh_connection]\npipelining = True\n"),
		"mitogen.cfg": s.ansibleConfig("strategy = mitogen_linear\nstrategy_plugins = " + mitogenPlugins + "\n"),
	})
}

// close ends the proxies.
func (s *site) close() error {
	var errs []error
	for _, p := range s.proxies {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}
