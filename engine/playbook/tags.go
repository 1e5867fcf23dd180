package playbook

import (
	"slices"
	"strings"

	"github.com/ferry-ops/ferry/engine/diag"
)

// CheckTags refuses tags that nothing in the playbook has. Mistyped, --tags would
// run nothing and --skip-tags would leave nothing out, and both would look like a
// success. flag is the flag they were given with.
func (pb *Playbook) CheckTags(flag string, tags []string) diag.Set {
	set := diag.Set{Sources: pb.Sources}
	known := pb.Tags()
	for _, t := range tags {
		if slices.Contains(known, t) || t == "always" || t == "never" {
			continue
		}
		hint := diag.DidYouMean(t, known)
		switch {
		case hint != "":
		case len(known) == 0:
			hint = " None of them has tags."
		default:
			hint = " Their tags are " + strings.Join(known, ", ") + "."
		}
		set.Append(diag.Errorf("Unknown tag", nil, "No play, block or task of the playbook %q has the tag %q, so %s %s selects nothing. (Handlers run when they are notified.)%s", pb.Name, t, flag, t, hint))
	}
	return set
}

// Tags are the tags by which something of the playbook can be selected, sorted.
func (pb *Playbook) Tags() []string {
	var known []string
	for _, p := range pb.Plays {
		known = append(tagsIn(p.Items, known), p.Tags...)
	}
	slices.Sort(known)
	return slices.Compact(known)
}

// tagsIn appends the tags of items and of everything below them.
func tagsIn(items []Item, tags []string) []string {
	for _, it := range items {
		switch it := it.(type) {
		case *Task:
			tags = append(tags, it.Meta.Tags...)
		case *Block:
			tags = append(tags, it.Tags...)
			tags = tagsIn(it.Always, tagsIn(it.Rescue, tagsIn(it.Items, tags)))
		case *Use:
			tags = tagsIn(it.Unit.Items, append(tags, it.Tags...))
		case *Call:
			tags = append(tags, it.Tags...)
			for _, u := range it.Units {
				tags = tagsIn(u.Items, tags)
			}
		}
	}
	return tags
}
