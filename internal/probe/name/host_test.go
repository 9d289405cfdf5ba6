package name

import "testing"

func TestPublic(t *testing.T) {
	for host, want := range map[string]bool{
		"time.example.org": true, "example.org.": true, "203.0.113.7": true, "2001:db8::1": true, "[2a00::1]": true,
		"localhost": false, "nas": false, "a.b.internal": false, "Printer.LOCAL": false, "x.localhost": false,
		"router.home.arpa": false,
		"nas.home":         false, "dc1.muster.corp": false, "Router.LAN.": false, "mail.example.org": true, "lan": false, "corp.example.org": true,
		"localhost.localdomain": false, "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion": false, "www.lan.com": true, "www.example": true, "127.0.0.1": false, "10.1.2.3": false, "192.168.0.1": false, "172.16.9.9": false,
		"100.64.0.1": false, "169.254.1.1": false, "::1": false, "fe80::1": false, "fd00::1": false, "::ffff:10.0.0.1": false,
		"internal.example.org": true, "local": false, "0.0.0.0": false,
	} {
		if got := Public(host); got != want {
			t.Errorf("Public(%q) = %v, want %v", host, got, want)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		pattern, host string
		want          bool
	}{
		{"example.org", "example.org", true},
		{"Example.ORG", "example.org.", true},
		{"example.org", "www.example.org", false},
		{"*.example.org", "www.example.org", true},
		{"*.example.org", "example.org", false},
		{"*.example.org", "a.b.example.org", false},
		{"*.org", "example.org", false},
		{"*", "org", false},
		{"w*.example.org", "www.example.org", false},
		{"*.*.org", "a.b.org", false},
		{"*.example.org", ".example.org", false},
		{"", "", false},
		{"*.example.org", "*.example.org", true},
	} {
		if got := covers(c.pattern, c.host); got != c.want {
			t.Errorf("covers(%q, %q) = %v, want %v", c.pattern, c.host, got, c.want)
		}
	}
}
