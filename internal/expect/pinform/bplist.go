package pinform

import (
	"encoding/binary"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// A property list in Apple's binary form, version 0: "bplist00", the objects, a table
// of their offsets, and a trailer of 32 bytes. Collections name their members by
// number, so that an object can stand in many places, and in itself.
const (
	bplistHeader  = 8
	bplistTrailer = 32
)

// A bplist is one while it is read. What is read is a tree of the same elements as
// of XML, within the same limits: a list of members that are each a list of the same
// members grows without end, and one that holds itself never ends.
type bplist struct {
	data      []byte
	offsets   []byte // the table
	width     int    // of an offset
	ref       int    // of a reference
	objects   uint64
	elements  int
	remaining int // bytes of text that may still be copied
}

// parseBinary reads a property list in binary form, as the <plist> that XML has.
func parseBinary(data []byte) (*element, error) {
	if len(data) < bplistHeader+bplistTrailer || string(data[:bplistHeader]) != binaryPlist+"00" {
		return nil, errorf(0, 0, "turn it into XML: plutil -convert xml1 -o pins.plist FILE", "the binary property list is not of version 0, or was cut short")
	}
	trailer := data[len(data)-bplistTrailer:]
	p := &bplist{
		data: data[:len(data)-bplistTrailer], width: int(trailer[6]), ref: int(trailer[7]),
		objects: binary.BigEndian.Uint64(trailer[8:]), remaining: MaxInput,
	}
	top, table := binary.BigEndian.Uint64(trailer[16:]), binary.BigEndian.Uint64(trailer[24:])
	size := uint64(len(p.data))
	switch {
	case p.width < 1 || p.width > 8 || p.ref < 1 || p.ref > 8:
		return nil, errBinary("its numbers are of no size")
	case p.objects == 0 || p.objects > size || top >= p.objects:
		return nil, errBinary("it has no first object")
	case table < bplistHeader || table > size || p.objects*uint64(p.width) > size-table:
		return nil, errBinary("its table of objects is not in it")
	}
	p.offsets = p.data[table:]
	root, err := p.object(top, 0)
	if err != nil {
		return nil, err
	}
	return &element{name: "plist", children: []*element{root}}, nil
}

func errBinary(what string) error {
	return errorf(0, 0, "", "the binary property list is damaged: %s", what)
}

// number reads an unsigned number of up to eight bytes.
func number(b []byte) (n uint64) {
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

// object reads an object and everything in it.
func (p *bplist) object(index uint64, depth int) (*element, error) {
	if p.elements++; p.elements > maxElements || depth >= maxDepth {
		return nil, errorf(0, 0, "", "the binary property list has more than %d objects or nests deeper than %d", maxElements, maxDepth)
	}
	if index >= p.objects {
		return nil, errBinary("it names an object that is not there")
	}
	at := number(p.offsets[index*uint64(p.width) : (index+1)*uint64(p.width)])
	if at < bplistHeader || at >= uint64(len(p.data)) {
		return nil, errBinary("an object lies outside of it")
	}
	rest := p.data[at:]
	kind, n := rest[0]>>4, uint64(rest[0]&0x0f)
	rest = rest[1:]
	switch kind {
	case 0x0:
		names := map[uint64]string{0x0: "null", 0x8: "false", 0x9: "true"}
		if name, ok := names[n]; ok {
			return &element{name: name}, nil
		}
		return nil, errBinary("an object is of no kind")
	case 0x1, 0x2, 0x3, 0x8: // an integer, a real, a date, a reference of an archive
		return &element{name: "number"}, nil
	}
	if n == 0x0f { // the length follows, as an integer
		if len(rest) == 0 || rest[0]>>4 != 0x1 || rest[0]&0x0f > 3 || len(rest) < 1+1<<(rest[0]&0x0f) {
			return nil, errBinary("the length of an object cannot be read")
		}
		width := 1 << (rest[0] & 0x0f)
		n, rest = number(rest[1:1+width]), rest[1+width:]
	}
	switch kind {
	case 0x4:
		return &element{name: "data"}, nil
	case 0x5, 0x6:
		return p.text(kind, n, rest)
	case 0xa, 0xc:
		return p.list("array", n, rest, depth)
	case 0xd:
		return p.dict(n, rest, depth)
	}
	return nil, errBinary("an object is of no kind")
}

// text reads a string of n characters: of ASCII, or of UTF-16.
func (p *bplist) text(kind byte, n uint64, b []byte) (*element, error) {
	width := uint64(1)
	if kind == 0x6 {
		width = 2
	}
	if n > uint64(len(b))/width {
		return nil, errBinary("a text is longer than it")
	}
	b = b[:n*width]
	if p.remaining -= len(b); p.remaining < 0 {
		return nil, errorf(0, 0, "", "the binary property list has more text than its file: it repeats itself")
	}
	e := &element{name: "string", raw: b}
	if kind == 0x6 {
		units := make([]uint16, n)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(b[2*i:])
		}
		e.raw = []byte(string(utf16.Decode(units)))
	} else if !utf8.Valid(b) {
		return nil, errBinary("a text is not ASCII")
	}
	return e, nil
}

// refs are n references to objects.
func (p *bplist) refs(n uint64, b []byte) ([]uint64, []byte, error) {
	if n > maxElements || n*uint64(p.ref) > uint64(len(b)) {
		return nil, nil, errBinary("a list is longer than it, or than can be read")
	}
	out := make([]uint64, n)
	for i := range out {
		out[i] = number(b[:p.ref])
		b = b[p.ref:]
	}
	return out, b, nil
}

func (p *bplist) list(name string, n uint64, b []byte, depth int) (*element, error) {
	refs, _, err := p.refs(n, b)
	if err != nil {
		return nil, err
	}
	e := &element{name: name}
	for _, ref := range refs {
		child, err := p.object(ref, depth+1)
		if err != nil {
			return nil, err
		}
		e.children = append(e.children, child)
	}
	return e, nil
}

// dict reads the references to n keys, and to as many values.
func (p *bplist) dict(n uint64, b []byte, depth int) (*element, error) {
	keys, b, err := p.refs(n, b)
	if err != nil {
		return nil, err
	}
	values, _, err := p.refs(n, b)
	if err != nil {
		return nil, err
	}
	e := &element{name: "dict"}
	for i := range keys {
		key, err := p.object(keys[i], depth+1)
		if err != nil {
			return nil, err
		}
		if key.name != "string" {
			return nil, errBinary(fmt.Sprintf("a key is a %s", key.name))
		}
		key.name = "key"
		value, err := p.object(values[i], depth+1)
		if err != nil {
			return nil, err
		}
		e.children = append(e.children, key, value)
	}
	return e, nil
}
