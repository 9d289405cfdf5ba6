package ctlog

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
)

// An odd certificate is one that some parser refuses, or reads without its names.
type odd struct {
	name  string
	items []string // what it has to match
	not   []string // what it must not match
	// tbs edits the parts of the TBSCertificate: version, serial, algorithm,
	// issuer, validity, subject, key, extensions.
	tbs func(p [][]byte)
	// whole edits the certificate.
	whole func(der []byte) []byte
}

const victim = "victim.test"

func withSAN(names ...[]byte) func([][]byte) {
	return func(p [][]byte) { p[7] = der(0xa3, der(0x30, sanOf(names...))) }
}

func withCN(values ...[]byte) func([][]byte) {
	return func(p [][]byte) {
		var rdns [][]byte
		for _, v := range values {
			rdns = append(rdns, der(0x31, der(0x30, der(0x06, []byte(cert.OIDCommonName)), v)))
		}
		p[5], p[7] = der(0x30, rdns...), nil
	}
}

// withSerial has the name in its SAN and this serial number.
func withSerial(b ...byte) func([][]byte) {
	return func(p [][]byte) {
		withSAN(dns(victim))(p)
		p[1] = der(0x02, b)
	}
}

// odds are cases 37 to 60 and 70 of what hides names from monitors. None may hide
// its name here, as a certificate or as a precertificate.
var odds = []odd{
	{name: "NUL before the name", tbs: withSAN(dns("evil.test\x00" + victim))},
	{name: "NUL behind the name", tbs: withSAN(dns(victim + "\x00.evil.test"))},
	{name: "upper case", tbs: withSAN(dns("ViCtIm.TEST"))},
	{name: "trailing dot", tbs: withSAN(dns(victim + "."))},
	{name: "spaces", tbs: withSAN(dns(" " + victim + "  "))},
	{name: "URL", tbs: withSAN(dns("https://" + victim + "/login"))},
	{name: "U-label", items: []string{"bücher.test"}, tbs: withSAN(dns("bücher.test"))},
	{name: "Latin-1", items: []string{"bücher.test"}, tbs: withSAN(dns("b\xfccher.test"))},
	{name: "newline", tbs: withSAN(dns(victim + "\nother.test"))},
	{name: "empty name beside it", tbs: withSAN(dns(""), dns(victim))},
	{name: "common name only, UTF8String", tbs: withCN(der(0x0c, []byte(victim)))},
	{name: "common name only, BMPString", tbs: withCN(der(0x1e, bmp(victim)))},
	{name: "common name only, T61String", tbs: withCN(der(0x14, []byte(victim)))},
	{name: "common name only, UniversalString", tbs: withCN(der(0x1c, utf32(victim)))},
	{name: "two common names, the first", tbs: withCN(der(0x0c, []byte(victim)), der(0x0c, []byte("other.test")))},
	{name: "two common names, the last", tbs: withCN(der(0x0c, []byte("other.test")), der(0x0c, []byte(victim)))},
	{name: "multi-valued RDN", tbs: func(p [][]byte) {
		pair := func(oid string, v string) []byte { return der(0x30, der(0x06, []byte(oid)), der(0x0c, []byte(v))) }
		p[5], p[7] = der(0x30, der(0x31, pair(cert.OIDOrganization, "O"), pair(cert.OIDCommonName, victim))), nil
	}},
	{name: "second of two SAN extensions", tbs: func(p [][]byte) {
		p[7] = der(0xa3, der(0x30, sanOf(dns("other.test")), sanOf(dns(victim))))
	}},
	{name: "first of two SAN extensions", tbs: func(p [][]byte) {
		p[7] = der(0xa3, der(0x30, sanOf(dns(victim)), sanOf(dns("other.test"))))
	}},
	{name: "zero byte behind the SAN", tbs: func(p [][]byte) {
		p[7] = der(0xa3, der(0x30, der(0x30, der(0x06, []byte(cert.OIDSubjectAltName)), der(0x04, der(0x30, dns(victim)), []byte{0}))))
	}},
	{name: "five octets of address", items: []string{victim, "192.0.2.1", "198.51.100.0/24"}, tbs: withSAN(der(0x87, []byte{1, 2, 3, 4, 5}), dns(victim))},
	{name: "bad URI beside it", tbs: withSAN(der(0x86, []byte("http://[::%zz]:x/")), dns(victim))},
	{name: "negative serial", tbs: withSerial(0x80)},
	{name: "zero serial", tbs: withSerial(0)},
	{name: "serial of 25 bytes", tbs: withSerial(bytes.Repeat([]byte{7}, 25)...)},
	{name: "non-minimal serial", items: []string{victim, "serial:07"}, tbs: withSerial(0, 0, 7)},
	{name: "empty serial", tbs: withSerial()},
	{name: "version 1 with a SAN", tbs: func(p [][]byte) { withSAN(dns(victim))(p); p[0] = nil }},
	{name: "version 5", tbs: func(p [][]byte) { withSAN(dns(victim))(p); p[0] = der(0xa0, der(0x02, []byte{4})) }},
	{name: "bad times", tbs: func(p [][]byte) {
		withSAN(dns(victim))(p)
		p[4] = der(0x30, der(0x17, []byte("9913320000Z")), der(0x18, []byte("never")))
	}},
	{name: "key off its curve", tbs: func(p [][]byte) {
		withSAN(dns(victim))(p)
		p[6] = der(0x30, der(0x30, der(0x06, []byte("\x2a\x86\x48\xce\x3d\x02\x01")), der(0x06, []byte("\x2a\x86\x48\xce\x3d\x03\x01\x07"))),
			der(0x03, append([]byte{0, 4}, bytes.Repeat([]byte{9}, 64)...)))
	}},
	{name: "negative RSA modulus", tbs: func(p [][]byte) {
		withSAN(dns(victim))(p)
		rsa := der(0x30, der(0x02, bytes.Repeat([]byte{0x80}, 128)), der(0x02, []byte{1, 0, 1}))
		p[6] = der(0x30, der(0x30, der(0x06, []byte("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")), der(0x05)), der(0x03, []byte{0}, rsa))
	}},
	{name: "trailing byte", tbs: withSAN(dns(victim)), whole: func(b []byte) []byte { return append(b, 0) }},
	{name: "BER length", tbs: withSAN(dns(victim)), whole: func(b []byte) []byte {
		body, _, _ := cert.Next(b)
		n := len(body.Body)
		return append([]byte{0x30, 0x84, 0, 0, byte(n >> 8), byte(n)}, body.Body...)
	}},
	{name: "wildcard above", tbs: withSAN(dns("*.test"))},
	{name: "question mark for a label", items: []string{"www.victim.test", victim}, tbs: withSAN(dns("?.victim.test"))},
	{name: "name of 300 bytes", items: []string{".victim.test"}, not: []string{victim}, tbs: withSAN(dns(strings.Repeat("a", 300) + "." + victim))},
	{name: "name only in a URI", tbs: withSAN(der(0x86, []byte("https://"+victim+":8443/x")))},
	{name: "IP address in a dNSName", items: []string{"192.0.2.7", "192.0.2.0/24"}, tbs: withSAN(dns("192.0.2.7"))},
	{name: "watched as a U-label, logged as an A-label", items: []string{"bücher.test", "BÜCHER.test", ".bücher.test", "*.test", "xn--bcher-kva.test"}, tbs: withSAN(dns("xn--bcher-kva.test"))},
	{name: "common name only, OCTET STRING", tbs: withCN(der(0x04, []byte(victim)))},
	{name: "common name only, BIT STRING", tbs: withCN(der(0x03, []byte("\x00"+victim)))},
	{name: "common name only, GraphicString", tbs: withCN(der(0x19, []byte(victim)))},
	{name: "common name only, another class", tbs: withCN(der(0x80, []byte(victim)))},
	{name: "common name only, ASCII in a BMPString", tbs: withCN(der(0x1e, []byte(victim)))},
	{name: "common name only, a BMPString in the other order", tbs: withCN(der(0x1e, bmp(victim)[1:], []byte{0}))},
	{name: "common name only, in pieces", tbs: withCN(der(0x2c, der(0x0c, []byte("vic")), der(0x0c, []byte("tim.test"))))},
	{name: "common name of two values", tbs: withCN(append(der(0x0c, []byte("other.test")), der(0x0c, []byte(victim))...))},
	{name: "common name of a padded type", tbs: func(p [][]byte) {
		p[5], p[7] = der(0x30, der(0x31, der(0x30, der(0x06, []byte("\x55\x04\x80\x03")), der(0x0c, []byte(victim))))), nil
	}},
	{name: "alternative names of a padded type", tbs: func(p [][]byte) {
		p[7] = der(0xa3, der(0x30, der(0x30, der(0x06, []byte("\x55\x1d\x80\x11")), der(0x04, der(0x30, dns(victim))))))
	}},
	{name: "SRVName", tbs: withSAN(der(0xa0, der(0x06, []byte(oidSRVName)), der(0xa0, der(0x16, []byte("_xmpp-server."+victim)))))},
	{name: "XmppAddr", tbs: withSAN(der(0xa0, der(0x06, []byte(oidXMPPAddr)), der(0xa0, der(0x0c, []byte(victim)))))},
	{name: "invalid A-label", items: []string{"xn--a.victim.test", ".victim.test"}, tbs: withSAN(dns("xn--a.victim.test"))},
}

func utf32(s string) (b []byte) {
	for _, c := range s {
		b = append(b, byte(c>>24), byte(c>>16), byte(c>>8), byte(c))
	}
	return b
}

// build gives the certificate, and what of it a precertificate's entry holds.
func (o *odd) build() (whole, tbs []byte) {
	utc := der(0x17, []byte("261101000000Z"))
	p := [][]byte{
		der(0xa0, der(0x02, []byte{2})), der(0x02, []byte{1}), der(0x30), der(0x30), der(0x30, utc, utc), der(0x30),
		der(0x30, der(0x30, der(0x06, []byte{0x2a})), der(0x03, []byte{0, 1})), nil,
	}
	o.tbs(p)
	tbs = der(0x30, p...)
	whole = der(0x30, tbs, der(0x30), der(0x03, []byte{0, 1}))
	if o.whole != nil {
		whole, tbs = o.whole(whole), o.whole(tbs)
	}
	return whole, tbs
}

func TestOddCertificates(t *testing.T) {
	for _, o := range odds {
		t.Run(o.name, func(t *testing.T) {
			items := o.items
			if items == nil {
				items = []string{victim}
			}
			whole, tbs := o.build()
			for kind, e := range map[string]*ct.LogEntry{"certificate": {Signed: whole}, "precertificate": {Signed: tbs, Precert: true}} {
				// Each alone, so that none is found only because another is.
				for _, item := range items {
					hits := matched(t, e, item)
					if _, found := hits[item]; !found {
						t.Errorf("%s: %q is hidden: %+v", kind, item, hits)
					}
				}
				for _, item := range append(slices.Clone(o.not), "innocent.example") {
					if hits := matched(t, e, item); len(hits) > 0 && hits[item].Watched != "" {
						t.Errorf("%s: %q matches: %+v", kind, item, hits)
					}
				}
			}
		})
	}
}

// The same certificates, read from a log of each protocol.
func TestOddCertificatesInLogs(t *testing.T) {
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			l := newLog(t, 0)
			for i := range odds {
				whole, tbs := odds[i].build()
				l.Add(whole, at)
				l.AddPrecert(tbs, []byte("key"), whole, at)
			}
			s := open(t, l, way, quickly, nil)
			head := headOf(t, s)
			c, err := s.Entries(t.Context(), head, 0, head.Size, func(index uint64, e *ct.LogEntry) error {
				o := &odds[index/2]
				item := victim
				if o.items != nil {
					item = o.items[0]
				}
				if _, found := matched(t, e, item)[item]; !found {
					t.Errorf("entry %d: %s: %q is hidden", index, o.name, item)
				}
				return nil
			})
			if err != nil || !c.Complete() {
				t.Errorf("Entries = %+v, %v; want all", c, err)
			}
		})
	}
}

// FuzzWatch holds the quick walk against the tolerant one for everything that can
// be looked for: where both are possible, they find the same.
func FuzzWatch(f *testing.F) {
	for i := range odds {
		whole, _ := odds[i].build()
		f.Add(whole)
	}
	for _, x := range issued()[:4] {
		f.Add(x.der)
	}
	m, err := NewMatcher([]string{".test", "192.0.2.0/24", "org:Lab Trust Services", "lookalike:victim.example", "serial:01", "*.example.test"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var q quick
		if !q.read(b, false) {
			return
		}
		fast := search{m: m, budget: maxComparisons}
		q.each(fast.identifier)
		slow := search{m: m, budget: maxComparisons}
		if !tolerant(cert.Parse(b), slow.identifier) {
			t.Fatalf("plain DER that cannot be read: %x", b)
		}
		for _, h := range fast.hits {
			if !slices.ContainsFunc(slow.hits, func(x Hit) bool { return x.Watched == h.Watched }) {
				t.Errorf("the quick walk alone finds %+v", h)
			}
		}
		for _, h := range slow.hits {
			if !slices.ContainsFunc(fast.hits, func(x Hit) bool { return x.Watched == h.Watched }) {
				t.Errorf("the quick walk misses %+v", h)
			}
		}
	})
}
