package host

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Facts maps the names of gathered facts to their values: string, int64, bool
// or []string, as their definition in FactDefs says.
type Facts map[string]any

// String returns a fact that is a string, or "".
func (f Facts) String(name string) string { s, _ := f[name].(string); return s }

// FactDef defines one fact.
type FactDef struct {
	Name string
	Doc  string
	Zero any // a value of the fact's type
	// Script prints what Parse reads. Facts with equal scripts are gathered
	// together.
	Script string
	Parse  func(out string) (any, error)
}

const osRelease = `cat /etc/os-release 2>/dev/null || cat /usr/lib/os-release 2>/dev/null || sed 's/^/LEGACY=/' /etc/centos-release /etc/redhat-release 2>/dev/null | head -1`

// FactDefs returns the definitions of all facts, sorted by name.
func FactDefs() []FactDef {
	return []FactDef{
		{"addresses", "IP addresses of global scope, as the host lists them.", []string(nil), `ip -o addr show scope global 2>/dev/null | awk '{print $4}'`, parseAddresses},
		{"arch", "Machine architecture as the kernel names it (x86_64, aarch64).", "", `uname -m`, text},
		{"boot_id", "Identifier of the present boot; another one after each reboot.", "", `cat /proc/sys/kernel/random/boot_id`, text},
		{"cmdline", "Kernel command line of the present boot.", "", `cat /proc/cmdline`, text},
		{"cpus", "Number of processors online.", int64(0), `getconf _NPROCESSORS_ONLN`, number},
		{"efi", "Whether the host was started by UEFI firmware.", false, `if [ -d /sys/firmware/efi ]; then echo true; else echo false; fi`, boolean},
		{"fqdn", "Fully qualified host name, as far as the host knows it.", "", `hostname -f 2>/dev/null || uname -n`, text},
		{"glibc", "Version of the C library.", "", `getconf GNU_LIBC_VERSION 2>/dev/null | awk '{print $2}'`, text},
		{"hostname", "Host name the kernel has.", "", `uname -n`, text},
		{"init", "Name of process 1 (systemd on el7 and later).", "", `cat /proc/1/comm`, text},
		{"kernel", "Release of the running kernel.", "", `uname -r`, text},
		{"machine_id", "Content of /etc/machine-id, empty if there is none.", "", `cat /etc/machine-id 2>/dev/null || :`, text},
		{"memory_mb", "Memory in MiB.", int64(0), `awk '/^MemTotal:/{print int($2/1024)}' /proc/meminfo`, number},
		{"mounts", "Mount points of file systems on disks and networks.", []string(nil), `awk '$1 ~ "^/" || $3 ~ "^(nfs|cifs|ceph|overlay)" {print $2}' /proc/mounts`, lines},
		{"os_id", "ID of /etc/os-release, in lower case (centos, openEuler gives openeuler).", "", osRelease, osField("ID")},
		{"os_name", "PRETTY_NAME of /etc/os-release.", "", osRelease, osField("PRETTY_NAME")},
		{"os_version", "VERSION_ID of /etc/os-release.", "", osRelease, osField("VERSION_ID")},
		{"package_manager", "dnf, yum or empty.", "", `if command -v dnf >/dev/null; then echo dnf; elif command -v yum >/dev/null; then echo yum; fi`, text},
		{"rpm_db", "Format of the rpm database: bdb, sqlite, ndb or empty.", "", `d=$(rpm -E %_dbpath 2>/dev/null) || d=/var/lib/rpm
if [ -e "$d/rpmdb.sqlite" ]; then echo sqlite; elif [ -e "$d/Packages.db" ]; then echo ndb; elif [ -e "$d/Packages" ]; then echo bdb; fi`, text},
		{"selinux", "enforcing, permissive or disabled.", "", `getenforce 2>/dev/null || echo disabled`, lower},
		{"systemd", "Version of systemd, empty where it does not run.", "", `systemctl --version 2>/dev/null | awk 'NR==1{print $2}'`, text},
		{"uptime_seconds", "Seconds since the present boot.", int64(0), `cut -d. -f1 /proc/uptime`, number},
		{"user", "User that commands run as.", "", `id -un`, text},
		{"virtualization", "Kind of virtual machine or container, or none.", "", `systemd-detect-virt 2>/dev/null || echo none`, text},
	}
}

// Facts gathers what is missing of the named facts: every script once, all at
// the same time.
func (b *base) Facts(ctx context.Context, names ...string) (Facts, error) {
	defs := map[string]FactDef{}
	for _, d := range FactDefs() {
		defs[d.Name] = d
	}
	have := Facts{}
	outputs := map[string]*Result{}
	b.mu.Lock()
	if s, ok := b.t.(Superuser); ok && s.Superuser() {
		b.facts["user"] = "root"
	}
	for _, n := range names {
		d, ok := defs[n]
		if !ok {
			b.mu.Unlock()
			return nil, fmt.Errorf("there is no fact %q; this is a bug in the module that asks for it", n)
		}
		if v, ok := b.facts[n]; ok {
			have[n] = v
		} else {
			outputs[d.Script] = &Result{}
		}
	}
	b.mu.Unlock()

	g, gctx := errgroup.WithContext(ctx)
	for text, r := range outputs {
		g.Go(func() (err error) {
			*r, err = b.AskShared(gctx, factQuestion(text))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for _, n := range names {
		if _, ok := have[n]; ok {
			continue
		}
		v, err := defs[n].Parse(strings.TrimSpace(string(outputs[defs[n].Script].Stdout)))
		if err != nil {
			return nil, fmt.Errorf("cannot learn the fact %q of the host: %w", n, err)
		}
		have[n] = v
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for n, v := range have {
		b.facts[n] = v
	}
	return have, nil
}

type factKind string // its script

// factQuestion runs the script of a fact once for all who want to know it at the
// same time.
func factQuestion(text string) Question {
	return Question{Kind: factKind(text), Item: text, Command: func(items []string) Command { return script(items[0]) }}
}

func text(s string) (any, error)  { return s, nil }
func lower(s string) (any, error) { return strings.ToLower(s), nil }

func lines(s string) (any, error) { return strings.Fields(s), nil }

func number(s string) (any, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("a number was expected, the host printed %q", Shorten(s, 60))
	}
	return n, nil
}

func boolean(s string) (any, error) { return s == "true", nil }

// parseAddresses drops the prefix lengths.
func parseAddresses(s string) (any, error) {
	out := strings.Fields(s)
	for i, a := range out {
		out[i], _, _ = strings.Cut(a, "/")
	}
	return out, nil
}

// osField reads one assignment of os-release, or makes the most of the one line
// in the release file of a system older than that (el6: LEGACY=CentOS release 6.10 (Final)).
func osField(key string) func(string) (any, error) {
	return func(s string) (any, error) {
		kv := ParseOSRelease(s)
		if legacy := kv["LEGACY"]; legacy != "" {
			kv = legacyRelease(legacy)
		}
		v := kv[key]
		if key == "ID" {
			v = strings.ToLower(v)
		}
		return v, nil
	}
}

// ParseOSRelease reads the assignments of an os-release file.
func ParseOSRelease(s string) map[string]string {
	kv := map[string]string{}
	for line := range strings.Lines(s) {
		k, v, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(k, "#") {
			continue
		}
		if len(v) >= 2 && (v[0] == '"' || v[0] == '\'') && v[len(v)-1] == v[0] && k != "LEGACY" {
			v = v[1 : len(v)-1]
		}
		kv[k] = v
	}
	return kv
}

func legacyRelease(line string) map[string]string {
	f := strings.Fields(line)
	kv := map[string]string{"PRETTY_NAME": line}
	if len(f) > 0 {
		kv["ID"] = strings.ToLower(f[0])
	}
	for i, w := range f {
		if w == "release" && i+1 < len(f) {
			kv["VERSION_ID"] = f[i+1]
		}
	}
	return kv
}
