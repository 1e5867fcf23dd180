package distro

import "testing"

func TestRPMName(t *testing.T) {
	for deb, want := range map[string]string{
		"libc6": "glibc", "libssl1.1": "openssl-libs", "libssl3": "openssl-libs", "libffi7": "libffi", "libffi8": "libffi",
		"libicu67": "libicu", "libcbor0.8": "libcbor", "libxml2": "libxml2", "python3.11-minimal": "python3", "python3-dnf": "python3-dnf",
		"libproc2-0": "procps-ng", "cron": "cronie", "bash": "bash", "libdnf2-common": "libdnf", "apt": "", "gcc-12-base": "",
	} {
		got, _, ok := rpmName(deb)
		if got != want || ok != (want != "") {
			t.Errorf("rpmName(%q) = %q, %v; want %q", deb, got, ok, want)
		}
	}
}

func TestMergeUsr(t *testing.T) {
	for in, want := range map[string]string{
		"/bin/sh": "/usr/bin/sh", "/lib": "/usr/lib", "/lib64/ld.so": "/usr/lib64/ld.so", "/library": "/library", "/usr/bin/env": "/usr/bin/env",
	} {
		if got := mergeUsr(in); got != want {
			t.Errorf("mergeUsr(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestRecipeHash(t *testing.T) {
	a, b := DefaultRecipe(), DefaultRecipe()
	if a.Hash() != b.Hash() {
		t.Error("equal recipes have different hashes")
	}
	b.Target.Include = append(b.Target.Include, "vim")
	if a.Hash() == b.Hash() {
		t.Error("another package list does not change the hash")
	}
	c := DefaultRecipe()
	c.Factory++
	if a.Hash() == c.Hash() {
		t.Error("another factory version does not change the hash")
	}
}
