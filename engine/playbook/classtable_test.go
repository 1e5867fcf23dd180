package playbook

import (
	"sync"
	"testing"
)

type number int

func (n number) is(k int) bool { return int(n) == k }

// A table holds each key once whoever comes first, and no more than its limit.
func TestClassTable(t *testing.T) {
	var table classTable[int, number]
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 100 {
				if got, ok := table.add(uint64(i%7), i, number(i)); !ok || int(got) != i {
					t.Errorf("adding %d gave %d, %v", i, got, ok)
				}
			}
		})
	}
	wg.Wait()
	if n := table.size.Load(); n != 100 {
		t.Errorf("there are %d items, want 100", n)
	}
	for i := 100; i < 10*classLimit; i++ {
		if _, ok := table.find(uint64(i), i); !ok {
			table.add(uint64(i), i, number(i))
		}
	}
	if n := table.size.Load(); n != classLimit {
		t.Errorf("there are %d items, want %d", n, classLimit)
	}
	if !table.useless.Load() {
		t.Error("a table that only misses is not given up")
	}
}

// A table that is full and of use stays in use.
func TestClassTableOfUse(t *testing.T) {
	var table classTable[int, number]
	for i := range 20 * classLimit {
		k := i % classLimit
		if i%4 == 3 {
			k = i
		}
		if _, ok := table.find(uint64(k), k); !ok {
			table.add(uint64(k), k, number(k))
		}
	}
	if table.useless.Load() {
		t.Error("a table that is of use to three hosts of four was given up")
	}
}
