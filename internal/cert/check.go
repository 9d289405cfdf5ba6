package cert

import (
	"errors"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// TextFlaws are the ways in which a text deceives a reader or a program. The
// zero value is a text without any.
type TextFlaws struct {
	NUL     bool // a NUL character, which ends the text for programs in C
	Control bool // another control character, or one that is not seen at all
	Bidi    bool // a bidirectional override, embedding, isolate or mark
	// MixedScript says that one word mixes Latin letters with look-alike
	// Cyrillic, Greek or Armenian ones. Words wholly of one script, and
	// Japanese, Chinese or Korean with Latin, are no mixture.
	MixedScript bool
}

func (f *TextFlaws) add(g TextFlaws) {
	f.NUL = f.NUL || g.NUL
	f.Control = f.Control || g.Control
	f.Bidi = f.Bidi || g.Bidi
	f.MixedScript = f.MixedScript || g.MixedScript
}

// CheckText looks for flaws of a text.
func CheckText(s string) (f TextFlaws) {
	if printable(s) {
		return f
	}
	var latin, alike bool
	for _, r := range s {
		switch {
		case r == 0:
			f.NUL = true
		case r < 0x20 || r >= 0x7f && r < 0xa0 || invisible(r):
			f.Control = true
		case unicode.Is(unicode.Bidi_Control, r):
			f.Bidi = true
		}
		if !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && r != utf8.RuneError {
			latin, alike = false, false
			continue
		}
		latin = latin || unicode.Is(unicode.Latin, r)
		alike = alike || strings.ContainsRune(lookalikes, r)
		f.MixedScript = f.MixedScript || latin && alike
	}
	return f
}

// invisible says that a character shows nothing and means nothing, so that two
// names that differ in it alone look the same: soft hyphen, zero-width space, word
// joiner and the invisible operators, byte order mark, and the tags. The joiners
// U+200C and U+200D shape Persian and Indian letters, and are none.
func invisible(r rune) bool {
	return r == 0xad || r == 0x200b || r >= 0x2060 && r <= 0x2064 || r == 0xfeff || r >= 0xe0000 && r <= 0xe007f
}

// printable says that a text is of printable ASCII alone, which has no flaw.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// lookalikes are the Cyrillic, Greek and Armenian letters that Unicode
// Technical Standard 39 lists as confusable with a letter of ASCII.
const lookalikes = "авгезіјкмнорстухѕѡѵһӏԁԛԝьѢАВГЕЅІЈКМНОРСТУХЗԌЬѴӀԚԜԀ" +
	"αβγεηικνορστυχωϲϳΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϺ" +
	"ագզհլոսցօքռղյնՍՕԼՏՈՅԶԱ"

// NameFlaws are what is wrong with a distinguished name.
type NameFlaws struct {
	TextFlaws
	// Malformed says that the name is not a well-formed sequence of
	// attributes, or a value does not fit its string type.
	Malformed bool
	// Loose says that a PrintableString or NumericString has ASCII characters
	// that its type does not have, as genuine CAs wrote.
	Loose bool
}

// Check looks for flaws in all attributes.
func (n Name) Check() (f NameFlaws) {
	list, rest, err := Next(n.Raw)
	f.Malformed = err != nil || len(rest) > 0 || list.ID != idSequence
	for b := list.Body; len(b) > 0 && !f.Malformed; {
		var rdn Element
		rdn, b, err = Next(b)
		f.Malformed = err != nil || len(rdn.Body) == 0
	}
	for a := range n.each() {
		switch {
		case a.Err == nil:
		case errors.Is(a.Err, errLoose):
			f.Loose = true
		// A value of a type that is no string is odd; in an attribute that
		// is not text by definition, such as a birth date, it is right.
		case errors.Is(a.Err, errNotText) && !textAttribute(a.Type):
			continue
		default:
			f.Malformed = true
		}
		f.TextFlaws.add(CheckText(a.Text))
	}
	return f
}

// textAttribute says whether the attribute is one of those that are strings.
func textAttribute(o OID) bool { return len(o) > 0 && o.attributeName() != o.String() }

// DNSFlaws are what is wrong with a dNSName.
type DNSFlaws struct {
	TextFlaws
	// Space says that it holds white space.
	Space bool
	// NonASCII says that it holds octets above 0x7f.
	NonASCII bool
	// IP says that it is an IP address.
	IP bool
	// Wildcard says that an asterisk stands anywhere but alone in the first
	// label, or alone in the name.
	Wildcard bool
	// Empty says that there is no name, or an empty label within it.
	Empty bool
	// Character says that it holds characters other than letters, digits,
	// hyphens, underscores, dots and an asterisk.
	Character bool
}

// maxLabel is the longest label that is decoded (RFC 1035 section 2.3.4).
// Punycode decoding costs the square of the length.
const maxLabel = 63

// CheckDNSName looks for flaws in a dNSName as written. Mixed scripts are looked
// for in the decoded form of internationalised labels, too. A label that decodes
// to characters which no such label may have (RFC 5892) deceives nobody: software
// shows it as it is written, and it is only no host name.
func CheckDNSName(name string) (f DNSFlaws) {
	f.TextFlaws = CheckText(name)
	f.Space = strings.ContainsAny(name, " \t\r\n\v\f")
	f.NonASCII = !plain(name)
	f.IP = isAddress(strings.Trim(name, "[]"))
	for first := true; ; first = false {
		label, rest, more := strings.Cut(name, ".")
		if label == "" && (more || first) {
			f.Empty = true
		}
		if strings.Contains(label, "*") && (label != "*" || !first || !more) {
			f.Wildcard = true
		}
		f.Character = f.Character || strings.ContainsFunc(label, oddInName)
		if len(label) > 4 && len(label) <= maxLabel && strings.EqualFold(label[:4], "xn--") {
			if u, err := idna.Punycode.ToUnicode(strings.ToLower(label)); err == nil {
				decoded := CheckText(u)
				f.MixedScript = f.MixedScript || decoded.MixedScript
				f.Character = f.Character || decoded.Bidi || decoded.Control || decoded.NUL
			}
		}
		if !more {
			return f
		}
		name = rest
	}
}

// isAddress says whether a text is an IP address. What neither ends in a digit nor
// holds a colon is none, which costs no error to say.
func isAddress(s string) bool {
	if n := len(s); n == 0 || (s[n-1] < '0' || s[n-1] > '9') && !strings.Contains(s, ":") {
		return false
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}

func oddInName(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' ||
		r == '-' || r == '_' || r == '*')
}

// CheckNames joins the flaws of all dNSName entries.
func (c *Certificate) CheckNames() (f DNSFlaws) {
	for _, n := range c.AltNames().Value {
		if n.Kind() != DNSName {
			continue
		}
		g := CheckDNSName(string(n.Value))
		f.TextFlaws.add(g.TextFlaws)
		f.Space = f.Space || g.Space
		f.NonASCII = f.NonASCII || g.NonASCII
		f.IP = f.IP || g.IP
		f.Wildcard = f.Wildcard || g.Wildcard
		f.Empty = f.Empty || g.Empty
		f.Character = f.Character || g.Character
	}
	return f
}
