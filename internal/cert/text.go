package cert

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// errLoose marks a PrintableString or NumericString with ASCII characters that
// its type does not have. Genuine CAs wrote '@', '*', '&' and '_' there.
var errLoose = errors.New("characters that the string type does not have")

// errNotText marks a value that is no string of any type.
var errNotText = errors.New("not a string type")

// decodeText reads an ASN.1 string by its type (X.680 section 41). The text is
// always valid UTF-8; what could not be read is U+FFFD in it, and an error. A
// value that is no string is "#" and its octets in hexadecimal, after RFC 4514
// section 2.4.
func decodeText(id byte, b []byte) (string, error) {
	switch id {
	case idUTF8:
		if !utf8.Valid(b) {
			return strings.ToValidUTF8(string(b), "\ufffd"), errors.New("not valid UTF-8")
		}
		return string(b), nil
	case idPrintable:
		return ascii(b, printableByte)
	case idNumeric:
		return ascii(b, func(c byte) bool { return c == ' ' || '0' <= c && c <= '9' })
	case idIA5:
		return ascii(b, func(c byte) bool { return true })
	case idVisible:
		return ascii(b, func(c byte) bool { return c >= ' ' && c < 0x7f })
	case idT61, idGeneral:
		// T.61 has its own accents, but what CAs wrote is ISO 8859-1, and
		// that is how crypto/x509 and OpenSSL read it.
		return latin1(b), nil
	case idBMP:
		return decodeBMP(b)
	case idUniversal:
		return decodeUniversal(b)
	}
	const most = 256
	if len(b) > most {
		return fmt.Sprintf("#%x...", b[:most]), errNotText
	}
	return fmt.Sprintf("#%x", b), errNotText
}

func printableByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte(" '()+,-./:=?", c) >= 0
}

func ascii(b []byte, allowed func(byte) bool) (string, error) {
	var err error
	for _, c := range b {
		if c >= 0x80 {
			return latin1(b), errors.New("octets above 0x7f in an ASCII string type")
		}
		if !allowed(c) {
			err = errLoose
		}
	}
	return string(b), err
}

func latin1(b []byte) string {
	for i, c := range b {
		if c >= 0x80 {
			out := append(make([]byte, 0, 2*len(b)), b[:i]...)
			for _, c := range b[i:] {
				out = utf8.AppendRune(out, rune(c))
			}
			return string(out)
		}
	}
	return string(b)
}

func decodeBMP(b []byte) (string, error) {
	var err error
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = uint16(b[2*i])<<8 | uint16(b[2*i+1])
		if units[i]&0xf800 == 0xd800 {
			err = errors.New("a surrogate in a BMPString")
		}
	}
	if len(b)%2 != 0 {
		err = errors.New("a BMPString of an odd number of octets")
	}
	return string(utf16.Decode(units)), err
}

func decodeUniversal(b []byte) (string, error) {
	var err error
	out := make([]byte, 0, len(b)/2)
	for ; len(b) >= 4; b = b[4:] {
		r := rune(uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]))
		if !utf8.ValidRune(r) {
			err = errors.New("a code point that Unicode does not have")
		}
		out = utf8.AppendRune(out, r)
	}
	if len(b) > 0 {
		err = errors.New("a UniversalString whose length is no multiple of 4")
	}
	return string(out), err
}
