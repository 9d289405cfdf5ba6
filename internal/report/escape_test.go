package report

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "CN=example.com, O=A \\, B", "CN=example.com, O=A \\, B"},
		{"letters of the world", "CN=café 時刻 пример نطاق", "CN=café 時刻 пример نطاق"},
		{"ANSI", "\x1b[2J", `\u{1b}[2J`},
		{"C1 control sequence", "\u009b2J", `\u{9b}2J`},
		{"line ends", "a\r\nb", `a\u{d}\u{a}b`},
		{"bidi override", "a\u202egnp.exe", `a\u{202e}gnp.exe`},
		{"bidi isolate", "\u2066a\u2069", `\u{2066}a\u{2069}`},
		{"zero width", "a\u200bb\ufeff", `a\u{200b}b\u{feff}`},
		{"no-break space", "a\u00a0b", `a\u{a0}b`},
		{"Hangul filler", "a\u3164b", `a\u{3164}b`},
		{"variation selector", "a\ufe0f", `a\u{fe0f}`},
		{"tag characters", "a\U000e0041", `a\u{e0041}`},
		{"not UTF-8", "a\xffb\xc3", `a\u{fffd}b\u{fffd}`},
		{"NUL", "a\x00b", `a\u{0}b`},
		{"one accent", "e\u0301", "e\u0301"},
		{"a heap of accents", "e" + strings.Repeat("\u0301", 5), "e\u0301\u0301\u0301" + `\u{301}\u{301}`},
		{"an accent at the start", "\u0301a", `\u{301}a`},
	}
	for _, tt := range tests {
		if got := Escape(tt.in); got != tt.want {
			t.Errorf("%s: Escape(%q) = %q, want %q", tt.name, tt.in, got, tt.want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"CN=a", "\x1b]8;;http://x\x07", "\u202e\u2066\u200d", "\xff\xfe", "e\u0301\u0301\u0301\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := Escape(s)
		if !utf8.ValidString(out) {
			t.Errorf("Escape(%q) = %q is not UTF-8", s, out)
		}
		for _, r := range out {
			if r != ' ' && unicode.In(r, unicode.C, unicode.Z, unicode.Bidi_Control, unicode.Join_Control, unicode.Variation_Selector) {
				t.Errorf("Escape(%q) lets %U through", s, r)
			}
		}
		if again := Escape(out); again != out {
			t.Errorf("Escape is not stable: %q, then %q", out, again)
		}
	})
}
