package cert

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Normal is a form of the name that is equal for two names that mean the same
// (RFC 5280 section 7.1): whatever string type each value has, letters are
// folded to one case, white space is collapsed, and compatibility characters
// and zero-width ones are folded away. Values that are no text, and names that
// cannot be read to their end, keep their octets. It is a key for maps, not
// for display; the empty name is "".
func (n Name) Normal() string {
	if n.memo == nil {
		return n.normalize()
	}
	n.memo.once.Do(func() { n.memo.normal = n.normalize() })
	return n.memo.normal
}

func (n Name) normalize() string {
	var rdns [][]string
	for a := range n.each() {
		text := a.normal()
		if a.Joined && len(rdns) > 0 {
			rdns[len(rdns)-1] = append(rdns[len(rdns)-1], text)
			continue
		}
		rdns = append(rdns, []string{text})
	}
	var out strings.Builder
	for _, rdn := range rdns {
		// An RDN is a set: its order means nothing.
		slices.Sort(rdn)
		for i, text := range rdn {
			if i > 0 {
				out.WriteString("\x01")
			}
			out.WriteString(text)
		}
		out.WriteString("\x00")
	}
	return out.String()
}

func (a *Attribute) normal() string {
	if a.Type == nil {
		return "?"
	}
	if a.isNotText() {
		return a.Type.attributeName() + "#" + string(rune(a.ID)) + string(a.Value)
	}
	return a.Type.attributeName() + "=" + NormalText(a.Text)
}

// NormalText folds a value the way [Name.Normal] does.
func NormalText(s string) string {
	if !plain(s) {
		s = norm.NFKC.String(s)
	}
	var out strings.Builder
	out.Grow(len(s))
	space := false
	for _, r := range s {
		switch {
		case r > ' ' && r < 0x7f:
		case unicode.IsSpace(r):
			space = out.Len() > 0
			continue
		case r >= 0x80 && unicode.Is(unicode.Cf, r), r < 0x20, r == 0x7f:
			// RFC 4518 section 2.2 maps these to nothing.
			continue
		}
		if space {
			out.WriteByte(' ')
			space = false
		}
		out.WriteRune(fold(r))
	}
	return out.String()
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// fold maps all letters that differ in case only to the smallest of them,
// lower case for ASCII.
func fold(r rune) rune {
	if r < 0x80 {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	least := r
	for x := unicode.SimpleFold(r); x != r; x = unicode.SimpleFold(x) {
		least = min(least, x)
	}
	return unicode.ToLower(least)
}
