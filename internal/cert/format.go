package cert

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// String writes the name after RFC 4514: the most specific attribute first,
// special characters escaped. Characters that are not printable (controls,
// bidirectional overrides, zero-width characters) are escaped as their octets,
// so that the text does no harm on a terminal. An unreadable part is written
// as "?".
func (n Name) String() string {
	var rdns []string
	for a := range n.each() {
		text := a.text()
		if a.Joined && len(rdns) > 0 {
			rdns[len(rdns)-1] += "+" + text
			continue
		}
		rdns = append(rdns, text)
	}
	slices.Reverse(rdns)
	return strings.Join(rdns, ",")
}

func (a *Attribute) text() string {
	if a.Type == nil {
		return "?"
	}
	value := a.Text
	if !a.isNotText() {
		value = Escape(value)
	}
	return a.Type.attributeName() + "=" + value
}

// isNotText says that Text is the hexadecimal form of a value of another type.
func (a *Attribute) isNotText() bool {
	switch a.ID {
	case idUTF8, idPrintable, idNumeric, idIA5, idVisible, idT61, idGeneral, idBMP, idUniversal:
		return false
	}
	return true
}

// harmless says that nothing in a text is to be escaped: it is of printable ASCII
// without what RFC 4514 writes in another way. Nearly all are.
func harmless(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c >= 0x7f, c == '"', c == '+', c == ',', c == ';', c == '<', c == '>', c == '\\':
			return false
		case (c == ' ' || c == '#') && i == 0, c == ' ' && i == len(s)-1:
			return false
		}
	}
	return true
}

// Escape writes an attribute's value after RFC 4514 section 2.4, and besides
// escapes the octets of every character that is not printable.
func Escape(s string) string {
	if harmless(s) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1 || !unicode.IsPrint(r):
			for _, c := range []byte(s[i : i+n]) {
				fmt.Fprintf(&out, `\%02X`, c)
			}
		case strings.ContainsRune(`"+,;<>\`, r), i == 0 && (r == ' ' || r == '#'), r == ' ' && i == len(s)-1:
			out.WriteByte('\\')
			out.WriteRune(r)
		default:
			out.WriteRune(r)
		}
		i += n
	}
	return out.String()
}
