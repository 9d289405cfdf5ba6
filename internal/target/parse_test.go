package target

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSingle(t *testing.T) {
	tests := []struct {
		name, in, want string
		defaults       Defaults
	}{
		{name: "host", in: "Example.ORG", want: "https://example.org:443"},
		{name: "trailing dot", in: "example.org.", want: "https://example.org:443"},
		{name: "host and port", in: "example.org:8443", want: "tls://example.org:8443"},
		{name: "443 without a scheme is https", in: "example.org:443", want: "https://example.org:443"},
		{name: "default port", in: "example.org", defaults: Defaults{Port: 8443}, want: "tls://example.org:8443"},
		{name: "a written port beats the default", in: "example.org:1", defaults: Defaults{Port: 8443}, want: "tls://example.org:1"},
		{name: "default port with a scheme", in: "smtp://example.org", defaults: Defaults{Port: 2525}, want: "smtp://example.org:2525"},
		{name: "single label", in: "router", want: "https://router:443"},
		{name: "IPv4", in: "192.0.2.1", want: "https://192.0.2.1:443"},
		{name: "IPv4 and port", in: "192.0.2.1:465", want: "tls://192.0.2.1:465"},
		{name: "bare IPv6", in: "2001:DB8::1", want: "https://[2001:db8::1]:443"},
		{name: "bracketed IPv6", in: "[2001:db8::1]", want: "https://[2001:db8::1]:443"},
		{name: "bracketed IPv6 and port", in: "[2001:db8:0::1]:853", want: "tls://[2001:db8::1]:853"},
		{name: "IPv4-mapped", in: "::ffff:192.0.2.1", want: "https://192.0.2.1:443"},
		{name: "https", in: "HTTPS://example.org/a/b", want: "https://example.org:443"},
		{name: "https and port", in: "https://example.org:8443/", want: "https://example.org:8443"},
		{name: "https IPv6", in: "https://[2001:db8::1]:8443/x", want: "https://[2001:db8::1]:8443"},
		{name: "tls", in: "tls://mail.example.org:465", want: "tls://mail.example.org:465"},
		{name: "umlaut", in: "Bücher.example", want: "https://xn--bcher-kva.example:443"},
		{name: "ideographic full stop", in: "例え。jp", want: "https://xn--r8jz45g.jp:443"},
		{name: "sharp s keeps its own label", in: "straße.de", want: "https://xn--strae-oqa.de:443"},
		{name: "malformed A-label", in: "xn--a.example", want: "https://xn--a.example:443"},
		{name: "underscore", in: "_dmarc.example.org", want: "https://_dmarc.example.org:443"},
		{name: "underscore beside an umlaut", in: "_x.bücher.example", want: "https://_x.xn--bcher-kva.example:443"},
		{name: "hyphens in third and fourth place", in: "r3---sn-x.example", want: "https://r3---sn-x.example:443"},
		{name: "smtp", in: "smtp://h", want: "smtp://h:25"},
		{name: "xmpp-server", in: "xmpp-server://h", want: "xmpp-server://h:5269"},
		{name: "quic", in: "quic://h", want: "quic://h:443"},
		{name: "nts", in: "nts://h", want: "nts://h:4460"},
		{name: "path of one slash", in: "tls://h/", want: "tls://h:443"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			spec, err := Parse(tt.in, tt.defaults)
			if err != nil {
				t.Fatalf("Parse(%q) failed: %v", tt.in, err)
			}
			all := slices.Collect(spec.All())
			if len(all) != 1 || spec.Len() != 1 {
				t.Fatalf("Parse(%q) stands for %d targets, Len %d, want 1", tt.in, len(all), spec.Len())
			}
			if got := all[0].String(); got != tt.want {
				t.Errorf("Parse(%q) = %q, want %q", tt.in, got, tt.want)
			}
			if all[0].Raw != tt.in {
				t.Errorf("Parse(%q).Raw = %q, want what was written", tt.in, all[0].Raw)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", "is empty"},
		{"too long", strings.Repeat("a", MaxLength+1), "the limit is 2048"},
		{"not UTF-8", "a\xff.example", "not UTF-8"},
		{"NUL", "a\x00.example", "U+0000"},
		{"escape sequence", "a\x1b[31m.example", "U+001B"},
		{"bidi override", "a\u202e.example", "U+202E"},
		{"space", "a b", "one target at a time"},
		{"two labels with nothing between", "a..b", "empty label"},
		{"only a dot", ".", "no host"},
		{"wildcard", "*.example.org", "wildcard"},
		{"long label", strings.Repeat("a", 64) + ".example", "limit is 63"},
		{"long name", strings.Repeat("a.", 127) + "aa", "at most 253"},
		{"hyphen at the end", "a-.example", "hyphen"},
		{"percent", "a%20b.example", `'%'`},
		{"number as host", "2130706433", "ends in a number"},
		{"short IPv4", "127.1", "ends in a number"},
		{"hexadecimal host", "0x7f000001", "ends in a number"},
		{"bad umlaut name", "ü\u200d.example", "internationalised"},
		{"port 0", "a:0", "1 to 65535"},
		{"port 65536", "a:65536", "1 to 65535"},
		{"port with sign", "a:+1", "1 to 65535"},
		{"no port", "a:", "1 to 65535"},
		{"no host", ":443", "no host"},
		{"no host in a URL", "https:///x", "no host"},
		{"IPv6 and port without brackets", "tls://2001:db8::1:443", "[ADDRESS]:PORT"},
		{"open bracket", "[2001:db8::1", "closing one"},
		{"text after the bracket", "[2001:db8::1]x", "after the bracket"},
		{"name in brackets", "[a.example]", "not an IPv6 address"},
		{"zone", "fe80::1%eth0", "zone"},
		{"user and password", "https://bob:secret@a.example/", "user name"},
		{"query", "https://a.example/?q", "query"},
		{"fragment", "https://a.example#f", "query or fragment"},
		{"path without a scheme", "a.example/x", `"certassay check"`},
		{"path with a scheme that has none", "tls://a.example/x", "which tls:// does not have"},
		{"http", "http://a.example", "write https://"},
		{"slip in a scheme", "htps://a.example", "did you mean https://?"},
		{"another slip", "postgresql://a.example", "did you mean postgres://?"},
		{"no slip at all", "gopher://a.example", "write tls://"},
		{"another name of implicit mail", "submissions://a.example", "write smtps://"},
		{"a product", "mariadb://a.example", "write mysql://"},
		{"range too large", "10.0.0.0/8", "2^24 addresses"},
		{"IPv6 range too large", "2001:db8::/64", "2^64 addresses"},
		{"mapped range", "::ffff:10.0.0.0/120", "IPv4-mapped"},
		{"prefix length", "10.0.0.0/33", "no prefix length"},
		{"range with port", "10.0.0.0/24:8443", "--port"},
		{"range or path", "https://10.0.0.0/24", "tls://10.0.0.0/24"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(tt.in, Defaults{})
			if err == nil {
				t.Fatalf("Parse(%q) succeeded, want an error with %q", tt.in, tt.want)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Parse(%q) = %v, want an error with %q", tt.in, err, tt.want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("Parse(%q) = %v, which shows the password", tt.in, err)
			}
		})
	}
}

func TestParseRange(t *testing.T) {
	tests := []struct {
		in    string
		len   int
		first string
		last  string
	}{
		{"192.0.2.7/32", 1, "https://192.0.2.7:443", "https://192.0.2.7:443"},
		{"192.0.2.7/31", 2, "https://192.0.2.6:443", "https://192.0.2.7:443"},
		{"192.0.2.77/24", 256, "https://192.0.2.0:443", "https://192.0.2.255:443"},
		{"10.0.0.0/16", 65536, "https://10.0.0.0:443", "https://10.0.255.255:443"},
		{"255.255.255.254/31", 2, "https://255.255.255.254:443", "https://255.255.255.255:443"},
		{"2001:db8::/127", 2, "https://[2001:db8::]:443", "https://[2001:db8::1]:443"},
		{"2001:db8::/112", 65536, "https://[2001:db8::]:443", "https://[2001:db8::ffff]:443"},
		{"tls://192.0.2.0/30", 4, "tls://192.0.2.0:443", "tls://192.0.2.3:443"},
		{"smtp://[2001:db8::]/127", 2, "smtp://[2001:db8::]:25", "smtp://[2001:db8::1]:25"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			spec, err := Parse(tt.in, Defaults{})
			if err != nil {
				t.Fatal(err)
			}
			all := slices.Collect(spec.All())
			if len(all) != tt.len || spec.Len() != tt.len {
				t.Fatalf("Parse(%q) stands for %d targets, Len %d, want %d", tt.in, len(all), spec.Len(), tt.len)
			}
			if first, last := all[0].String(), all[len(all)-1].String(); first != tt.first || last != tt.last {
				t.Errorf("Parse(%q) = %s ... %s, want %s ... %s", tt.in, first, last, tt.first, tt.last)
			}
		})
	}
}

func TestTargetID(t *testing.T) {
	for in, want := range map[string]string{
		"example.org":            "tls://example.org:443",
		"https://[2001:db8::1]/": "tls://[2001:db8::1]:443",
		"imap://example.org":     "imap://example.org:143",
	} {
		spec, err := Parse(in, Defaults{})
		if err != nil {
			t.Fatal(err)
		}
		if got := spec.target.ID(); got != want {
			t.Errorf("Parse(%q).ID() = %q, want %q", in, got, want)
		}
	}
}

func TestSchemes(t *testing.T) {
	var implicit []string
	for _, s := range Schemes() {
		if got, ok := LookupScheme(s.Name); !ok || got != s || s.Port == 0 {
			t.Errorf("LookupScheme(%q) = %v, %v, want %v", s.Name, got, ok, s)
		}
		if s.Implicit {
			implicit = append(implicit, s.Name)
		}
	}
	if diff := cmp.Diff([]string{"tls", "https", "smtps", "imaps", "pop3s", "ldaps", "ftps", "nntps", "ircs", "dot", "nts"}, implicit); diff != "" {
		t.Errorf("schemes with implicit TLS differ (-want +got):\n%s", diff)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a", "a:1", "[::1]:2", "::1", "https://bücher.example/x", "10.0.0.0/30", "tls://[::]/127", "xn--a.", "nts://_a:3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		spec, err := Parse(in, Defaults{})
		if err != nil {
			return
		}
		n := 0
		for target := range spec.All() {
			if n++; n > 3 {
				break
			}
			again, err := Parse(target.String(), Defaults{})
			if err != nil {
				t.Fatalf("Parse(%q) gives %q, which Parse refuses: %v", in, target, err)
			}
			second := again.target
			target.Raw, second.Raw = "", ""
			if target != second {
				t.Fatalf("Parse(%q) = %+v, but parsed again %+v", in, target, second)
			}
		}
		if n == 0 {
			t.Fatalf("Parse(%q) stands for nothing", in)
		}
	})
}

func TestErrNoTargets(t *testing.T) {
	if _, err := new(Set).Targets(); !errors.Is(err, ErrNoTargets) {
		t.Errorf("Targets() of an empty set = %v, want ErrNoTargets", err)
	}
}
