package inventory_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ferry-ops/ferry/inventory"
)

func TestSelect(t *testing.T) {
	dir := tree(t, map[string]string{"hosts": "alone\n::1\n[web]\nweb[1:5]\n[db]\ndb1\ndb2\nweb1\n[prod:children]\nweb\ndb\n", "list": "# from a run\nweb2\n\ndb1,web9\n", "good": "web2\ndb1\n", "none": "#\n"})
	inv := mustLoad(t, filepath.Join(dir, "hosts"))
	for pat, want := range map[string]string{
		"all": "alone ::1 web1 web2 web3 web4 web5 db1 db2", "db:web": "db1 db2 web1 web2 web3 web4 web5", "web:&db": "web1", "!web": "alone ::1 db1 db2",
		"!web1:&prod:web": "web2 web3 web4 web5", "web[0]": "web1", "web[-1]": "web5", "web[1:2]": "web2 web3", "web[3:]": "web4 web5", "web[3:99]": "web4 web5", "web[4:2]": "",
		"::1": "::1", "::1,web1": "::1 web1", "all:!db:!web": "alone ::1", "!::1,alone,::1": "alone", "[::1]:22": "::1", "~web(1|2):db2": "web1 web2 db2", `~web\d{1,2}`: "web1 web2 web3 web4 web5",
		"web?[0:1]": "web1 web2", "prod:!web": "db1 db2", "[!w]*2": "db2", "web:&db,web2": "web1",
	} {
		hosts, diags := inv.Select(pat, nil)
		if diags.HasErrors() {
			t.Errorf("%q: %v", pat, diags)
			continue
		}
		if got := strings.Join(names(hosts), " "); got != want {
			t.Errorf("%q: %q, want %q", pat, got, want)
		}
	}
	play, _ := inv.Select("prod", nil)
	for limit, want := range map[string]string{"db": "web1 db1 db2", "@" + dir + "/good": "web2 db1", "@" + dir + "/good:!db": "web2", "all:!web": "db1 db2"} {
		hosts, diags := inv.Limit(play, []string{limit})
		if got := strings.Join(names(hosts), " "); got != want || diags.HasErrors() {
			t.Errorf("limit %q: %q %v, want %q", limit, got, diags, want)
		}
	}
	for _, limit := range []string{"@" + dir + "/list", "@" + dir + "/none", "@" + dir + "/missing", "@" + dir} {
		if _, diags := inv.Limit(play, []string{limit}); !diags.HasErrors() {
			t.Errorf("limit %q: no error", limit)
		}
	}
}

func TestSort(t *testing.T) {
	inv := mustLoad(t, "c,a,d,b")
	for o, want := range map[inventory.Order]string{"": "c a d b", "inventory": "c a d b", "reverse_inventory": "b d a c", "sorted": "a b c d", "reverse_sorted": "d c b a"} {
		if hosts, err := inventory.Sort(inv.Hosts, o, 0); err != nil || strings.Join(names(hosts), " ") != want {
			t.Errorf("%s: %v %v", o, names(hosts), err)
		}
	}
	a, _ := inventory.Sort(inv.Hosts, inventory.OrderShuffle, 7)
	b, _ := inventory.Sort(inv.Hosts, inventory.OrderShuffle, 7)
	if !slices.Equal(a, b) || strings.Join(names(inv.Hosts), "") != "cadb" {
		t.Error("the same seed gives another order, or the inventory was changed")
	}
	if _, err := inventory.Sort(inv.Hosts, "random", 0); err == nil {
		t.Error("no error for an unknown order")
	}
}
