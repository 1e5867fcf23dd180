package playbook

import (
	"fmt"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/ferry-ops/ferry/engine/diag"
)

var (
	playAttrs  = []string{"description", "hosts", "become", "become_user", "tags"}
	playBlocks = []string{"rollout", "task", "check", "handler", "block", "use", "call", "flush_handlers"}
)

func (ld *loader) readPlay(b *hclsyntax.Block, set *diag.Set) {
	if !labels(b, set, "NAME") {
		return
	}
	p := &Play{Name: b.Labels[0], Range: b.DefRange(), Body: Body{broken: map[string]bool{}}}
	for _, old := range ld.pb.Plays {
		if old.Name == p.Name {
			set.Append(diag.Errorf("Duplicate play", &p.Range, "The play %q is declared twice, first at %s.", p.Name, place(old.Range)))
			return
		}
	}
	r := reader{what: fmt.Sprintf("The play %q", p.Name), body: b.Body, rng: p.Range, set: set}
	r.only(playAttrs, playBlocks)
	p.Description = r.str("description")
	p.Become = r.optBool("become")
	p.BecomeUser = r.str("become_user")
	p.Tags = r.strs("tags")
	if p.Hosts = r.expr("hosts"); p.Hosts == nil {
		set.Append(diag.Errorf("Missing argument", &p.Range, "The play %q needs the argument \"hosts\": a pattern of hosts and groups of the inventory, for example \"web:!bastion\".", p.Name))
	}
	tr := ld.taskReader(&ld.pb.Unit, &p.Body, fmt.Sprintf("the play %q", p.Name), set)
	for _, c := range b.Body.Blocks {
		if c.Type == "rollout" {
			p.readRollout(c, tr)
		}
	}
	tr.handlers(b.Body)
	p.Items = tr.items(b.Body)
	tr.resolveNotify()
	ld.pb.Plays = append(ld.pb.Plays, p)
}

// tasks calls f for every task, handler and check of the play, those of sets and
// hooks included.
func (p *Play) tasks(f func(*Task)) {
	Walk(p.Items, f)
	for _, h := range p.Handlers {
		f(h)
	}
	for _, u := range Units(p.Items) {
		for _, h := range u.Handlers {
			f(h)
		}
	}
	for _, g := range p.Rollout.Gates {
		Walk(g.Items(), f)
	}
}
