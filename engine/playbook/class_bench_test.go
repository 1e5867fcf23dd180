package playbook_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/schema"
)

// wide is a module with as many arguments as one that writes files has.
type wide struct {
	module.Step
	path, owner, group, content, validate, tmpl string
	mode                                        uint32
	names                                       []string
	labels                                      map[string]string
	backup, force                               bool
	vars                                        any
}

var wideName = regexp.MustCompile(`^[a-z_][a-z0-9_-]*$`)

func (s *wide) Schema(b *schema.Block) {
	name := schema.Match(wideName, "a name")
	b.String(&s.path, "path", "Path.", schema.AbsPath)
	b.String(&s.owner, "owner", "Owner.", name)
	b.String(&s.group, "group", "Group.", name)
	b.String(&s.content, "content", "Content.", schema.MaySensitive)
	b.String(&s.validate, "validate", "Command.")
	b.Template(&s.tmpl, "src", "Template.", schema.MaySensitive)
	b.Any(&s.vars, "vars", "Values of the template.", schema.MaySensitive)
	b.Mode(&s.mode, "mode", "Mode.")
	b.Strings(&s.names, "names", "Names.")
	b.StringMap(&s.labels, "labels", "Labels.", schema.MaySensitive)
	b.Bool(&s.backup, "backup", "Backup.")
	b.Bool(&s.force, "force", "Force.")
}

// benchRegistry has the module of the benchmarks.
func benchRegistry() *module.Registry {
	return module.NewRegistry(module.Info{Name: "wide", Summary: "Writes.", New: func() module.Step { return &wide{} }})
}

const benchTemplate = `# {{ managed }}
%{ for name, port in ports ~}
upstream ${name} { server 127.0.0.1:${port}; keepalive ${port > 8000 ? 32 : 16}; }
%{ endfor ~}
worker_processes ${workers};
error_log /var/log/${upper(os)}/error.log ${join(",", [for l in levels : lower(l)])};
`

// benchPlays are the sorts of tasks whose cost per host is measured.
var benchPlays = map[string]string{
	"constants": `path = "/etc/x"
owner = "root"
group = "root"
mode = "0644"
names = ["a", "b", "c"]
content = "hello"`,
	"facts": `path = "/etc/${facts.arch}/${var.release}"
owner = var.owner
group = lower(local.group)
names = [for n in var.names : "${n}-${local.version}"]
labels = merge(local.labels, { arch = facts.arch })
when = facts.arch == "x86_64" && contains(var.names, "b")`,
	"template": `path = "/etc/nginx.conf"
src = "nginx.tmpl"
vars = {
  ports = { for n in var.names : n => 8000 + length(n) }
  workers = 4
  os = facts.arch
  levels = ["WARN", "ERROR", local.version]
}`,
	"host": `path = "/etc/${host.name}"
owner = "u-${lower(host.name)}"
names = [for n in var.names : "${n}.${host.name}"]
content = "this is ${host.name} at ${host.address} of ${local.version}"
when = host.name != "localhost"`,
	"function": `path = "/etc/x"
content = templatefile("nginx.tmpl", {
  ports = { for n in var.names : n => 8000 + length(n) }
  workers = 4
  os = facts.arch
  levels = ["WARN", "ERROR", local.version]
})`,
	"mixed": `path = "/etc/${facts.arch}/x"
owner = var.owner
names = [for n in var.names : "${n}-${local.version}"]
content = "this is ${host.name} of ${local.version}"
when = facts.arch == "x86_64"`,
}

const benchTasks = 20

// benchPlaybook is a play of tasks of one sort.
func benchPlaybook(tb testing.TB, body string, opts ...playbook.Option) *playbook.Playbook {
	tb.Helper()
	dir := tb.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "nginx.tmpl"), []byte(strings.ReplaceAll(benchTemplate, "{{ managed }}", "ours")), 0o600); err != nil {
		tb.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(`variable "release" { default = "22.03-LTS-SP4" }
variable "owner" { default = "root" }
variable "names" {
  type = list(string)
  default = ["a", "b", "c", "d", "e", "f"]
  validation {
    condition = alltrue([for n in var.names : can(regex("^[a-z]+$", n))])
    error_message = "Letters."
  }
}
locals {
  version = trimsuffix(split("-", var.release)[0], ".03")
  group = "WHEEL"
  labels = { for n in var.names : n => format("%s-%s", n, local.version) }
}
play "p" {
  hosts = "all"
`)
	for i := range benchTasks {
		fmt.Fprintf(&b, "task \"wide\" \"t%d\" {\n%s\n}\n", i, body)
	}
	b.WriteString("}\n")
	file := filepath.Join(dir, "p.hcl")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		tb.Fatal(err)
	}
	pb, set := playbook.Load(file, benchRegistry(), "", opts...)
	if pb == nil {
		tb.Fatal(set.Diags)
	}
	return pb
}

// benchHost is what is evaluated of a play for the n-th host of a fleet.
func benchHost(tb testing.TB, pb *playbook.Playbook, g playbook.Globals, n int) {
	h := playbook.HostInfo{Name: fmt.Sprintf("host%05d", n), Address: "192.0.2.1", Groups: []string{"web"}, Vars: map[string]cty.Value{"owner": cty.StringVal("nginx")}}
	s, diags := pb.NewScope(pb.Plays[0], g, h)
	if diags.HasErrors() {
		tb.Fatal(diags)
	}
	s.SetFacts(host.Facts{"arch": []string{"x86_64", "aarch64"}[n%2]})
	if diags := s.Locals(); diags.HasErrors() {
		tb.Fatal(diags)
	}
	for _, it := range pb.Plays[0].Items {
		t := it.(*playbook.Task)
		if w := t.Meta.When; w != nil {
			if _, diags := s.Value(w, nil); diags.HasErrors() {
				tb.Fatal(diags)
			}
		}
		b, _ := playbook.Bind(t)
		if d, diags := s.Decode(b, t, nil); diags.HasErrors() || !d.Known() {
			tb.Fatal(diags, d.Unknown)
		}
	}
}

// BenchmarkManyHosts evaluates for hosts at the same time; its mutex profile
// (-mutexprofile) shows whether they wait for each other.
func BenchmarkManyHosts(b *testing.B) {
	pb := benchPlaybook(b, benchPlays["facts"])
	g, _ := pb.Globals(playbook.Inputs{})
	var n atomic.Int64
	b.SetParallelism(1000)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			benchHost(b, pb, g, int(n.Add(1)))
		}
	})
}

// BenchmarkTaskOnHost is what evaluating and decoding costs per host and task,
// with what hosts of a class share and without.
func BenchmarkTaskOnHost(b *testing.B) {
	for _, kind := range []string{"constants", "facts", "template", "function", "host", "mixed"} {
		for name, opts := range map[string][]playbook.Option{"class": nil, "every": {playbook.EveryHost()}} {
			b.Run(kind+"/"+name, func(b *testing.B) {
				pb := benchPlaybook(b, benchPlays[kind], opts...)
				g, _ := pb.Globals(playbook.Inputs{})
				b.ReportAllocs()
				b.ResetTimer()
				for n := 0; n < b.N; n++ {
					benchHost(b, pb, g, n)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*benchTasks), "ns/task")
			})
		}
	}
}
