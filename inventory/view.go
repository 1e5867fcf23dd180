package inventory

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// SchemaVersion is raised when a consumer of the JSON forms would have to
// change: new properties do not raise it.
const SchemaVersion = 1

// Listing is what "ferry inventory list" shows, for some hosts.
type Listing struct {
	SchemaVersion int         `json:"schema_version"`
	Groups        []GroupView `json:"groups"`
	Hosts         []HostView  `json:"hosts"`
}

// GroupView is a group as shown to people and programs.
type GroupView struct {
	Name     string   `json:"name"`
	Children []string `json:"children"`
	Hosts    []string `json:"hosts"` // its own, not those of its children
}

// HostView is a host as shown to people and programs. Sensitive values are
// masked.
type HostView struct {
	Name       string                     `json:"name"`
	Groups     []string                   `json:"groups"` // the closest last
	Connection ConnectionView             `json:"connection"`
	Vars       map[string]json.RawMessage `json:"vars"`
	Sources    map[string]string          `json:"vars_set_at,omitempty"` // file:line of each variable
}

// ConnectionView is a Connection with the names of the arguments.
type ConnectionView struct {
	Connection     string   `json:"connection"`
	Address        string   `json:"address"`
	Port           int      `json:"port,omitempty"`
	User           string   `json:"user,omitempty"`
	Password       Secret   `json:"password,omitzero"`
	IdentityFile   string   `json:"identity_file,omitempty"`
	KnownHostsFile string   `json:"known_hosts_file,omitempty"`
	HostKeyPolicy  string   `json:"host_key_policy,omitempty"`
	Jump           []string `json:"jump,omitempty"`
	ConnectTimeout string   `json:"connect_timeout,omitempty"`
	Become         *bool    `json:"become,omitempty"`
	BecomeUser     string   `json:"become_user,omitempty"`
	BecomePassword Secret   `json:"become_password,omitzero"`
}

// List describes the hosts and every group that has one of them.
func (inv *Inventory) List(hosts []*Host) Listing {
	l := Listing{SchemaVersion: SchemaVersion, Groups: []GroupView{}, Hosts: make([]HostView, 0, len(hosts))}
	wanted := make(map[*Host]bool, len(hosts))
	for _, h := range hosts {
		wanted[h] = true
		l.Hosts = append(l.Hosts, View(h))
	}
	whole := len(hosts) == len(inv.Hosts)
	for _, g := range inv.Groups {
		if !whole && !slices.ContainsFunc(g.members, func(h *Host) bool { return wanted[h] }) {
			continue
		}
		v := GroupView{Name: g.Name, Children: []string{}, Hosts: []string{}}
		for _, e := range g.children {
			v.Children = append(v.Children, e.child.Name)
		}
		for _, h := range g.own {
			if wanted[h] {
				v.Hosts = append(v.Hosts, h.Name)
			}
		}
		l.Groups = append(l.Groups, v)
	}
	return l
}

// JSON returns the listing as one JSON document.
func (l Listing) JSON() ([]byte, error) { return marshal(l) }

// View describes a host.
func View(h *Host) HostView {
	vars := h.Vars()
	v := HostView{Name: h.Name, Groups: h.GroupNames(), Connection: viewConnection(h.Connection),
		Vars: make(map[string]json.RawMessage, len(vars)), Sources: make(map[string]string, len(vars))}
	for name, x := range vars {
		v.Vars[name] = showValue(x.Value)
		if x.Range.Filename != "" {
			v.Sources[name] = fmt.Sprintf("%s:%d", x.Range.Filename, x.Range.Start.Line)
		}
	}
	return v
}

func viewConnection(c Connection) ConnectionView {
	v := ConnectionView{Connection: c.Kind, Address: c.Address, Port: c.Port, User: c.User, Password: c.Password,
		IdentityFile: c.IdentityFile, KnownHostsFile: c.KnownHostsFile, HostKeyPolicy: c.HostKeyPolicy, Jump: c.Jump,
		BecomeUser: c.BecomeUser, BecomePassword: c.BecomePassword}
	if c.ConnectTimeout > 0 {
		v.ConnectTimeout = c.ConnectTimeout.String()
	}
	if c.BecomeSet {
		v.Become = &c.Become
	}
	return v
}

// showValue is a value as JSON, with what is sensitive in it masked.
func showValue(v cty.Value) json.RawMessage {
	v, _ = cty.Transform(v, func(_ cty.Path, v cty.Value) (cty.Value, error) {
		if v.IsMarked() {
			return cty.StringVal(masked), nil
		}
		return v, nil
	})
	out, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		return json.RawMessage(`null`)
	}
	return out
}

// Text is the description of a host for people.
func (v HostView) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "host %s\n", v.Name)
	fmt.Fprintf(&b, "  groups: %s\n", strings.Join(v.Groups, ", "))
	conn, _ := json.Marshal(v.Connection)
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(conn, &fields) // it was made one line above
	b.WriteString("  connection:\n")
	for _, a := range Arguments() {
		if f, ok := fields[a.Name]; ok {
			fmt.Fprintf(&b, "    %s = %s\n", a.Name, f)
		}
	}
	if len(v.Vars) > 0 {
		b.WriteString("  vars:\n")
	}
	names := make([]string, 0, len(v.Vars))
	for n := range v.Vars {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		fmt.Fprintf(&b, "    %s = %s", n, v.Vars[n])
		if at := v.Sources[n]; at != "" {
			fmt.Fprintf(&b, "    # %s", at)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// JSON returns the host as one JSON document.
func (v HostView) JSON() ([]byte, error) {
	return marshal(struct {
		SchemaVersion int `json:"schema_version"`
		HostView
	}{SchemaVersion, v})
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}
