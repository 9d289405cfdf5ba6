package name

import "testing"

func TestOverRegistry(t *testing.T) {
	for name, want := range map[string]bool{
		"*.com": true, "*.com.": true, "*.de": true, "*.co.uk": true, "*.org": true,
		"*.example.com": false, "com": false, "*": false, "*.": false, "": false, "*.*.com": false,
		// One owner may hold all of these, or nobody knows who does.
		"*.google": false, "*.gov.uk": false, "*.gov": false, "*.github.io": false, "*.corp": false, "*.zz": false,
	} {
		if got := overRegistry(name); got != want {
			t.Errorf("overRegistry(%q) = %v, want %v", name, got, want)
		}
	}
}
