package playbook

import (
	"path/filepath"
	"strings"

	"github.com/zclconf/go-cty/cty/function"
)

// FunctionDoc describes one function of the language.
type FunctionDoc struct {
	Name      string
	Signature string // split(separator, string)
	Doc       string
}

// FunctionDocs describes the functions of the language, in no order.
func FunctionDocs() []FunctionDoc {
	var out []FunctionDoc
	for name, f := range functions(string(filepath.Separator), &secrets{}, true) {
		doc := f.Description()
		if doc == "" {
			doc = undescribed()[name]
		}
		out = append(out, FunctionDoc{Name: name, Signature: signature(name, f), Doc: doc})
	}
	return out
}

func signature(name string, f function.Function) string {
	var params []string
	for _, p := range f.Params() {
		params = append(params, p.Name)
	}
	if v := f.VarParam(); v != nil {
		params = append(params, v.Name+"…")
	}
	return name + "(" + strings.Join(params, ", ") + ")"
}

// undescribed describes the functions that come without a description.
func undescribed() map[string]string {
	return map[string]string{
		"abspath":      "Makes a path absolute.",
		"alltrue":      "Tells whether all elements of a list are true.",
		"anytrue":      "Tells whether an element of a list is true.",
		"base64decode": "Decodes Base64 to text.",
		"base64encode": "Encodes text as Base64.",
		"basename":     "Returns the last part of a path.",
		"can":          "Tells whether the expression can be evaluated without an error.",
		"cidrhost":     "Returns the address of a host by its number in a network, for example cidrhost(\"10.0.0.0/8\", 5).",
		"cidrnetmask":  "Returns the mask of an IPv4 network, for example 255.255.255.0.",
		"cidrsubnet":   "Returns a part of a network, by the bits added to the prefix and its number.",
		"cidrsubnets":  "Returns parts of a network one after the other, each by the bits added to the prefix.",
		"dirname":      "Returns a path without its last part.",
		"endswith":     "Tells whether a string ends with another.",
		"file":         "Returns the content of a text file on this machine. Relative paths start at the playbook.",
		"filebase64":   "Returns the content of a file on this machine as Base64.",
		"fileexists":   "Tells whether a file exists on this machine.",
		"fileset":      "Returns the files below a directory on this machine that match a pattern such as *.conf.",
		"index":        "Returns the position of a value in a list; that it is not there is an error.",
		"length":       "Returns the number of elements of a collection, or of characters of a string.",
		"md5":          "Returns the MD5 sum of a string in hexadecimal. It protects against nothing.",
		"nonsensitive": "Makes a sensitive value one that is shown.",
		"one":          "Returns the only element of a list, null if it is empty; more of them are an error.",
		"pathexpand":   "Replaces ~ at the start of a path by the home directory.",
		"replace":      "Replaces a part of a string; a part written /…/ is a regular expression.",
		"sensitive":    "Makes a value one that is never shown.",
		"sha1":         "Returns the SHA-1 sum of a string in hexadecimal.",
		"sha256":       "Returns the SHA-256 sum of a string in hexadecimal.",
		"sha512":       "Returns the SHA-512 sum of a string in hexadecimal.",
		"startswith":   "Tells whether a string starts with another.",
		"strcontains":  "Tells whether a string contains another.",
		"sum":          "Adds the numbers of a list.",
		"templatefile": "Renders a template file on this machine with the elements of an object as its names.",
		"try":          "Returns the first of its arguments that can be evaluated without an error.",
		"yamldecode":   "Reads a value from YAML.",
		"yamlencode":   "Writes a value as YAML.",
		"urlencode":    "Encodes a string for use in a URL.",
	}
}
