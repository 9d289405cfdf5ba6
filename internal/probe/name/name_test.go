package name

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/lab"
)

// issued is a leaf with a subject, and with these alternative names where they are
// not nil.
func issued(subject []byte, sans ...lab.Extension) *cert.Certificate {
	l := lab.New(lab.Config{})
	template := l.LeafTemplate()
	template.Subject = subject
	template.Drop(lab.IDSAN)
	template.Set(sans...)
	return cert.Parse(template.Sign(l.Intermediate.Key, ""))
}

func TestAlternative(t *testing.T) {
	for _, tt := range []struct {
		name    string
		subject string
		sans    []string // nil is no extension
		want    facts.Names
	}{
		{"no extension", "CN=host.example.org", nil, facts.Names{Readable: true, CNNotInSAN: true}},
		{"one", "CN=host.example.org", []string{"HOST.example.org"}, facts.Names{Present: true, Readable: true, DNS: []string{"host.example.org"}, Public: true}},
		{
			"several", "CN=Host.Example.org.", []string{"a.internal", "host.example.org", "10.0.0.1"},
			facts.Names{Present: true, Readable: true, DNS: []string{"a.internal", "host.example.org"}, IP: []string{"10.0.0.1"}, Public: true},
		},
		{"private ones", "CN=a.internal", []string{"a.internal", "10.0.0.1"}, facts.Names{Present: true, Readable: true, DNS: []string{"a.internal"}, IP: []string{"10.0.0.1"}}},
		{"a public address", "CN=192.0.2.1", []string{"a.internal", "192.0.2.1"}, facts.Names{Present: true, Readable: true, DNS: []string{"a.internal"}, IP: []string{"192.0.2.1"}, Public: true}},
		{"a public address alone", "O=x", []string{"2001:db8::1"}, facts.Names{Present: true, Readable: true, IP: []string{"2001:db8::1"}, Public: true}},
		{"another common name", "CN=b.example.org", []string{"a.example.org"}, facts.Names{Present: true, Readable: true, DNS: []string{"a.example.org"}, Public: true, CNNotInSAN: true}},
		{"one of two common names", "CN=a.example.org, CN=b.example.org", []string{"a.example.org"}, facts.Names{Present: true, Readable: true, DNS: []string{"a.example.org"}, Public: true, CNNotInSAN: true}},
		{"a person", "CN=J. Doe", []string{"a.example.org"}, facts.Names{Present: true, Readable: true, DNS: []string{"a.example.org"}, Public: true}},
		{"a mail address", "CN=j.doe@example.org", []string{"a.example.org"}, facts.Names{Present: true, Readable: true, DNS: []string{"a.example.org"}, Public: true}},
		{"a single label", "CN=server", []string{"a.example.org"}, facts.Names{Present: true, Readable: true, DNS: []string{"a.example.org"}, Public: true}},
		{"a wildcard", "CN=*.example.org", []string{"*.example.org"}, facts.Names{Present: true, Readable: true, DNS: []string{"*.example.org"}, Public: true}},
		{"over a registry", "O=x", []string{"a.example.org", "*.co.uk"}, facts.Names{Present: true, Readable: true, DNS: []string{"a.example.org", "*.co.uk"}, Public: true, BadWildcard: true, WildSuffix: true}},
		{"over a suffix with one owner", "O=x", []string{"*.gov.uk", "a.example.org"}, facts.Names{Present: true, Readable: true, DNS: []string{"*.gov.uk", "a.example.org"}, Public: true, BadWildcard: true}},
		{"a wildcard inside", "O=x", []string{"a.*.example.org"}, facts.Names{Present: true, Readable: true, DNS: []string{"a.*.example.org"}, Public: true, BadWildcard: true}},
	} {
		var sans []lab.Extension
		if tt.sans != nil {
			sans = append(sans, lab.SAN(tt.sans...))
		}
		tt.want.DNS, tt.want.IP = known(tt.want.DNS), known(tt.want.IP)
		if d := cmp.Diff(&tt.want, Alternative(issued(lab.Named(tt.subject), sans...))); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
	// What deceives is told, whatever it is.
	for name, tt := range map[string]struct {
		dns string
		is  func(*facts.Names) bool
	}{
		"NUL": {"a.example\x00.evil.test", func(f *facts.Names) bool { return f.NUL }}, "space": {"a b.example", func(f *facts.Names) bool { return f.Control }},
		"control": {"a\x07.example", func(f *facts.Names) bool { return f.Control }}, "address": {"192.0.2.1", func(f *facts.Names) bool { return f.IPAsDNS }},
		"no ASCII": {"bücher.example", func(f *facts.Names) bool { return f.NonASCII }}, "bidi": {"a\u202e.example", func(f *facts.Names) bool { return f.Bidi }},
		"scripts": {"ex\u0430mple.test", func(f *facts.Names) bool { return f.MixedScript }},
	} {
		f, honest := Alternative(issued(nil, lab.DNSNames(tt.dns))), Alternative(issued(nil, lab.DNSNames("a.example")))
		if !tt.is(f) || tt.is(honest) {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if f := Alternative(issued(nil, lab.Extension{ID: lab.IDSAN, Value: []byte("x")})); !f.Present || f.Readable {
		t.Errorf("names that cannot be read: %+v", f)
	}
	if f := Alternative(cert.Parse([]byte("garbage"))); f != nil {
		t.Errorf("names of garbage: %+v", f)
	}
}

func TestDistinguished(t *testing.T) {
	c := issued(lab.Named("C=DE, O=Lab, OU=One, OU=Two, CN=a.example"))
	want := &facts.Name{
		Text: "CN=a.example,OU=Two,OU=One,O=Lab,C=DE", CommonNames: []string{"a.example"}, Organizations: []string{"Lab"},
		Units: []string{"One", "Two"}, Countries: []string{"DE"},
	}
	if d := cmp.Diff(want, Distinguished(&c.Subject)); d != "" {
		t.Error(d)
	}
	empty := issued([]byte{0x30, 0})
	if f := Distinguished(&empty.Subject); f == nil || !f.Empty || f.CommonNames == nil || f.Organizations == nil || f.Units == nil || f.Countries == nil {
		t.Errorf("an empty name: %+v", f)
	}
	garbage := cert.Parse([]byte("garbage"))
	if f := Distinguished(&garbage.Subject); f != nil {
		t.Errorf("the subject of garbage: %+v", f)
	}
}

// The alternative names say whom a certificate is for; the common name only where
// there is none of these, and it is the only one.
func TestCertificateCovers(t *testing.T) {
	sans := issued(lab.Named("CN=cn.example.org"), lab.SAN("a.example.org", "*.b.example.org", "192.0.2.1", "2001:db8::1"))
	cn, two := issued(lab.Named("CN=cn.example.org")), issued(lab.Named("CN=cn.example.org, CN=b.example.org"))
	address, star := issued(lab.Named("CN=192.0.2.1")), issued(lab.Named("CN=*.example.org"))
	for _, tt := range []struct {
		name     string
		c        *cert.Certificate
		host     string
		alt, own bool
	}{
		{"named", sans, "A.example.org.", true, false},
		{"wildcard", sans, "x.b.example.org", true, false},
		{"other", sans, "c.example.org", false, false},
		{"common name beside", sans, "cn.example.org", false, false},
		{"address", sans, "192.0.2.1", true, false},
		{"mapped address", sans, "::ffff:192.0.2.1", true, false},
		{"address in brackets", sans, "[2001:db8::1]", true, false},
		{"other address", sans, "192.0.2.2", false, false},
		{"common name", cn, "cn.example.org", false, true},
		{"other than it", cn, "a.example.org", false, false},
		{"an address than it", cn, "192.0.2.1", false, false},
		{"one of two", two, "cn.example.org", false, false},
		{"address as common name", address, "192.0.2.1", false, true},
		{"mapped", address, "::ffff:192.0.2.1", false, true},
		{"another", address, "192.0.2.2", false, false},
		{"wildcard as common name", star, "a.example.org", false, true},
		{"no common name", issued(lab.Named("O=Lab")), "a.example.org", false, false},
	} {
		if got, ok := Covers(tt.c, tt.host); got != tt.alt || !ok {
			t.Errorf("%s: Covers = %v, %v; want %v", tt.name, got, ok, tt.alt)
		}
		if got, ok := CommonNameCovers(tt.c, tt.host); got != tt.own || !ok {
			t.Errorf("%s: CommonNameCovers = %v, %v; want %v", tt.name, got, ok, tt.own)
		}
	}
	garbage := cert.Parse([]byte(strings.Repeat("x", 9)))
	if _, ok := Covers(garbage, "a.example"); ok {
		t.Error("whom garbage is for is known")
	}
	if _, ok := CommonNameCovers(garbage, "a.example"); ok {
		t.Error("what garbage calls itself is known")
	}
}
