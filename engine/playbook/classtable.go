package playbook

import "sync/atomic"

// Bounds of one table: what is not in it is evaluated anew, so they cost time at
// worst.
const (
	classLimit   = 512 // items
	classBuckets = 64
)

// classTable is a bounded hash table that is only ever added to. It may be used
// concurrently and has no lock: thousands of hosts read it at the same time, and
// what they add is prepended with one compare-and-swap. The zero value is ready.
type classTable[K any, T classItem[K]] struct {
	buckets atomic.Pointer[[classBuckets]atomic.Pointer[classCell[T]]]
	size    atomic.Int32
	// Once it is full, finds and misses are counted: a table whose inputs differ on
	// most hosts is given up, and then costs one load.
	found, missed atomic.Int32
	useless       atomic.Bool
}

// classItem is what a table holds.
type classItem[K any] interface{ is(K) bool }

type classCell[T any] struct {
	hash uint64
	item T
	next *classCell[T]
}

// find returns the item with a key.
func (t *classTable[K, T]) find(hash uint64, key K) (item T, ok bool) {
	b := t.buckets.Load()
	if b == nil {
		return item, false
	}
	full := t.size.Load() >= classLimit
	for c := b[hash%classBuckets].Load(); c != nil; c = c.next {
		if c.hash == hash && c.item.is(key) {
			if full {
				t.found.Add(1)
			}
			return c.item, true
		}
	}
	if full && t.missed.Add(1) > classLimit+2*t.found.Load() {
		t.useless.Store(true)
	}
	return item, false
}

// add puts an item in and returns the one that is there: another goroutine may
// have been first. It reports false if the table is full.
func (t *classTable[K, T]) add(hash uint64, key K, item T) (T, bool) {
	b := t.buckets.Load()
	if b == nil {
		t.buckets.CompareAndSwap(nil, new([classBuckets]atomic.Pointer[classCell[T]]))
		b = t.buckets.Load()
	}
	if t.size.Add(1) > classLimit {
		t.size.Add(-1)
		return item, false
	}
	head := &b[hash%classBuckets]
	fresh := &classCell[T]{hash: hash, item: item}
	for {
		first := head.Load()
		for c := first; c != nil; c = c.next {
			if c.hash == hash && c.item.is(key) {
				t.size.Add(-1)
				return c.item, true
			}
		}
		fresh.next = first
		if head.CompareAndSwap(first, fresh) {
			return item, true
		}
	}
}
