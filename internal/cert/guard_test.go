//go:build linux || (darwin && amd64)

package cert

import (
	"bytes"
	"math/big"
	"testing"
)

// selfIssued is a self-issued RSA certificate with a signature that does not
// verify: what zcrypto checks while parsing.
func selfIssued(n, e []byte) []byte {
	p := baseline()
	p.issuer, p.inner, p.outer = p.subject, sha256RSA, sha256RSA
	p.spki = rsaSPKI(n, e)
	sig := stream("signature", max(len(n)-5, 1))
	sig[0] &= 0x3f
	p.sig = tlv(idBitString, []byte{0}, sig)
	return p.der()
}

// bombs are certificates that cost zcrypto seconds or make it panic, and ones
// that would cost a careless walker.
func bombs() map[string][]byte {
	evenN := append([]byte{0, 0x80}, make([]byte, 255)...)
	many := func(item []byte, n int) []byte { return seq(bytes.Repeat(item, n)) }
	with := func(change func(*parts)) []byte {
		p := baseline()
		change(&p)
		return p.der()
	}
	dsaNumber := integerTLV(oddNumber(65536))
	return map[string][]byte{
		"rsa 8192 bits, exponent as long":  selfIssued(integerTLV(oddNumber(8192)), integerTLV(oddNumber(8192))),
		"rsa 16384 bits, exponent as long": selfIssued(integerTLV(oddNumber(16384)), integerTLV(oddNumber(16384))),
		"rsa 65536 bits, exponent as long": selfIssued(integerTLV(oddNumber(65536)), integerTLV(oddNumber(65536))),
		"rsa 65536 bits":                   selfIssued(integerTLV(oddNumber(65536)), []byte{2, 3, 1, 0, 1}),
		"rsa at the limit":                 selfIssued(integerTLV(oddNumber(16384)), []byte{2, 5, 0, 0xff, 0xff, 0xff, 0xff}),
		"rsa at the limit, even exponent":  selfIssued(integerTLV(oddNumber(16384)), []byte{2, 5, 0, 0xff, 0xff, 0xff, 0xfe}),
		"rsa exponent -1, even modulus":    selfIssued(tlv(idInteger, evenN), []byte{2, 1, 0xff}),
		"rsa exponent 0":                   selfIssued(tlv(idInteger, evenN), []byte{2, 1, 0}),
		"rsa modulus negative":             selfIssued([]byte{2, 1, 0x81}, []byte{2, 1, 3}),
		"rsa modulus 1":                    selfIssued([]byte{2, 1, 1}, []byte{2, 1, 3}),
		"rsa modulus even, at the limit":   selfIssued(integerTLV(new(big.Int).Lsh(big.NewInt(1), 16383)), []byte{2, 5, 0, 0xff, 0xff, 0xff, 0xff}),
		"dsa with a prime of 65536 bits":   with(func(p *parts) { p.dsa(dsaNumber, dsaNumber, dsaNumber, dsaNumber) }),
		"dsa at the limit":                 with(func(p *parts) { n := integerTLV(oddNumber(4096)); p.dsa(n, integerTLV(oddNumber(512)), n, n) }),
		"10 000 names":                     with(func(p *parts) { p.exts = [][]byte{ext(OIDSubjectAltName, many(dnsName("a.example"), 10_000))} }),
		"120 000 empty names":              with(func(p *parts) { p.exts = [][]byte{ext(OIDSubjectAltName, many([]byte{0x82, 0}, 120_000))} }),
		"15 000 empty names":               with(func(p *parts) { p.exts = [][]byte{ext(OIDSubjectAltName, many([]byte{0x82, 0}, 15_000))} }),
		"9 000 RDNs":                       with(func(p *parts) { p.subject = many(attr(OIDCommonName, idUTF8, "x"), 9_000) }),
		"9 000 attributes in an RDN": with(func(p *parts) {
			p.subject = seq(tlv(idSet, bytes.Repeat(seq(oidTLV(OIDCommonName), str(idUTF8, "x")), 9_000)))
		}),
		"5 000 extensions":        with(func(p *parts) { p.exts = [][]byte{bytes.Repeat(ext("\x2a\x03", nil), 5_000)} }),
		"15 000 unknown purposes": with(func(p *parts) { p.exts = [][]byte{ext(OIDExtKeyUsage, many(oidTLV("\x2a\x03\x04"), 15_000))} }),
		"7 500 policies":          with(func(p *parts) { p.exts = [][]byte{ext(OIDPolicies, many(seq(oidTLV("\x2a\x03")), 7_500))} }),
		"name constraints": with(func(p *parts) {
			p.exts = [][]byte{ext(OIDNameConstraints, seq(tlv(0xa0, bytes.Repeat(seq(dnsName("a")), 7_500))))}
		}),
		"an OID of 200 kB":                 with(func(p *parts) { p.exts = [][]byte{ext("\x2a"+string(bytes.Repeat([]byte{0xff}, 200_000))+"\x7f", nil)} }),
		"an OID of 200 000 arcs":           with(func(p *parts) { p.exts = [][]byte{ext(string(bytes.Repeat([]byte{0x2a}, 200_000)), nil)} }),
		"a serial of 200 kB":               with(func(p *parts) { p.serial = tlv(2, bytes.Repeat([]byte{0x55}, 200_000)) }),
		"indefinite lengths nested":        bytes.Repeat([]byte{0x30, 0x80}, 120_000),
		"indefinite lengths, nested to 15": append(bytes.Repeat([]byte{0x30, 0x80}, 15), bytes.Repeat([]byte{5, 0}, 120_000)...),
		"a name of nested sequences":       with(func(p *parts) { p.subject = append([]byte{0x30, 0x80}, bytes.Repeat([]byte{0x30, 0x80}, 100_000)...) }),
		"a BMPString of 200 kB": with(func(p *parts) {
			p.subject = seq(attr(OIDCommonName, idBMP, string(bytes.Repeat([]byte{4, 0x30}, 100_000))))
		}),
		"a long A-label": with(func(p *parts) {
			p.exts = [][]byte{sanExt(dnsName("xn--" + string(bytes.Repeat([]byte("z9"), 100_000))))}
		}),
		"an IP-heavy list of 8 000 entries": with(func(p *parts) { p.exts = [][]byte{ext(OIDSubjectAltName, many(str(0x87, "\x01\x02\x03\x04"), 8_000))} }),
	}
}

func (p *parts) dsa(prime, order, generator, y []byte) {
	alg := seq(oidTLV("\x60\x86\x48\x01\x65\x03\x04\x03\x02"))
	p.issuer, p.inner, p.outer = p.subject, alg, alg
	p.spki = seq(seq(oidTLV(oidDSA), seq(prime, order, generator)), tlv(idBitString, []byte{0}, y))
	p.sig = tlv(idBitString, []byte{0}, seq([]byte{2, 1, 5}, []byte{2, 1, 7}))
}

func TestBombs(t *testing.T) {
	for name, der := range bombs() {
		t.Run(name, func(t *testing.T) {
			var l *Libraries
			took := cost(func() {
				c := Parse(der)
				l = c.Libraries()
				c.Disagreements(l)
				c.Subject.Check()
				c.CheckNames()
				_, _ = c.CheckSignature(&c.Key)
			})
			if took > cpuLimit() {
				t.Errorf("took %v, more than %v", took, cpuLimit())
			}
			if l.Stdlib.Panic != nil || l.ZCrypto.Panic != nil || l.CTGo.Panic != nil {
				t.Errorf("panics %v, %v, %v", l.Stdlib.Panic, l.ZCrypto.Panic, l.CTGo.Panic)
			}
			if testing.Verbose() {
				t.Logf("%v for %d bytes; %s %s %s %v", took, len(der), l.Stdlib.Status(), l.ZCrypto.Status(), l.CTGo.Status(), l.ZCrypto.Skipped)
			}
		})
	}
}

// The guard must not cost us opinions on certificates that are merely unusual.
func TestGuardLetsThrough(t *testing.T) {
	for name, spki := range map[string][]byte{
		"rsa 512":            rsaSPKI(integerTLV(oddNumber(512)), []byte{2, 1, 3}),
		"rsa 16384":          rsaSPKI(integerTLV(oddNumber(16384)), []byte{2, 3, 1, 0, 1}),
		"rsa even exponent":  rsaSPKI(integerTLV(oddNumber(1024)), []byte{2, 1, 4}),
		"unknown algorithm":  seq(seq(oidTLV("\x2a\x03")), tlv(idBitString, []byte{0, 1, 2})),
		"a point on nothing": seq(seq(oidTLV(oidEC), oidTLV("\x2b\x81\x04\x00\x0a")), tlv(idBitString, []byte{0, 4, 1, 2})),
	} {
		p := baseline()
		p.spki = spki
		if err := Parse(p.der()).Guard(); err != nil {
			t.Errorf("Guard of %s: %v", name, err)
		}
	}
}

func TestGuardRefuses(t *testing.T) {
	three := []byte{2, 1, 3}
	for name, spki := range map[string][]byte{
		"rsa 16385":         rsaSPKI(integerTLV(new(big.Int).Lsh(big.NewInt(1), 16384)), three),
		"exponent 33 bits":  rsaSPKI(integerTLV(oddNumber(1024)), []byte{2, 5, 1, 0, 0, 0, 1}),
		"exponent negative": rsaSPKI(integerTLV(oddNumber(1024)), []byte{2, 1, 0x83}),
		"modulus zero":      rsaSPKI([]byte{2, 1, 0}, three),
		"exponent missing":  seq(rsaAlg, tlv(idBitString, []byte{0}, seq(integerTLV(oddNumber(1024))))),
		"shifted key":       seq(rsaAlg, tlv(idBitString, []byte{1}, seq(integerTLV(oddNumber(1024)), three))),
		"odd OID":           seq(seq(oidTLV("\x2a\x80\x86\x48")), tlv(idBitString, []byte{0})),
		"no key":            seq(),
	} {
		p := baseline()
		p.spki = spki
		if err := Parse(p.der()).Guard(); err == nil {
			t.Errorf("Guard of %s: no error", name)
		}
	}
}

func TestGuardedRecovers(t *testing.T) {
	r := guarded(nil, func() Result[int] { panic("boom") })
	if r.Panic != "boom" || r.Err == nil || r.Accepted() || r.Status() != "error" {
		t.Errorf("guarded(panic) = %+v", r)
	}
}
