package suggest

import "testing"

func TestNearest(t *testing.T) {
	words := []string{"concurrency", "color", "config", "via", "at"}
	for in, want := range map[string]string{
		"colour": "color", "cofnig": "config", "concurency": "concurrency", "vai": "via",
		"zzz": "", "": "", "timeout": "",
	} {
		if got := Nearest(in, words); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"conc": "concurrency", "con": "", "co": "", "concurrencyx": "concurrency"} {
		if got := Nearest(in, words); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", in, got, want)
		}
	}
	if got := Nearest("ab", []string{"ax", "aa"}); got != "aa" {
		t.Errorf("Nearest of two equally near = %q, want the first in order", got)
	}
}
