package pinform

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An app ships its Info.plist in binary form: it holds the same pins as in XML.
func TestBinaryPropertyList(t *testing.T) {
	want, err := Parse(IOS, file(t, "Info.plist"))
	if err != nil || len(want.Sets) != 2 || len(want.Sets[0].Pins) == 0 {
		t.Fatalf("Parse of XML = %+v, %v", want, err)
	}
	form, err := Detect(file(t, "Info.bplist"))
	if err != nil || form != IOS {
		t.Errorf("Detect = %s, %v", form, err)
	}
	got, err := Parse(IOS, file(t, "Info.bplist"))
	if diff := cmp.Diff(normal(want.Sets), normal(got.Sets)); err != nil || diff != "" {
		t.Errorf("Parse: %v, -XML +binary\n%s", err, diff)
	}
	// Everything in it is the same, texts beyond ASCII included.
	x, err := parseXML(file(t, "Info.plist"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := parseBinary(file(t, "Info.bplist"))
	if diff := cmp.Diff(outline(x), outline(b)); err != nil || diff != "" {
		t.Errorf("%v, -XML +binary\n%s", err, diff)
	}
}

// outline is a tree as a list, without what the two forms cannot share.
func outline(e *element) (out []string) {
	name := e.name
	if name == "integer" || name == "real" {
		name = "number"
	}
	if name == "string" || name == "key" {
		name += " " + e.text()
	}
	out = append(out, name)
	for _, c := range e.children {
		out = append(out, outline(c)...)
	}
	return out
}

// list writes a property list of objects of less than 256 bytes.
func list(objects ...string) []byte {
	out := []byte("bplist00")
	var table []byte
	for _, o := range objects {
		table = binary.BigEndian.AppendUint16(table, uint16(len(out)))
		out = append(out, o...)
	}
	at := len(out)
	out = append(out, table...)
	out = append(out, 0, 0, 0, 0, 0, 0, 2, 1)
	for _, n := range []int{len(objects), 0, at} {
		out = binary.BigEndian.AppendUint64(out, uint64(n))
	}
	return out
}

func TestBinaryRefuses(t *testing.T) {
	whole := file(t, "Info.bplist")
	trailer := func(at int, b ...byte) []byte {
		out := bytes.Clone(whole)
		copy(out[len(out)-bplistTrailer+at:], b)
		return out
	}
	// Thirty lists, each of which holds the next one ten times.
	var folded []string
	for i := range 30 {
		folded = append(folded, "\xaa"+strings.Repeat(string([]byte{byte(i + 1)}), 10))
	}
	folded = append(folded, "\x09")
	long := "\x5f\x11\x03\xe8" + strings.Repeat("a", 1000)
	texts := "\xaf\x10\xff" + strings.Repeat("\x01", 255)
	for _, tt := range []struct {
		name string
		in   []byte
		want string
	}{
		{"nothing", []byte("bplist00"), "cut short"},
		{"another version", append([]byte("bplist15"), whole[8:]...), "not of version 0"},
		{"numbers of no size", trailer(6, 0), "no size"},
		{"references of no size", trailer(7, 9), "no size"},
		{"no objects", trailer(8, 0, 0, 0, 0, 0, 0, 0, 0), "no first object"},
		{"more objects than bytes", trailer(8, 0xff), "no first object"},
		{"no top", trailer(16, 0, 0, 0, 0, 0, 0, 0xff, 0xff), "no first object"},
		{"a table beyond the end", trailer(24, 0xff), "table of objects"},
		{"a table in the header", trailer(24, 0, 0, 0, 0, 0, 0, 0, 1), "table of objects"},
		{"it holds itself", list("\xa1\x00"), "nests deeper"},
		{"it unfolds", list(folded...), "more than"},
		{"an object that is not there", list("\xa1\x09"), "not there"},
		{"an object of no kind", list("\xa1\x01", "\x70"), "of no kind"},
		{"an atom of no kind", list("\xa1\x01", "\x05"), "of no kind"},
		{"a key that is a list", list("\xd1\x01\x01", "\xa0"), "a key is a array"},
		{"a list that is cut short", list("\xa5\x00"), "longer than it"},
		{"a list of 2^64", list("\xaf\x13\xff\xff\xff\xff\xff\xff\xff\xff"), "longer than it"},
		{"a length that is a text", list("\xaf\x51a"), "length"},
		{"a length of 16 bytes", list("\xaf\x14" + strings.Repeat("\x00", 16)), "length"},
		{"a text that is cut short", list("\x5f\x11\xff\xffabc"), "longer than it"},
		{"a text of 2^63 units", list("\x6f\x13\x80\x00\x00\x00\x00\x00\x00\x00ab"), "longer than it"},
		{"a text that is not ASCII", list("\x51\xff"), "not ASCII"},
		{"a text over and over", list("\xaf\x10\x14"+strings.Repeat("\x01", 20), "\xaf\x10\xff"+strings.Repeat("\x02", 255), long), "repeats itself"},
		{"no dict", list("\x09"), "want a <dict>"},
		{"no pins", list("\xd0"), "found no pin"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Parse(IOS, tt.in)
			if err == nil || !strings.Contains(err.Error(), tt.want) || f != nil {
				t.Errorf("Parse = %+v, %v, want an error with %q", f, err, tt.want)
			}
		})
	}
	if _, err := parseBinary(list(texts, long)); err != nil {
		t.Errorf("255 texts of 1000 bytes: %v", err)
	}
}

// Whatever is read fits the limits, and is the same as what its XML says.
func FuzzBinary(f *testing.F) {
	b, err := parseBinary(file(f, "Info.bplist"))
	if err != nil || b == nil {
		f.Fatal(err)
	}
	f.Add(file(f, "Info.bplist"))
	f.Add(list("\xd1\x01\x02", "\x51a", "\xa1\x03", "\x61\x00b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		root, err := parseBinary(data)
		if err != nil {
			return
		}
		n, text := 0, 0
		var walk func(e *element, depth int)
		walk = func(e *element, depth int) {
			n++
			if e.name == "string" || e.name == "key" {
				text += len(e.raw)
			}
			if depth > maxDepth+1 || len(e.children) > 0 && e.name != "plist" && e.name != "dict" && e.name != "array" {
				t.Fatalf("a %s with %d members at depth %d", e.name, len(e.children), depth)
			}
			if e.name == "dict" {
				for i, c := range e.children {
					if i%2 == 0 && c.name != "key" {
						t.Fatalf("a key is a %s", c.name)
					}
				}
			}
			for _, c := range e.children {
				walk(c, depth+1)
			}
		}
		walk(root, 0)
		if n > maxElements+1 || text > 2*MaxInput {
			t.Errorf("%d elements with %d bytes of text from %d", n, text, len(data))
		}
		_, _ = Parse(IOS, data)
	})
}
