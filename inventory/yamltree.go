package inventory

import (
	"bytes"
	"errors"
	"io"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"go.yaml.in/yaml/v4"

	"github.com/ferry-ops/ferry/engine/diag"
)

const (
	// maxAliasNodes bounds what a document may grow to by following aliases.
	maxAliasNodes = 200_000
	maxTreeDepth  = 100
)

// parseYAML reads one YAML document, nil if it is empty.
func parseYAML(src source) (*node, *hcl.Diagnostic) {
	dec := yaml.NewDecoder(bytes.NewReader(src.data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, yamlError(src, err)
	}
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		return nil, diag.Errorf("More than one document", lineRange(src, second.Line, 1), "The file has a second YAML document, after a line \"---\". Make it two files.")
	} else if !errors.Is(err, io.EOF) {
		return nil, yamlError(src, err)
	}
	c := &yamlConverter{src: src, lines: lineStarts(src.data)}
	n := &doc
	if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		n = n.Content[0]
	}
	out := c.convert(n, 0, false)
	if c.err != nil {
		return nil, c.err
	}
	return out, nil
}

func lineStarts(data []byte) []int {
	starts := []int{0}
	for i, b := range data {
		if b == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// lineRange is the range of one line.
func lineRange(src source, line, col int) *hcl.Range {
	starts := lineStarts(src.data)
	line = min(max(line, 1), len(starts))
	from, to := starts[line-1], len(src.data)
	if line < len(starts) {
		to = starts[line] - 1
	}
	text := string(src.data[from:to])
	cut := min(len(text), max(0, col-1))
	if cut == 0 {
		cut = len(text) - len(strings.TrimLeft(text, " \t"))
	}
	rng := textRange(src.name, text, line, from, cut, max(cut, len(strings.TrimRight(text, " \t\r"))))
	return &rng
}

var yamlLine = regexp.MustCompile(`line (\d+)(?:, column (\d+))?`)

func yamlError(src source, err error) *hcl.Diagnostic {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		line, _ = strconv.Atoi(m[1])
	}
	if _, after, ok := strings.Cut(msg, ": "); ok && strings.Contains(msg[:len(msg)-len(after)], "line ") {
		msg = after
	}
	d := diag.Errorf("Invalid YAML", lineRange(src, line, 0), "The file is not valid YAML: %s. Often the cause is the line above, a tab in the indentation, or a value with \": \" in it that needs quotation marks.", msg)
	if line >= 1 {
		return hideIfSecret(d, string(src.data[d.Subject.Start.Byte:d.Subject.End.Byte]))
	}
	return d
}

type yamlConverter struct {
	src   source
	lines []int
	last  hcl.Pos // where the last node began
	alias int     // nodes made by following aliases
	err   *hcl.Diagnostic
}

func (c *yamlConverter) fail(n *yaml.Node, summary, format string, args ...any) *node {
	if c.err == nil {
		rng := c.rangeOf(n)
		c.err = diag.Errorf(summary, &rng, format, args...)
	}
	return &node{scalar: cty.NullVal(cty.DynamicPseudoType)}
}

func (c *yamlConverter) convert(n *yaml.Node, depth int, aliased bool) *node {
	if c.err != nil {
		return &node{scalar: cty.NullVal(cty.DynamicPseudoType)}
	}
	if depth > maxTreeDepth {
		return c.fail(n, "Nested too deeply", "Values are nested more than %d deep here. Is it the right file?", maxTreeDepth)
	}
	if aliased {
		if c.alias++; c.alias > maxAliasNodes {
			return c.fail(n, "Too many aliases", "The aliases (*name) of this file stand for more than %d values, which would use up the memory. Write it without aliases.", maxAliasNodes)
		}
	}
	out := &node{rng: c.rangeOf(n)}
	switch n.Kind {
	case yaml.AliasNode:
		// An alias within its own anchor never ends; depth stops it.
		target := c.convert(n.Alias, depth+1, true)
		target.rng = out.rng
		return target
	case yaml.SequenceNode:
		out.kind = nodeList
		for _, item := range n.Content {
			out.items = append(out.items, c.convert(item, depth+1, aliased))
		}
	case yaml.MappingNode:
		out.kind = nodeMap
		c.mapping(n, out, depth, aliased)
	case yaml.ScalarNode:
		switch n.Tag {
		case "!vault", "!vault-encrypted", "!age":
			out.kind, out.text = nodeVault, n.Value
		default:
			out.scalar = c.scalar(n)
		}
	default:
		out.scalar = cty.NullVal(cty.DynamicPseudoType)
	}
	return out
}

func (c *yamlConverter) mapping(n *yaml.Node, out *node, depth int, aliased bool) {
	seen := make(map[string]hcl.Range, len(n.Content)/2)
	var merged []*node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind == yaml.ScalarNode && k.Value == "<<" && k.Style == 0 {
			merged = append(merged, c.merges(v, depth, aliased)...)
			continue
		}
		for k.Kind == yaml.AliasNode {
			k = k.Alias
		}
		if k.Kind != yaml.ScalarNode {
			c.fail(k, "Invalid key", "A key must be a string. Put quotation marks around a key that begins with a bracket.")
			return
		}
		rng := c.rangeOf(k)
		if first, dup := seen[k.Value]; dup {
			c.fail(k, "Key twice", "The key %q is already in this map, at line %d. Only one of the two would count. Take one of them out.", k.Value, first.Start.Line)
			return
		}
		seen[k.Value] = rng
		out.pairs = append(out.pairs, pair{key: k.Value, rng: rng, val: c.convert(v, depth+1, aliased)})
	}
	for _, m := range merged {
		for _, p := range m.pairs {
			if _, have := seen[p.key]; !have {
				seen[p.key] = p.rng
				out.pairs = append(out.pairs, p)
			}
		}
	}
}

// merges returns the maps of a merge key (<<).
func (c *yamlConverter) merges(v *yaml.Node, depth int, aliased bool) []*node {
	n := c.convert(v, depth+1, aliased)
	list := []*node{n}
	if n.kind == nodeList {
		list = n.items
	}
	for _, m := range list {
		if m.kind != nodeMap && c.err == nil {
			c.fail(v, "Invalid merge", "The merge key << takes a map, or a list of maps.")
		}
	}
	return list
}

// rangeOf finds the text of a node. Nodes mostly come in the order of the
// file, so it goes on from where the last one was: a file may be one line.
func (c *yamlConverter) rangeOf(n *yaml.Node) hcl.Range {
	line := min(max(n.Line, 1), len(c.lines))
	data := c.src.data
	if line < len(c.lines) {
		data = data[:c.lines[line]-1]
	}
	if line != c.last.Line || n.Column < c.last.Column {
		c.last = hcl.Pos{Line: line, Column: 1, Byte: c.lines[line-1]}
	}
	start := c.last
	for start.Column < n.Column && start.Byte < len(data) {
		_, size := utf8.DecodeRune(data[start.Byte:])
		start.Byte += size
		start.Column++
	}
	c.last = start
	rest := data[start.Byte:]
	size := 0
	if n.Kind == yaml.ScalarNode {
		size = len(n.Value)
		if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
			size += 2
		}
	}
	size = min(size, len(rest))
	for size > 0 && size < len(rest) && !utf8.RuneStart(rest[size]) {
		size--
	}
	end := hcl.Pos{Line: line, Column: start.Column + utf8.RuneCount(rest[:size]), Byte: start.Byte + size}
	return hcl.Range{Filename: c.src.name, Start: start, End: end}
}

// scalar types a plain scalar as Ansible (YAML 1.1) does: yes, no, on and off
// are booleans too, and 0644 is octal (0o644 is a string). Two things are strings here that are
// traps there: dates, and numbers with colons (22:22).
func (c *yamlConverter) scalar(n *yaml.Node) cty.Value {
	str := func() cty.Value { return cty.StringVal(strings.ToValidUTF8(n.Value, "\ufffd")) }
	tag := n.Tag
	if n.Style&yaml.TaggedStyle == 0 {
		if n.Style != 0 {
			return str() // quoted or a block
		}
		tag = ""
	}
	if tag == "!!str" || tag == "!unsafe" || tag == "!!binary" {
		return str()
	}
	s := n.Value
	switch s {
	case "", "~", "null", "Null", "NULL":
		return cty.NullVal(cty.DynamicPseudoType)
	case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON":
		return cty.True
	case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF":
		return cty.False
	}
	if num, ok := yamlNumber(s); ok {
		return cty.NumberVal(num)
	}
	return str()
}

var (
	yamlInt   = regexp.MustCompile(`^[-+]?(0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)$`)
	yamlFloat = regexp.MustCompile(`^[-+]?([0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)([eE][-+][0-9]+)?$`)
)

func yamlNumber(s string) (*big.Float, bool) {
	if s == "" || len(s) > 300 || !strings.ContainsAny(s[:1], "-+.0123456789") {
		return nil, false
	}
	clean := strings.ReplaceAll(s, "_", "")
	switch {
	case yamlInt.MatchString(s):
		i, ok := new(big.Int).SetString(clean, 0)
		if !ok {
			return nil, false
		}
		return new(big.Float).SetPrec(max(512, uint(i.BitLen()))).SetInt(i), true
	case yamlFloat.MatchString(s):
		f, err := strconv.ParseFloat(clean, 64)
		if err != nil {
			return nil, false
		}
		out, _, err := big.ParseFloat(strconv.FormatFloat(f, 'g', -1, 64), 10, 512, big.ToNearestEven)
		return out, err == nil
	}
	return nil, false
}
