package diag

import (
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// rewrite turns one of HCL's own messages into ferry's words. An empty summary
// or detail leaves that part as it is.
type rewrite struct {
	from    string // HCL's summary
	match   string // a pattern its detail matches; empty matches all
	summary string
	detail  string // may use the pattern's groups
}

func rewrites() []rewrite {
	return []rewrite{
		{from: "Call to unknown function", match: `(?s)^There is no function named ("[^"]*")\.?(.*)$`, summary: "Unknown function", detail: `There is no function ${1}.${2}`},
		{from: "Not enough function arguments", match: `^Function ("[^"]*") expects(?: at least)? (\d+) argument\(s\)\. Missing value for ("[^"]*")\.$`,
			summary: "Missing function argument", detail: "The function ${1} takes more arguments than it is given here: the one called ${3} is missing."},
		{from: "Too many function arguments", match: `^Function ("[^"]*") expects only (\d+) argument\(s\)\.$`,
			detail: "The function ${1} takes no more arguments than ${2}."},
		{from: "Invalid function argument", match: `(?s)^Invalid value for ("[^"]*") parameter: (.*)$`,
			detail: "The argument ${1} of the function cannot have this value: ${2}"},
		{from: "Error in function call", match: `(?s)^Call to function ("[^"]*") failed: (.*)$`,
			summary: "Function failed", detail: "The function ${1} cannot give a result: ${2}"},
		{from: "Unsupported attribute", match: `^This object does not have an attribute named ("[^"]*")\.$`,
			summary: "Unknown attribute", detail: "The object has no attribute ${1}. If it may be missing, write try(…, default) around the reference."},
		{from: "Unsupported attribute", match: `^Can't access attributes on a primitive-typed value \((\w+)\)\.$`,
			summary: "Unknown attribute", detail: "The value before the dot is a ${1}, which has no attributes."},
		{from: "Attribute redefined", match: `^The argument ("[^"]*") was already set at (.*?:\d+),\S+\. `,
			summary: "Duplicate argument", detail: "The argument ${1} is set twice, first at ${2}."},
		{from: "Invalid multi-line string", summary: "String not closed",
			detail: "The string has no closing quote on its line. Text of several lines is written between <<-EOT and EOT."},
		{from: "Invalid block definition", summary: "Argument or block expected",
			detail: "This is neither an argument (NAME = VALUE) nor a block (NAME { … }, with the opening brace on the same line). Is an equals sign missing?"},
		{from: "Unclosed configuration block", summary: "Block not closed",
			detail: "The block that begins here has no closing brace before the end of the file. A brace may also be missing or wrong in a block within it."},
		{from: "Variables not allowed", detail: "This value must be written out: it is needed before variables have values, so it cannot mention any."},
		{from: "Function calls not allowed", detail: "This value must be written out: functions cannot be called here."},
		{from: "Invalid expression", match: `^Expected the start of an expression, but found an invalid expression token\.$`,
			summary: "Value expected", detail: "A value must stand here: a string in quotes, a number, true, false, a list, an object or a reference such as var.NAME."},
		{from: "Invalid operand", match: `(?s)^Unsuitable value for (\w+ )?operand: (.*)$`,
			summary: "Wrong type of value", detail: "The ${1}operand does not fit: ${2}"},
		{from: "Invalid template interpolation value", match: `(?s)^Cannot include the given value in a string template: (.*)$`,
			summary: "Value is not text", detail: "Only text, numbers, true and false can be part of a string: ${1} Turn it into text first, for example with join or jsonencode."},
		{from: "Invalid template interpolation value", match: `null`,
			summary: "Value is not text", detail: "The value is null, so it cannot be part of a string. Give it a default with coalesce(…, \"\")."},
		{from: "Invalid type specification", match: `^(?:The keyword|Keyword) ("[^"]*") is not a valid type specification\.$`,
			summary: "Unknown type", detail: "There is no type ${1}. Types are string, number, bool, any, list(TYPE), set(TYPE), map(TYPE) and object({ NAME = TYPE })."},
		{from: "Argument or block definition required", summary: "Argument or block expected",
			detail: "An argument (NAME = VALUE) or a block (NAME { … }) must stand here. Is there an equals sign, a quote or a brace missing?"},
	}
}

// Plain puts the messages of the HCL library into the words and the style of
// ferry's own, without sensitive values. Other diagnostics are returned as they
// are; d is not changed.
func Plain(d *hcl.Diagnostic) *hcl.Diagnostic {
	if d == nil {
		return nil
	}
	return plainWords(withoutSecrets(d))
}

func plainWords(d *hcl.Diagnostic) *hcl.Diagnostic {
	for _, r := range rewrites() {
		if r.from != d.Summary {
			continue
		}
		out := *d
		if r.match != "" {
			re := regexp.MustCompile(r.match)
			m := re.FindStringSubmatchIndex(d.Detail)
			if m == nil {
				continue
			}
			if r.detail != "" {
				out.Detail = sentenceEnd(string(re.ExpandString(nil, r.detail, d.Detail, m)))
			}
		} else if r.detail != "" {
			out.Detail = r.detail
		}
		if r.summary != "" {
			out.Summary = r.summary
		}
		return &out
	}
	return d
}

// sentenceEnd removes the double full stop that two messages joined can have,
// and puts types into words.
func sentenceEnd(s string) string {
	s = strings.TrimRight(s, " \n")
	s = strings.NewReplacer("but have tuple", "and this is a list", "but have object", "and this is an object", "but have ", "and this is a ").Replace(s)
	for strings.HasSuffix(s, "..") {
		s = strings.TrimSuffix(s, ".")
	}
	return s
}
