package cert

import (
	"crypto/x509"
	"slices"
	"testing"
)

// leaf is of the shape and size that public CAs issue.
func leaf() []byte {
	p := baseline()
	p.issuer = seq(attr(OIDCountry, idPrintable, "US"), attr(OIDOrganization, idPrintable, "Let's Encrypt"), attr(OIDCommonName, idPrintable, "R3"))
	p.inner, p.outer = sha256RSA, sha256RSA
	p.spki = rsaSPKI(integerTLV(oddNumber(2048)), []byte{2, 3, 1, 0, 1})
	p.serial = tlv(idInteger, []byte{3}, stream("serial", 17))
	p.exts = [][]byte{
		criticalExt(OIDKeyUsage, []byte{3, 2, 5, 0xa0}),
		ext(OIDExtKeyUsage, seq(oidTLV(OIDServerAuth), oidTLV(OIDClientAuth))),
		criticalExt(OIDBasicConstraints, seq()),
		ext(OIDSubjectKeyID, tlv(idOctetString, stream("ski", 20))),
		ext(OIDAuthorityKeyID, seq(tlv(0x80, stream("aki", 20)))),
		ext(OIDAuthorityInfo, seq(seq(oidTLV(oidOCSP), str(0x86, "http://r3.o.example.org")), seq(oidTLV(oidCAIssuers), str(0x86, "http://r3.i.example.org/")))),
		sanExt(dnsName("host.example.org"), dnsName("www.host.example.org")),
		ext(OIDPolicies, seq(seq(oidTLV("\x67\x81\x0c\x01\x02\x01")))),
		ext(OIDSCTList, tlv(idOctetString, []byte{0, 242}, sct("log a"), sct("log b"))),
	}
	p.sig = tlv(idBitString, []byte{0}, stream("signature", 256))
	return p.der()
}

// sct is a well-formed entry of an SCT list (RFC 6962 section 3.2).
func sct(log string) []byte {
	return slices.Concat([]byte{0, 119, 0}, stream(log, 32), []byte{0, 0, 1, 0x9b, 0, 0, 0, 0}, []byte{0, 0, 4, 3, 0, 72}, stream(log, 72))
}

func BenchmarkWalk(b *testing.B) {
	der := leaf()
	b.SetBytes(int64(len(der)))
	b.ReportAllocs()
	for b.Loop() {
		Parse(der)
	}
}

// BenchmarkStdlib is crypto/x509 alone: the yardstick for the others.
func BenchmarkStdlib(b *testing.B) {
	der := leaf()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := x509.ParseCertificate(der); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAllParsers is the walker, the three libraries and their comparison.
func BenchmarkAllParsers(b *testing.B) {
	der := leaf()
	if l := Parse(der).Libraries(); !l.Stdlib.Accepted() || !l.ZCrypto.Accepted() || !l.CTGo.Accepted() {
		b.Fatal(l.Stdlib.Err, l.ZCrypto.Err, l.CTGo.Err)
	}
	b.ReportAllocs()
	for b.Loop() {
		c := Parse(der)
		c.Disagreements(c.Libraries())
	}
}

func BenchmarkCheckSignatureRSA2048(b *testing.B) {
	c := Parse(leaf())
	for b.Loop() {
		if out, _ := c.CheckSignature(&c.Key); out != Mismatch {
			b.Fatal(out)
		}
	}
}

func TestWalkAllocations(t *testing.T) {
	der := leaf()
	if c := Parse(der); c.Err != nil || c.Quirks != 0 {
		t.Fatalf("the leaf of the benchmarks: error %v, quirks %v", c.Err, c.Quirks.Strings())
	}
	if n := testing.AllocsPerRun(100, func() { Parse(der) }); n > 4 {
		t.Errorf("Parse allocates %v times, want at most 4", n)
	}
}
