package chain

import (
	"crypto/x509"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
)

func network(s string) tree {
	p := netip.MustParsePrefix(s)
	mask := make([]byte, p.Addr().BitLen()/8)
	for i := range p.Bits() {
		mask[i/8] |= 0x80 >> (i % 8)
	}
	return tree{7, append(p.Addr().AsSlice(), mask...)}
}

func constraints(t *testing.T, permitted, excluded []tree) subtrees {
	t.Helper()
	template := ca("CN=C", "CN=C", lab.RootKey(), nil, -1)
	template.Set(names(permitted, excluded))
	return constraintsOf(cert.Parse(template.Sign(lab.RootKey(), "")))
}

func TestEscape(t *testing.T) {
	dns := func(s string) constrained { return constrained{cert.DNSName, []byte(s)} }
	ip := func(s string) constrained { return constrained{cert.IPName, netip.MustParseAddr(s).AsSlice()} }
	mail := func(s string) constrained { return constrained{cert.EmailName, []byte(s)} }
	uri := func(s string) constrained { return constrained{cert.URIName, []byte(s)} }
	dir := func(s string) constrained { return constrained{cert.DirectoryName, lab.Named(s)} }
	one := func(t tree) []tree { return []tree{t} }
	mailTree := func(s string) tree { return tree{1, []byte(s)} }
	uriTree := func(s string) tree { return tree{6, []byte(s)} }
	dirTree := func(s string) tree { return tree{4, lab.Named(s)} }
	for _, tt := range []struct {
		name                string
		permitted, excluded []tree
		n                   constrained
		escapes             bool
	}{
		{"itself", one(dnsTree("example.com")), nil, dns("example.com"), false},
		{"below", one(dnsTree("example.com")), nil, dns("a.b.example.com"), false},
		{"case", one(dnsTree("Example.com")), nil, dns("EXAMPLE.COM"), false},
		{"trailing dot", one(dnsTree("example.com")), nil, dns("example.com."), false},
		{"ends alike", one(dnsTree("example.com")), nil, dns("badexample.com"), true},
		{"second of two", []tree{dnsTree("a.example"), dnsTree("b.example")}, nil, dns("x.b.example"), false},
		{"everything", one(dnsTree("")), nil, dns("any.example"), false},
		{"leading dot: below", one(dnsTree(".example.com")), nil, dns("a.example.com"), false},
		{"leading dot: itself", one(dnsTree(".example.com")), nil, dns("example.com"), true},
		{"excluded", nil, one(dnsTree("example.com")), dns("a.example.com"), true},
		{"excluded, trailing dot", nil, one(dnsTree("example.com")), dns("a.example.com."), true},
		{"not excluded", nil, one(dnsTree("example.com")), dns("example.org"), false},
		{"permitted and excluded", one(dnsTree("example.com")), one(dnsTree("a.example.com")), dns("a.example.com"), true},
		{"wildcard inside", one(dnsTree("example.com")), nil, dns("*.example.com"), false},
		{"wildcard wider than what is permitted", one(dnsTree("a.example.com")), nil, dns("*.example.com"), true},
		{"wildcard over an excluded name", nil, one(dnsTree("a.example.com")), dns("*.example.com"), true},
		{"wildcard beside an excluded name", nil, one(dnsTree("a.b.example.com")), dns("*.example.com"), false},
		{"no host name under permitted", one(dnsTree("example.com")), nil, dns("a b.example.com"), true},
		{"no host name under excluded", nil, one(dnsTree("example.org")), dns("a b.example.com"), true},
		{"odd wildcard", one(dnsTree("example.com")), nil, dns("a*.example.com"), true},
		{"another kind", one(dnsTree("example.com")), nil, ip("192.0.2.1"), false},
		{"address inside", one(network("192.0.2.0/24")), nil, ip("192.0.2.1"), false},
		{"address outside", one(network("192.0.2.0/24")), nil, ip("192.0.3.1"), true},
		{"address excluded", nil, one(network("0.0.0.0/0")), ip("192.0.2.1"), true},
		{"the other family", nil, one(network("0.0.0.0/0")), ip("2001:db8::1"), false},
		{"the other family under permitted", one(network("192.0.2.0/24")), nil, ip("2001:db8::1"), true},
		{"IPv6", one(network("2001:db8::/32")), nil, ip("2001:db8::1"), false},
		{"mailbox", one(mailTree("a@example.com")), nil, mail("a@EXAMPLE.com"), false},
		{"another mailbox", one(mailTree("a@example.com")), nil, mail("A@example.com"), true},
		{"mail host", one(mailTree("example.com")), nil, mail("a@example.com"), false},
		{"mail host below", one(mailTree("example.com")), nil, mail("a@b.example.com"), true},
		{"mail domain", one(mailTree(".example.com")), nil, mail("a@b.example.com"), false},
		{"no mailbox", nil, one(mailTree("example.com")), mail("example.com"), true},
		{"URI", one(uriTree("example.com")), nil, uri("https://example.com/x"), false},
		{"URI elsewhere", one(uriTree("example.com")), nil, uri("https://example.org/example.com"), true},
		{"URI without host", one(uriTree("example.com")), nil, uri("urn:x"), true},
		{"URI with an address", nil, one(uriTree("example.com")), uri("https://192.0.2.1/"), true},
		{"directory", one(dirTree("C=XX, O=Lab")), nil, dir("C=XX, O=Lab, CN=a"), false},
		{"directory, another case", one(dirTree("C=XX, O=LAB")), nil, dir("C=XX, O=lab, CN=a"), false},
		{"directory elsewhere", one(dirTree("C=XX, O=Lab")), nil, dir("C=XX, O=Laboratory, CN=a"), true},
		{"directory excluded", nil, one(dirTree("C=XX")), dir("C=XX, CN=a"), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := constraints(t, tt.permitted, tt.excluded)
			left := maxComparisons
			if err := s.escape(tt.n, &left); (err != nil) != tt.escapes {
				t.Errorf("escape = %v, want one: %v", err, tt.escapes)
			}
			if want := maxComparisons - len(tt.permitted) - len(tt.excluded); left != want {
				t.Errorf("%d comparisons left, want %d", left, want)
			}
		})
	}
}

func TestMalformedConstraints(t *testing.T) {
	for name, trees := range map[string][]tree{
		"a wildcard":            {dnsTree("*.example.com")},
		"an address, no mask":   {{7, []byte{192, 0, 2, 1}}},
		"a mask with holes":     {{7, []byte{192, 0, 2, 0, 255, 0, 255, 0}}},
		"a kind nobody knows":   {{11, []byte("x")}},
		"an empty list":         {},
		"a good and a bad tree": {dnsTree("example.com"), dnsTree("*")},
	} {
		if s := constraints(t, trees, nil); s.err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if s := constraints(t, []tree{dnsTree(".example.com")}, nil); s.err != nil || s.dotted != ".example.com" {
		t.Errorf("a leading dot: %v, %q", s.err, s.dotted)
	}
	if s := constraints(t, []tree{dnsTree("example.com"), network("10.0.0.0/8")}, []tree{network("::/0")}); s.err != nil || s.dotted != "" {
		t.Errorf("good constraints: %v, %q", s.err, s.dotted)
	}
}

func TestTooManyComparisons(t *testing.T) {
	s := constraints(t, []tree{dnsTree("a.example"), dnsTree("b.example")}, nil)
	left := 3
	n := constrained{cert.DNSName, []byte("a.example")}
	if err := s.escape(n, &left); err != nil {
		t.Errorf("within the limit: %v", err)
	}
	if err := s.escape(n, &left); !errors.Is(err, errTooMany) {
		t.Errorf("beyond the limit: %v, want %v", err, errTooMany)
	}
}

// FuzzConstraints holds the checker against crypto/x509: what the library
// refuses for its names we never let pass, and what we refuse it refuses too,
// but for wildcards, names that are no host names, and malformed constraints.
func FuzzConstraints(f *testing.F) {
	for _, s := range [][2]string{
		{"example.com", "a.example.com"}, {"example.com", "example.org"}, {".example.com", "example.com"},
		{"a.example.com", "*.example.com"}, {"", "x"}, {"Example.COM", "example.com."},
	} {
		f.Add(s[0], s[1], false)
		f.Add(s[0], s[1], true)
	}
	rootKey := lab.RootRSAKey()
	f.Fuzz(func(t *testing.T, base, name string, excluded bool) {
		if len(base) > 300 || len(name) > 300 {
			return
		}
		root := ca("CN=R", "CN=R", rootKey, nil, -1)
		var s subtrees
		if excluded {
			root.Set(names(nil, []tree{dnsTree(base)}))
		} else {
			root.Set(names([]tree{dnsTree(base)}, nil))
		}
		leaf := leafOf("CN=R", rootKey)
		leaf.Set(lab.DNSNames(name))
		rootDER, leafDER := root.Sign(rootKey, ""), leaf.Sign(rootKey, "")
		rootCert, err1 := x509.ParseCertificate(rootDER)
		leafCert, err2 := x509.ParseCertificate(leafDER)
		if err1 != nil || err2 != nil {
			return
		}
		s = constraintsOf(cert.Parse(rootDER))
		left := maxComparisons
		ours := s.escape(constrained{cert.DNSName, []byte(name)}, &left)
		pool := x509.NewCertPool()
		pool.AddCert(rootCert)
		_, theirs := leafCert.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: now})
		// A name that the library cannot read, such as one with a trailing dot, it
		// refuses for that.
		if theirs != nil && ours == nil && !strings.Contains(theirs.Error(), "cannot parse") {
			t.Errorf("subtree %q, excluded %v, name %q: the library refuses (%v), we do not", base, excluded, name, theirs)
		}
		_, plain := hostName(name)
		if theirs == nil && ours != nil && s.err == nil && plain && !strings.Contains(name, "*") {
			t.Errorf("subtree %q, excluded %v, name %q: we refuse (%v), the library does not", base, excluded, name, ours)
		}
	})
}
