package ctlog

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Limits on what one identifier can make us do.
const (
	// maxName is the part at the end of an identifier that is looked at: a
	// domain name has 253 characters, and what is watched no more. A name of
	// 64 kB of dots would otherwise be looked up 32 000 times.
	maxName = 512
	// maxLabel is the longest label that is converted: punycode costs the
	// square of the length.
	maxLabel = 63
	// maxReadings bounds the ways in which one identifier is read.
	maxReadings = 16
)

// anyLabel stands for a label that cannot be read, or that holds an asterisk. It
// is equal to every label: what cannot be read widens a match.
const anyLabel = "*"

// plainName writes the lower-case form of a name of letters, digits, hyphens,
// underscores and an asterisk to buffer; false where the name has anything else
// in it, or an empty label.
func plainName(name []byte, buffer *[maxName]byte) (b []byte, stars int, ok bool) {
	if len(name) == 0 || len(name) > maxName {
		return nil, 0, false
	}
	b = buffer[:len(name)]
	last := byte('.')
	for i, c := range name {
		c = plain[c]
		if c <= '.' && c != '-' { // none, an asterisk or a dot
			switch {
			case c == '*':
				stars++
			case c == 0, last == '.':
				return nil, 0, false
			}
		}
		b[i] = c
		last = c
	}
	return b, stars, last != '.'
}

// plain is the lower-case form of each octet that a plain name can have, and zero
// for the others.
var plain = func() (out [256]byte) {
	for c := range byte(0x80) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c == '*', c == '.':
			out[c] = c
		case 'A' <= c && c <= 'Z':
			out[c] = c + 'a' - 'A'
		}
	}
	return out
}()

// readings are the names that some client could take an identifier for: as it
// stands, cut at each character that no name has, without control characters
// (UTF-16 in a type of octets), without scheme and path, in Unicode and in
// Latin-1. Each is a list of labels in lower case and A-label form, in which
// anyLabel stands for what is no label.
func readings(raw []byte) [][]string {
	texts := []string{string(raw)}
	if !utf8.Valid(raw) {
		texts[0] = strings.ToValidUTF8(string(raw), "\ufffd")
	}
	if !plainASCII(raw) {
		latin := make([]rune, len(raw))
		for i, c := range raw {
			latin[i] = rune(c)
		}
		texts = append(texts, string(latin))
	}
	var out [][]string
	seen := map[string]bool{}
	for _, text := range texts {
		for _, part := range parts(text) {
			labels := labelsOf(part)
			if len(labels) == 1 && labels[0] == anyLabel && part != "*" {
				continue // words, such as the name of an organisation
			}
			if key := strings.Join(labels, "."); len(labels) > 0 && !seen[key] && len(out) < maxReadings {
				seen[key] = true
				out = append(out, labels)
			}
		}
	}
	return out
}

// parts are the whole of a text, what is left of it without control characters,
// and its pieces.
func parts(text string) []string {
	pieces := strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`/\,;:@?#"'<>()[]{}|=&+%`, r)
	})
	joined := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
	out := []string{text, joined}
	if strings.Contains(text, "://") && len(pieces) > 0 {
		out = nil // a URL as a whole would be a name of unreadable labels, which is every name
	}
	if len(pieces) == 1 {
		return append(out, pieces[0])
	}
	for _, p := range pieces {
		// A word without a dot is no name of a host that could be watched, or
		// every commonName of several words would be several.
		if strings.ContainsAny(p, ".。．｡") {
			out = append(out, p)
		}
	}
	return out
}

var dots = strings.NewReplacer("。", ".", "．", ".", "｡", ".")

// labelsOf splits a name. Only its end is looked at.
func labelsOf(name string) []string {
	name = strings.Trim(dots.Replace(strings.TrimSpace(name)), ".")
	if name == "" {
		return nil
	}
	cut := len(name) > maxName
	if cut {
		name = name[len(name)-maxName:]
	}
	labels := strings.Split(name, ".")
	if cut {
		labels[0] = anyLabel
	}
	for i, l := range labels {
		labels[i] = aLabel(l)
	}
	return labels
}

// lookup maps what users type and CAs write to A-labels (UTS #46).
var lookup = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false))

// aLabel gives a label in the form of the DNS, and anyLabel for what is none.
func aLabel(l string) string {
	if l == "" || len(l) > 4*maxLabel || strings.Contains(l, "*") {
		return anyLabel
	}
	l = strings.ToLower(l)
	if !plainASCII([]byte(l)) {
		a, err := lookup.ToASCII(l)
		if err != nil {
			return anyLabel
		}
		l = a
	}
	for i := range len(l) {
		if c := l[i]; !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return anyLabel
		}
	}
	return l
}

// hostOf is the host of a URI, or all of it where there is none to be found.
func hostOf(uri []byte) []byte {
	if _, rest, ok := bytes.Cut(uri, []byte("://")); ok {
		uri = rest
	}
	if i := bytes.IndexAny(uri, "/?#"); i >= 0 {
		uri = uri[:i]
	}
	if i := bytes.LastIndexByte(uri, '@'); i >= 0 {
		uri = uri[i+1:]
	}
	if i := bytes.LastIndexByte(uri, ':'); i >= 0 && bytes.IndexByte(uri, ']') < i && bytes.Count(uri, []byte(":")) == 1 {
		uri = uri[:i]
	}
	return bytes.Trim(uri, "[]")
}
