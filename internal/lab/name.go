package lab

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// An Attr is one attribute of a distinguished name, alone in its RDN.
type Attr struct {
	// Type is CN, SN, C, L, ST, O or OU, as RFC 4514 writes them (SN is
	// serialNumber).
	Type  string
	Value string
	// Tag is the string type; zero means PrintableString for C and SN, and
	// UTF8String for all others. The value is not made to fit it.
	Tag asn1.Tag
}

// attrArc is the last arc below id-at, 2.5.4 (X.520).
var attrArc = map[string]int{"CN": 3, "SN": 5, "C": 6, "L": 7, "ST": 8, "O": 10, "OU": 11}

// DN writes a distinguished name with the attributes in the order given. It
// panics at an attribute type that it does not know.
func DN(attrs ...Attr) []byte {
	return sequence(func(b *cryptobyte.Builder) {
		for _, a := range attrs {
			arc, ok := attrArc[a.Type]
			if !ok {
				panic(fmt.Sprintf("lab: attribute type %q is not known", a.Type))
			}
			b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(asn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes([]byte{0x55, 4, byte(arc)}) })
					b.AddASN1(a.tag(), func(b *cryptobyte.Builder) { b.AddBytes([]byte(a.Value)) })
				})
			})
		}
	})
}

func (a Attr) tag() asn1.Tag {
	switch {
	case a.Tag != 0:
		return a.Tag
	case a.Type == "C" || a.Type == "SN":
		return asn1.PrintableString
	}
	return asn1.UTF8String
}

// Named writes the distinguished name of text such as "C=CN, O=Lab, CN=time":
// attributes in that order, without commas in the values.
func Named(text string) []byte {
	var attrs []Attr
	for part := range strings.SplitSeq(text, ", ") {
		attrType, value, ok := strings.Cut(part, "=")
		if !ok {
			panic(fmt.Sprintf("lab: %q is no attribute of a name", part))
		}
		attrs = append(attrs, Attr{Type: attrType, Value: value})
	}
	return DN(attrs...)
}

// sequence writes one SEQUENCE. It panics where the builder does: nothing here
// can be too long.
func sequence(content func(*cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, content)
	return b.BytesOrPanic()
}
