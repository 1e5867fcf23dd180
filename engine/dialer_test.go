package engine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ferry-ops/ferry/engine/ssh"
	"github.com/ferry-ops/ferry/inventory"
)

// A jump host of the inventory is reached by way of its own jump hosts.
func TestJumpHostsOfJumpHosts(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "inventory.hcl")
	text := `
host "outer" { address = "192.0.2.1" }
host "inner" {
  address = "192.0.2.2"
  jump    = ["outer"]
}
host "web" {
  address = "192.0.2.3"
  jump    = ["ops@inner:2222"]
}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	inv, set := inventory.Load(t.Context(), []string{file}, inventory.Options{})
	if set.HasErrors() {
		t.Fatal(set.Diags)
	}
	r, err := ssh.NewResolver(filepath.Join(dir, "none"), dir, "me")
	if err != nil {
		t.Fatal(err)
	}
	d := &Dialer{inv: inv, resolver: r}
	got, err := d.target(inv.Host("web"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Jump) != 2 || got.Jump[0].Address != "192.0.2.1" || got.Jump[1].Address != "192.0.2.2" {
		t.Fatalf("jump hosts %+v, want outer and then inner", got.Jump)
	}
	if hop := got.Jump[1]; hop.User != "ops" || hop.Port != 2222 || len(hop.Jump) != 0 {
		t.Errorf("the last hop is %+v", hop)
	}
}
