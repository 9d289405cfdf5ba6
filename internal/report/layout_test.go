package report

import (
	"strings"
	"testing"
)

func TestFit(t *testing.T) {
	tests := []struct {
		in   string
		n    int
		want string
	}{
		{"abc", 5, "abc  "},
		{"abcdef", 4, "abc…"},
		{"時刻時刻", 8, "時刻時刻"},
		{"時刻時刻", 6, "時刻… "},
		{"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
		{"", 2, "  "},
	}
	for _, tt := range tests {
		if got := fit(tt.in, tt.n); got != tt.want {
			t.Errorf("fit(%q, %d) = %q, want %q", tt.in, tt.n, got, tt.want)
		}
	}
}

func TestWrap(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"words", "one two three four", "one two|three four"},
		{"long word", "abcdefghijklmnop", "abcdefghij|klmnop"},
		{"link", "see https://example.org/long/path", "see|https://example.org/long/path"},
		{"wide", "時刻時刻時刻時", "時刻時刻時|刻時"},
		{"empty", "", ""},
	}
	for _, tt := range tests {
		if got := strings.Join(wrap(tt.in, 10), "|"); got != tt.want {
			t.Errorf("%s: wrap(%q, 10) = %q, want %q", tt.name, tt.in, got, tt.want)
		}
	}
}

func FuzzWrap(f *testing.F) {
	f.Add("one two three", 4)
	f.Add("時刻 e\u0301 https://a.example/b", 1)
	f.Fuzz(func(t *testing.T, s string, n int) {
		if n < 1 || n > 200 {
			return
		}
		s = Escape(s)
		lines := wrap(s, n)
		if got, want := strings.Join(lines, ""), strings.ReplaceAll(s, " ", ""); strings.ReplaceAll(got, " ", "") != want {
			t.Errorf("wrap(%q, %d) loses text: %q", s, n, lines)
		}
		if c := clip(s, n); columns(c) > n {
			t.Errorf("clip(%q, %d) = %q, %d columns", s, n, c, columns(c))
		}
	})
}
