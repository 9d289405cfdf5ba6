package ctlog

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/lab"
)

// asEntry is the log entry of a certificate.
func asEntry(der []byte) *ct.LogEntry { return &ct.LogEntry{Signed: der} }

// der is a TLV in DER.
func der(tag byte, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	switch n := len(body); {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, body...)
	default:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, body...)
	}
}

// sanOf is an extension with these general names, given with their tags.
func sanOf(names ...[]byte) []byte {
	return der(0x30, der(0x06, []byte(cert.OIDSubjectAltName)), der(0x04, der(0x30, names...)))
}

// made is a certificate with a subject of one RDN for each of cns and these
// extensions; the rest is of no interest to a search.
func made(cns [][]byte, extensions ...[]byte) []byte {
	var rdns [][]byte
	for _, cn := range cns {
		rdns = append(rdns, der(0x31, der(0x30, der(0x06, []byte(cert.OIDCommonName)), cn)))
	}
	empty := der(0x30)
	utc := der(0x17, []byte("261101000000Z"))
	key := der(0x30, der(0x30, der(0x06, []byte{0x2a})), der(0x03, []byte{0, 1}))
	tbs := der(0x30, der(0xa0, der(0x02, []byte{2})), der(0x02, []byte{1}), empty, empty, der(0x30, utc, utc),
		der(0x30, rdns...), key, der(0xa3, der(0x30, extensions...)))
	return der(0x30, tbs, empty, der(0x03, []byte{0, 1}))
}

func dns(name string) []byte { return der(0x82, []byte(name)) }

func bmp(s string) []byte {
	var b []byte
	for _, c := range s {
		b = append(b, byte(c>>8), byte(c))
	}
	return b
}

func TestMatchNames(t *testing.T) {
	for _, c := range []struct {
		watch, name string
		want        bool
	}{
		{"example.org", "example.org", true},
		{"example.org", "EXAMPLE.Org", true},
		{"example.org", "example.org.", true},
		{"example.org", "www.example.org", false},
		{"example.org", "*.org", true},
		{"example.org", "*.example.org", false},
		{"www.example.org", "*.example.org", true},
		{"www.example.org", "*.org", false},
		{".example.org", "example.org", true},
		{".example.org", "a.b.example.org", true},
		{".example.org", "*.b.example.org", true},
		{".example.org", "badexample.org", false},
		{".example.org", "example.org.evil.test", false},
		{".example.org", "*.org", true},
		{".a.example.org", "*.example.org", true},
		{".a.example.org", "b.example.org", false},
		{"*.example.org", "www.example.org", true},
		{"*.example.org", "a.www.example.org", false},
		{"*.example.org", "example.org", false},
		{"*.example.org", "*.example.org", true},
		{"www.example.org", "w*.example.org", true},
		{"www.example.org", "www.*.org", true},
		{"www.example.org", "*", true},
		{"bücher.example", "xn--bcher-kva.example", true},
		{"xn--bcher-kva.example", "bücher.example", true},
		{"xn--bcher-kva.example", "B\xfcCHER.example", true},
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.10", false},
		{"2001:db8::1", "2001:DB8:0::1", true},
		// Octets that no name has.
		{"example.org", "example.org\x00.evil.test", true},
		{"example.org", "evil.test\x00example.org", true},
		{"example.org", " example.org ", true},
		{"example.org", "evil.test example.org", true},
		{"example.org", "evil.test\nexample.org", true},
		{"example.org", "https://example.org/path", true},
		{"example.org", "example.org:443", true},
		{"example.org", string(bmp("example.org")), true},
		{"example.org", "example\u3002org", true},
		{"example.org", "exa\u200bmple.org", true},
		{"www.example.org", "w\xff\xfew.example.org", true},
		{"www.example.org", "w w.example.org", true},
		{"www.example.org", "?.example.org", true},
		{"www.example.org", "?.example.net", false},
		{"example.org", "", false},
		{"example.org", "...", false},
		{".example.org", strings.Repeat("a.", 5000) + "example.org", true},
		{"example.org", strings.Repeat("a.", 5000) + "example.org", false},
		{"example.org", "Example Org Ltd", false},
		{"example", "Some Example", false},
	} {
		m, err := NewMatcher([]string{c.watch})
		if err != nil {
			t.Fatal(err)
		}
		for where, der := range map[string][]byte{
			"dNSName": made(nil, sanOf(dns(c.name))),
			"CN":      made([][]byte{der(0x0c, []byte(c.name))}),
		} {
			hits := m.Match(asEntry(der), nil)
			if got := slices.ContainsFunc(hits, func(h Hit) bool { return h.Watched == c.watch }); got != c.want {
				t.Errorf("%s %q against %q: hits %+v, want %v", where, c.name, c.watch, hits, c.want)
			}
		}
	}
}

// A name cannot hide: wherever and however it is written, it is found.
func TestMatchPlaces(t *testing.T) {
	m, err := NewMatcher([]string{"example.org", "192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	good := made(nil, sanOf(dns("example.org")))
	other := made(nil, sanOf(dns("other.test")))
	cn := func(tag byte, s []byte) []byte { return made([][]byte{der(0x0c, []byte("first.test")), der(tag, s)}) }
	for _, c := range []struct {
		name       string
		der        []byte
		want       string
		unreadable bool // with an empty Watched
	}{
		{"nothing", other, "", false},
		{"dNSName", good, "example.org", false},
		{"second of two SAN extensions", made(nil, sanOf(dns("ok.test")), sanOf(dns("example.org"))), "example.org", false},
		{"first of two SAN extensions", made(nil, sanOf(dns("example.org")), sanOf(dns("ok.test"))), "example.org", false},
		{"URI", made(nil, sanOf(der(0x86, []byte("https://u@example.org:443/x")))), "example.org", false},
		{"universal class", made(nil, sanOf(der(0x02, []byte("example.org")))), "example.org", false},
		{"constructed", made(nil, sanOf(der(0xa2, der(0x16, []byte("example.org"))))), "example.org", false},
		{"CN UTF8", cn(0x0c, []byte("example.org")), "example.org", false},
		{"CN BMP", cn(0x1e, bmp("example.org")), "example.org", false},
		{"CN T61", cn(0x14, []byte("EXAMPLE.org")), "example.org", false},
		{"iPAddress", made(nil, sanOf(der(0x87, []byte{192, 0, 2, 1}))), "192.0.2.1", false},
		{"iPAddress in IPv6", made(nil, sanOf(der(0x87, []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1}))), "192.0.2.1", false},
		{"iPAddress of five octets", made(nil, sanOf(der(0x87, []byte{192, 0, 2, 1, 9}))), "192.0.2.1", false},
		{"IP in dNSName", made(nil, sanOf(dns("192.0.2.1"))), "192.0.2.1", false},
		{"trailing bytes", append(slices.Clone(good), 0), "example.org", false},
		{"cut behind the names", good[:len(good)-6], "example.org", false},
		{"cut off", good[:len(good)-12], "", true},
		{"cut off, another name", other[:len(other)-12], "", true},
		{"no certificate", []byte("no certificate"), "", true},
		{"a SAN that is no list", made(nil, der(0x30, der(0x06, []byte(cert.OIDSubjectAltName)), der(0x04, []byte{0x30, 0x20}))), "", true},
		{"indefinite length", append(append([]byte{0x30, 0x80}, good[2:]...), 0, 0), "example.org", false},
	} {
		hits := m.Match(asEntry(c.der), nil)
		named := slices.ContainsFunc(hits, func(h Hit) bool { return h.Watched == c.want })
		unreadable := slices.ContainsFunc(hits, func(h Hit) bool { return h.Watched == "" && h.Unreadable })
		if c.want != "" && !named || c.want == "" && !c.unreadable && len(hits) > 0 || c.unreadable && !unreadable {
			t.Errorf("%s: hits %+v, want %q, unreadable %v", c.name, hits, c.want, c.unreadable)
		}
	}
}

func TestMatchPrecertificates(t *testing.T) {
	m, err := NewMatcher([]string{"host7.example.test"})
	if err != nil {
		t.Fatal(err)
	}
	l := newLog(t, 64)
	s := open(t, l, "static-ct", quickly, nil)
	var got []uint64
	if _, err := s.Entries(t.Context(), headOf(t, s), 0, 64, func(i uint64, e *ct.LogEntry) error {
		if len(m.Match(e, nil)) > 0 {
			got = append(got, i)
		}
		return nil
	}); err != nil || !slices.Equal(got, []uint64{7}) {
		t.Errorf("entries with host7 = %v, %v, want 7, a precertificate", got, err)
	}
}

func TestNewMatcherRefuses(t *testing.T) {
	for _, names := range [][]string{nil, {""}, {"."}, {"*."}, {"a..b"}, {"a b"}, {"w*.example.org"}, {strings.Repeat("a", 64) + ".org"}, {strings.Repeat("a.", 130)}} {
		if _, err := NewMatcher(names); err == nil {
			t.Errorf("NewMatcher(%q) = nil, want an error", names)
		}
	}
}

// A certificate full of unreadable names costs no more than the budget, and is
// reported as one that cannot be read.
func TestMatchBudget(t *testing.T) {
	var watch []string
	for i := range 2000 {
		watch = append(watch, fmt.Sprintf("host%d.example.org", i))
	}
	m, err := NewMatcher(watch)
	if err != nil {
		t.Fatal(err)
	}
	var names [][]byte
	for i := range 3000 {
		names = append(names, dns(fmt.Sprintf("?%d.evil.test", i)))
	}
	hits := m.Match(asEntry(made(nil, sanOf(names...))), nil)
	if len(hits) != 1 || !hits[0].Unreadable || hits[0].Watched != "" {
		t.Errorf("%d hits, want one that says the certificate cannot be read", len(hits))
	}
}

type found struct {
	at    place
	value string
}

// The quick walk gives what the tolerant one gives, or nothing.
func checkQuick(t *testing.T, der []byte, tbs bool) {
	t.Helper()
	var q quick
	if !q.read(der, tbs) {
		return
	}
	var got, want []found
	q.each(func(at place, b []byte) { got = append(got, found{at, string(b)}) })
	readable := tolerant((&ct.LogEntry{Signed: der, Precert: tbs}).Certificate(), func(at place, b []byte) { want = append(want, found{at, string(b)}) })
	if !readable || !slices.Equal(got, want) {
		t.Errorf("quick read %q, tolerant %q (readable %v) of %x", got, want, readable, der)
	}
}

func FuzzQuick(f *testing.F) {
	for _, x := range issued()[:4] {
		f.Add(x.der, false)
		f.Add(cert.Parse(x.der).TBS, true)
	}
	f.Add(made([][]byte{der(0x0c, []byte("a"))}, sanOf(dns("b"), der(0x87, []byte{1, 2, 3, 4}))), false)
	f.Fuzz(func(t *testing.T, der []byte, tbs bool) { checkQuick(t, der, tbs) })
}

// Every name of every lab case, and of a folder of outside certificates, is
// found by the name that it is.
func TestEveryNameIsFound(t *testing.T) {
	var all [][]byte
	for _, c := range lab.Cases() {
		all = append(all, c.Chain...)
	}
	if dir := os.Getenv("CERTASSAY_CORPUS"); dir != "" {
		all = append(all, ders(t, dir)...)
	}
	quickly, readable := 0, 0
	for _, der := range all {
		checkQuick(t, der, false)
		if new(quick).read(der, false) {
			quickly++
		}
		c := cert.Parse(der)
		if !c.Readable() {
			continue
		}
		readable++
		for _, name := range c.DNSNames() {
			m, err := NewMatcher([]string{name})
			if err != nil {
				continue // not a name that a user can ask for
			}
			if hits := m.Match(asEntry(der), nil); !slices.ContainsFunc(hits, func(h Hit) bool { return h.Watched == name }) {
				t.Errorf("%q is not found in the certificate that holds it", name)
			}
		}
	}
	t.Logf("%d certificates, %d readable, %d by the quick walk", len(all), readable, quickly)
}

// ders are the DER files below a folder of outside vectors.
func ders(t *testing.T, dir string) (out [][]byte) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || len(out) > 20000 {
			return err
		}
		if ext := filepath.Ext(path); ext == ".der" || ext == ".crt" || ext == ".cer" {
			b, err := os.ReadFile(path)
			if err == nil && len(b) > 0 && b[0] == 0x30 {
				out = append(out, b)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func BenchmarkMatch(b *testing.B) {
	for _, c := range []struct {
		name, format string
		n            int
	}{{"watch=1", ".watched%d.example", 1}, {"watch=10000", ".watched%d.example", 10_000}, {"lookalikes=1000", "lookalike:watched%d.example", 1000}} {
		var watch []string
		for i := range c.n {
			watch = append(watch, fmt.Sprintf(c.format, i))
		}
		m, err := NewMatcher(watch)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			e := asEntry(issued()[0].der)
			var hits []Hit
			for b.Loop() {
				hits = m.Match(e, hits[:0])
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// Reading, unpacking, hashing, verifying and matching tiles from a directory.
func BenchmarkSearch(b *testing.B) {
	l := newLog(b, 256*40)
	m, err := NewMatcher([]string{".watched.example"})
	if err != nil {
		b.Fatal(err)
	}
	for _, way := range ways {
		b.Run(way, func(b *testing.B) {
			s := open(b, l, way, quickly, nil)
			head := headOf(b, s)
			var hits []Hit
			for b.Loop() {
				c, err := s.Entries(b.Context(), head, 0, head.Size, func(_ uint64, e *ct.LogEntry) error {
					hits = m.Match(e, hits[:0])
					return nil
				})
				if err != nil || !c.Complete() {
					b.Fatal(err, c)
				}
			}
			b.ReportMetric(float64(b.N)*float64(head.Size)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
