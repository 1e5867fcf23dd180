package language

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ferry-ops/ferry/engine/module"
)

// PlaybookManual is the manual page of playbooks as Markdown.
func (l Language) PlaybookManual() string {
	var b strings.Builder
	b.WriteString("# NAME\n\nferry-playbook - the files ferry runs\n\n# DESCRIPTION\n\n")
	b.WriteString(Escape("A playbook is a directory of .hcl files, read in the order of their names, or one file.") +
		" **ferry validate** checks all of it without touching a host. Files that end in " + Escape(".auto.vars.hcl") + " give variables values.\n\n")
	fileManual(&b, l.Playbook)
	b.WriteString("# REFERENCES\n\nWhat expressions see:\n\n")
	for _, r := range l.References {
		item(&b, Escape(r.Form), Escape(r.Doc))
	}
	b.WriteString("# FACTS\n\n")
	for _, f := range l.Facts {
		item(&b, "facts."+Escape(f.Name)+" ("+f.Type+")", Escape(f.Doc))
	}
	b.WriteString("# FUNCTIONS\n\n")
	for _, f := range l.Functions {
		item(&b, Escape(f.Signature), Escape(f.Doc))
	}
	b.WriteString("# SEE ALSO\n\n**ferry**(1), **ferry-inventory**(5), **ferry-modules**(7)\n")
	return b.String()
}

// InventoryManual is the manual page of inventories in HCL as Markdown.
func (l Language) InventoryManual() string {
	var b strings.Builder
	b.WriteString("# NAME\n\nferry-inventory - the hosts ferry works on\n\n# DESCRIPTION\n\n" +
		"An inventory names the hosts, how to reach them, and what is particular about each. This page is about inventories in HCL; those of Ansible in INI, YAML and JSON, programs, directories and the output of **vagrant ssh-config** are read as they are.\n\n")
	fileManual(&b, l.Inventory)
	b.WriteString("# SEE ALSO\n\n**ferry**(1), **ferry-inventory**(1), **ferry-playbook**(5)\n")
	return b.String()
}

// ModulesManual is the manual page of the modules as Markdown.
func (l Language) ModulesManual() string {
	var b strings.Builder
	b.WriteString("# NAME\n\nferry-modules - what tasks and checks can do\n\n# DESCRIPTION\n\n" +
		"A task is written **task \"MODULE\" \"NAME\"**, a check **check \"MODULE\" \"NAME\"**. The arguments every task takes besides those of its module are in **ferry-playbook**(5).\n\n")
	for _, kind := range []string{"task", "check"} {
		fmt.Fprintf(&b, "# %sS\n\n", strings.ToUpper(kind))
		for _, m := range l.Modules {
			if m.Kind != kind {
				continue
			}
			fmt.Fprintf(&b, "## %s\n\n%s\n\n%s\n%s\n", Escape(m.Name), Escape(m.Summary), Prose(m.Doc), Verbatim(m.Example))
			arguments(&b, m.Arguments)
			for _, r := range m.Results {
				item(&b, "result "+Escape(r.Name)+" ("+Escape(r.Type)+")", Escape(r.Doc))
			}
		}
	}
	b.WriteString("# SEE ALSO\n\n**ferry-modules**(1), **ferry-playbook**(5)\n")
	return b.String()
}

// fileManual describes the blocks of a file: those at the top first.
func fileManual(b *strings.Builder, f File) {
	rest := slices.DeleteFunc(slices.Sorted(maps.Keys(f.Blocks)), func(n string) bool { return slices.Contains(f.Top, n) })
	b.WriteString("# BLOCKS\n\n")
	for _, name := range slices.Concat(f.Top, rest) {
		blk := f.Blocks[name]
		head := name
		for _, l := range blk.Labels {
			head += " " + l
		}
		fmt.Fprintf(b, "## %s\n\n%s\n\n", Escape(head), Escape(blk.Doc))
		if blk.Module != "" {
			b.WriteString("Besides the arguments of its module (see **ferry-modules**(7)):\n\n")
		}
		if blk.Free {
			b.WriteString("Its arguments may have any name.\n\n")
		}
		arguments(b, blk.Arguments)
		if len(blk.Blocks) > 0 {
			fmt.Fprintf(b, "Blocks in it: %s.\n\n", Escape(strings.Join(blk.Blocks, ", ")))
		}
	}
}

func arguments(b *strings.Builder, args []module.ArgumentReference) {
	for _, a := range args {
		head := Escape(a.Name) + " (" + Escape(a.Type)
		if a.Required {
			head += ", required"
		}
		text := Escape(a.Doc)
		if a.Default != "" {
			text += " Default: " + Escape(a.Default) + "."
		}
		if len(a.Choices) > 0 {
			text += " One of: " + Escape(strings.Join(a.Choices, ", ")) + "."
		}
		if a.Sensitive {
			text += " The value is never shown."
		}
		item(b, head+")", text)
	}
}

func item(b *strings.Builder, head, text string) { fmt.Fprintf(b, "**%s**\n: %s\n\n", head, text) }

// Escape keeps what means something in Markdown from meaning it.
func Escape(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "<", `\<`, ">", `\>`, "[", `\[`, "]", `\]`, "#", `\#`, "~", `\~`, "|", `\|`).Replace(s)
}

// Prose is help text as Markdown: paragraphs, and indented lines as they are.
func Prose(s string) string {
	var b strings.Builder
	verbatim, para := []string{}, []string{}
	flush := func() {
		if len(para) > 0 {
			b.WriteString(Escape(strings.Join(para, " ")) + "\n\n")
		}
		if len(verbatim) > 0 {
			b.WriteString(Verbatim(strings.Join(verbatim, "\n")) + "\n")
		}
		para, verbatim = nil, nil
	}
	for _, line := range strings.Split(strings.TrimSpace(s), "\n") {
		indented := strings.HasPrefix(line, "  ")
		if strings.TrimSpace(line) == "" || indented && len(para) > 0 || !indented && len(verbatim) > 0 {
			flush()
		}
		switch {
		case strings.TrimSpace(line) == "":
		case indented:
			verbatim = append(verbatim, line)
		default:
			para = append(para, line)
		}
	}
	flush()
	return b.String()
}

// Verbatim is a block of text that is shown as it is.
func Verbatim(s string) string {
	return "```\n" + strings.Trim(strings.ReplaceAll(s, "```", "'''"), "\n") + "\n```\n"
}
