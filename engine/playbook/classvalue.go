package playbook

import (
	"encoding/binary"
	"hash/maphash"
	"math"

	"github.com/zclconf/go-cty/cty"
)

// hashValue mixes a value into h. It reports false for what no class is made of:
// a value that is not known or sensitive, in whole or in part.
func hashValue(h *maphash.Hash, v cty.Value) bool {
	if v.IsMarked() || !v.IsKnown() {
		return false
	}
	if v.IsNull() {
		return h.WriteByte(0) == nil
	}
	t := v.Type()
	switch {
	case t == cty.String:
		s := v.AsString()
		hashInt(h, 's', uint64(len(s)))
		_, _ = h.WriteString(s)
	case t == cty.Bool:
		b := uint64(0)
		if v.True() {
			b = 1
		}
		hashInt(h, 'b', b)
	case t == cty.Number:
		f := v.AsBigFloat()
		x, _ := f.Float64()
		hashInt(h, 'n', math.Float64bits(x))
		hashInt(h, 'p', uint64(f.Prec())) // equal numbers of another precision divide otherwise
	case t.IsListType(), t.IsSetType(), t.IsTupleType(), t.IsMapType(), t.IsObjectType():
		hashInt(h, 'c', uint64(v.LengthInt()))
		for it := v.ElementIterator(); it.Next(); {
			k, e := it.Element()
			if !t.IsSetType() && k.Type() == cty.String && !hashValue(h, k) || !hashValue(h, e) {
				return false
			}
		}
	default:
		return false
	}
	return true
}

func hashInt(h *maphash.Hash, kind byte, n uint64) {
	var b [9]byte
	b[0] = kind
	binary.LittleEndian.PutUint64(b[1:], n)
	_, _ = h.Write(b[:])
}

// settled reports whether a value may be given to other hosts: it is known and
// not sensitive, also inside.
func settled(v cty.Value) bool { return v.IsWhollyKnown() && !v.ContainsMarked() }

// knownValue is a value in the table of an input or a variable. Its hash includes
// the precision of numbers, which RawEquals does not compare.
type knownValue struct {
	val  cty.Value
	id   uint32
	made cty.Value // of a variable: what it has if it is given val
}

func (k *knownValue) is(v cty.Value) bool { return k.val.RawEquals(v) }
