package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks is how many combining marks one character may carry: a tower of them
// paints over the lines above and below.
const maxMarks = 3

// Escape makes a text safe to print: whatever a terminal, a log viewer or a
// reader's eye could be misled by is written as \u{202e}. That is control
// characters (line ends and ANSI sequences among them), bidirectional overrides
// and isolates, zero-width and other invisible characters, white space other
// than the plain space, private and unassigned code points, combining marks that
// stand alone or in heaps, and bytes that are not UTF-8 (as \u{fffd}).
//
// The result is for eyes: a backslash stays as it is, so that it cannot be
// undone. Letters of right-to-left scripts stay too.
func Escape(s string) string {
	marks := maxMarks // at the start there is nothing to combine with
	clean := true
	for i := 0; i < len(s) && clean; i++ {
		clean = ' ' <= s[i] && s[i] < 0x7f
	}
	if clean {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.In(r, unicode.Mn, unicode.Me) {
			marks++
		} else {
			marks = 0
		}
		if visible(r) && marks <= maxMarks {
			b.WriteRune(r)
			continue
		}
		fmt.Fprintf(&b, `\u{%x}`, r)
		marks = maxMarks // nothing may combine with our own text
	}
	return b.String()
}

// visible says whether a character shows itself and does nothing else.
func visible(r rune) bool {
	switch {
	case r == utf8.RuneError, !unicode.IsPrint(r):
		return false
	case r < 0x300:
		return true
	case r == '\u2800': // a braille pattern without dots
		return false
	}
	return !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
