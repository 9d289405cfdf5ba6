package ctlog

import (
	"encoding/binary"
	"math/bits"
	"strings"
)

// tails is the first question about a name: do its last two labels end anything
// that is looked for? For nearly all names of a log they do not, and one bit says
// so, where the suffixes of a name would be looked up one by one in tables that no
// cache holds. A yes proves nothing. The zero value says no to names of two labels
// or more.
type tails struct {
	bits  []uint64
	shift uint8
	all   bool // a pattern of one label ends names whatever precedes it
}

// bitsEach is how many bits of the table there are for each pattern: one in so
// many names is looked up in vain, however many names are watched.
const bitsEach = 32

// add adds the labels of a pattern, of so many patterns in all.
func (t *tails) add(labels []string, patterns int) {
	if len(labels) < 2 {
		t.all = true
		return
	}
	if t.bits == nil {
		size := max(6, bits.Len(uint(patterns*bitsEach-1)))
		t.bits, t.shift = make([]uint64, 1<<(size-6)), uint8(64-size)
	}
	h := tailHash([]byte(strings.Join(labels[len(labels)-2:], "."))) >> t.shift
	t.bits[h/64] |= 1 << (h % 64)
}

// may says that a plain name, or the part of it behind "*.", could match. It is
// yes for a name of one label, below which anything may be watched.
func (t *tails) may(name []byte) bool {
	if t.all {
		return true
	}
	dots := 0
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] != '.' {
			continue
		}
		if dots++; dots == 2 {
			name = name[i+1:]
			break
		}
	}
	if dots == 0 {
		return true
	}
	if t.bits == nil {
		return false
	}
	h := tailHash(name) >> t.shift
	return t.bits[h/64]&(1<<(h%64)) != 0
}

// tailHash mixes the last 16 octets and the length. That others share the hash of
// a name costs them a look-up and is of no use to anybody.
func tailHash(b []byte) uint64 {
	var low, high uint64
	n := uint64(len(b))
	if len(b) >= 16 {
		low, high = binary.LittleEndian.Uint64(b[len(b)-8:]), binary.LittleEndian.Uint64(b[len(b)-16:])
	} else {
		if len(b) >= 8 {
			low, b = binary.LittleEndian.Uint64(b[len(b)-8:]), b[:len(b)-8]
		}
		for _, c := range b {
			high = high<<8 | uint64(c)
		}
	}
	// Odd constants without pattern: the fraction of the golden ratio, and of pi.
	hi, lo := bits.Mul64(low^0x9e3779b97f4a7c15, high^n<<56^0x243f6a8885a308d3)
	return (hi ^ lo) * 0x9e3779b97f4a7c15
}
