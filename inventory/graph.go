package inventory

import "strings"

// Graph draws a group with its children and hosts as a tree. A group that
// belongs to several others is drawn below each; where the same groups would
// be drawn very often the tree is cut off and says so.
func (inv *Inventory) Graph(g *Group) string {
	var b strings.Builder
	b.WriteString("@" + g.Name + "\n")
	room := 4*(len(inv.Groups)+len(inv.Hosts)) + 1000
	graph(&b, g, "", &room)
	return b.String()
}

func graph(b *strings.Builder, g *Group, indent string, room *int) {
	n := len(g.children) + len(g.own)
	item := func(name string) string {
		n--
		if n == 0 {
			b.WriteString(indent + "└─ " + name + "\n")
			return indent + "   "
		}
		b.WriteString(indent + "├─ " + name + "\n")
		return indent + "│  "
	}
	for _, e := range g.children {
		if *room--; *room < 0 {
			n = 1
			item("… (more groups)")
			return
		}
		graph(b, e.child, item("@"+e.child.Name), room)
	}
	for _, h := range g.own {
		*room--
		item(h.Name)
	}
}
