// Package language describes the language as data: blocks, arguments, modules,
// facts, functions and references, each with its documentation. The language
// server, the manual pages and ferry schema are made from it.
package language

import (
	"sort"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// SchemaVersion is raised when a consumer of the JSON form would have to
// change: new properties do not raise it.
const SchemaVersion = 1

// Language is everything that can be written. It does not change.
type Language struct {
	SchemaVersion int    `json:"schema_version"`
	Version       string `json:"version"` // of ferry
	// Playbook and Inventory are the two kinds of files.
	Playbook   File               `json:"playbook"`
	Inventory  File               `json:"inventory"`
	Modules    []module.Reference `json:"modules"`
	Facts      []Fact             `json:"facts"`
	Functions  []Function         `json:"functions"`
	References []Reference        `json:"references"`
}

// File is one kind of file.
type File struct {
	Top []string `json:"top"` // types of the blocks at its top level
	// Blocks has every type of block; one means the same wherever it stands.
	Blocks map[string]Block `json:"blocks"`
}

// Block is one type of block.
type Block struct {
	Labels    []string                   `json:"labels,omitempty"` // what they are, such as MODULE and NAME
	Doc       string                     `json:"doc"`
	Arguments []module.ArgumentReference `json:"arguments,omitempty"`
	Blocks    []string                   `json:"blocks,omitempty"` // types of the blocks in it
	// Module is the kind of modules ("task" or "check") whose arguments the
	// block takes too: those of the module its first label names.
	Module string `json:"module,omitempty"`
	// Free blocks take arguments of any name.
	Free bool `json:"free,omitempty"`
}

// Argument returns the argument of that name.
func (b Block) Argument(name string) (module.ArgumentReference, bool) {
	for _, a := range b.Arguments {
		if a.Name == name {
			return a, true
		}
	}
	return module.ArgumentReference{}, false
}

// Fact is one fact.
type Fact struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Doc  string `json:"doc"`
}

// Function is one function.
type Function struct {
	Name      string `json:"name"`
	Signature string `json:"signature"`
	Doc       string `json:"doc,omitempty"`
}

// Reference is the first name of a reference in an expression.
type Reference struct {
	Name string `json:"name"`
	Form string `json:"form"` // how it goes on
	Doc  string `json:"doc"`
}

// New describes the language with the modules of reg.
func New(reg *module.Registry, version string) Language {
	l := Language{
		SchemaVersion: SchemaVersion, Version: version, Playbook: playbookFile(), Inventory: inventoryFile(),
		References: references(),
	}
	for _, i := range reg.All() {
		l.Modules = append(l.Modules, module.Describe(i))
	}
	for _, d := range host.FactDefs() {
		l.Facts = append(l.Facts, Fact{Name: d.Name, Type: factType(d.Zero), Doc: d.Doc})
	}
	for _, f := range playbook.FunctionDocs() {
		l.Functions = append(l.Functions, Function(f))
	}
	sort.Slice(l.Functions, func(i, j int) bool { return l.Functions[i].Name < l.Functions[j].Name })
	return l
}

// Module returns the module of a kind ("task" or "check").
func (l Language) Module(kind, name string) (module.Reference, bool) {
	for _, m := range l.Modules {
		if m.Kind == kind && m.Name == name {
			return m, true
		}
	}
	return module.Reference{}, false
}

func factType(zero any) string {
	switch zero.(type) {
	case bool:
		return "bool"
	case int64:
		return "number"
	case []string:
		return "list of strings"
	}
	return "string"
}

func references() []Reference {
	return []Reference{
		{"var", "var.NAME", "A variable of the playbook."},
		{"local", "local.NAME", "A local value."},
		{"facts", "facts.NAME", "What was observed about the host. Only facts that are mentioned are gathered."},
		{"host", "host.name, host.address, host.groups, host.vars.NAME", "What the inventory says of the host."},
		{"groups", "groups.NAME", "The hosts of a group of the inventory, each with name, address, groups and vars; also those that a limit leaves out."},
		{"task", "task.MODULE.NAME.RESULT", "The result of an earlier task of the play: changed, skipped, failed, and the module's own."},
		{"check", "check.MODULE.NAME.passed", "The result of an earlier check of the play."},
		{"use", "use.NAME.OUTPUT", "An output of a set that was used earlier in the play."},
		{"stack", "stack.NAME.present", "Whether the host has a stack."},
		{"each", "each.key, each.value", "The element, in a task or use with for_each."},
		{"self", "self.RESULT", "The task's own result, in changed_when, failed_when and until."},
		{"path", "path.playbook, path.module", "The playbook's directory; the directory of the files it is written in, which in a set is the set's."},
	}
}
