package rule

import (
	"time"
	"unsafe"

	"github.com/certassay/certassay/internal/facts"
)

// This file is all that reads facts by their place in memory. Where they lie is
// read off their types by reflection, once, when a rule is loaded; a place is only
// ever followed from a pointer to the struct it was made for.

// A frame is what lowered expressions read while they run: the facts, and the
// elements that loops are at. It serves one goroutine.
type frame struct {
	base  [1 + maxLoops]unsafe.Pointer // base[0] is the *facts.Facts; elements that are structs
	texts [1 + maxLoops]string         // elements that are texts
}

func newFrame(f *facts.Facts) (out frame) {
	out.base[0] = unsafe.Pointer(f)
	return out
}

// maxLoops is how deep loops of lowered expressions can lie in one another.
const maxLoops = 3

// A step leads from a struct to a field of it, and through the pointer there.
type step struct {
	offset  uintptr
	pointer bool
}

// A spot is where a fact lies: steps from a base of the frame.
type spot struct {
	base  int
	steps []step
}

// in gives the spot of a field of the struct at s.
func (s spot) in(f *field) spot {
	return spot{s.base, append(s.steps[:len(s.steps):len(s.steps)], step{f.offset, f.pointer})}
}

// at gives the pointer to the value; nil where it, or a group around it, is
// unknown.
func (s *spot) at(f *frame) unsafe.Pointer {
	p := f.base[s.base]
	for i := range s.steps {
		p = unsafe.Add(p, s.steps[i].offset)
		if s.steps[i].pointer {
			if p = *(*unsafe.Pointer)(p); p == nil {
				return nil
			}
		}
	}
	return p
}

func (s *spot) bool(f *frame) (bool, bool)      { return load[bool](s.at(f)) }
func (s *spot) int(f *frame) (int64, bool)      { return load[int64](s.at(f)) }
func (s *spot) text(f *frame) (string, bool)    { return load[string](s.at(f)) }
func (s *spot) time(f *frame) (time.Time, bool) { return load[time.Time](s.at(f)) }

// texts gives a list of texts; nil is unknown.
func (s *spot) list(f *frame) ([]string, bool) {
	v, ok := load[[]string](s.at(f))
	return v, ok && v != nil
}

// A slice is any slice as it lies in memory.
type slice struct {
	data   unsafe.Pointer
	length int
	_      int // its capacity
}

// elements gives a list of structs; nil is unknown.
func (s *spot) elements(f *frame) (slice, bool) {
	v, ok := load[slice](s.at(f))
	return v, ok && v.data != nil
}

func load[T any](p unsafe.Pointer) (v T, ok bool) {
	if p == nil {
		return v, false
	}
	return *(*T)(p), true
}

// element is the address of an element; i is below the length.
func (s *slice) element(i int, size uintptr) unsafe.Pointer {
	return unsafe.Add(s.data, uintptr(i)*size)
}

// unknownBits says which facts f does not know. Everything inside an unknown
// group is unknown.
func (v *vocabulary) unknownBits(f *facts.Facts) (out bits) {
	v.root.unknownBits(unsafe.Pointer(f), &out)
	return out
}

func (r *record) unknownBits(s unsafe.Pointer, out *bits) {
	for i := range r.holes {
		h := &r.holes[i]
		at := unsafe.Add(s, h.offset)
		if h.nilable {
			// The first word of a slice is its pointer, too, and nil only in nil.
			if at = *(*unsafe.Pointer)(at); at == nil {
				out.add(&h.all)
				continue
			}
		}
		if h.group != nil {
			h.group.unknownBits(at, out)
		}
	}
}

// A hole is a fact or group that can be unknown, or a group that is always there
// and holds such.
type hole struct {
	offset  uintptr
	nilable bool
	group   *record
	all     bits // what is unknown where it is nil
}

// findHoles prepares unknownBits.
func (r *record) findHoles() {
	for _, f := range r.order {
		if !f.nilable && f.group == nil {
			continue
		}
		h := hole{offset: f.offset, nilable: f.nilable, group: f.group}
		if f.bit >= 0 {
			h.all.set(f.bit)
		}
		if f.group != nil {
			f.group.allUnknown(&h.all)
		}
		r.holes = append(r.holes, h)
	}
}
