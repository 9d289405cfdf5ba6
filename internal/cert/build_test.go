//go:debug x509negativeserial=1

package cert

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"slices"
	"testing"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// tlv encodes one value in DER.
func tlv(id byte, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	n := len(body)
	switch {
	case n < 0x80:
		return append([]byte{id, byte(n)}, body...)
	case n < 0x100:
		return append([]byte{id, 0x81, byte(n)}, body...)
	case n < 0x10000:
		return append([]byte{id, 0x82, byte(n >> 8), byte(n)}, body...)
	}
	return append([]byte{id, 0x83, byte(n >> 16), byte(n >> 8), byte(n)}, body...)
}

func seq(parts ...[]byte) []byte { return tlv(idSequence, parts...) }

func oidTLV(content string) []byte { return tlv(idOID, []byte(content)) }

func str(id byte, s string) []byte { return tlv(id, []byte(s)) }

// attr is an RDN with one attribute.
func attr(oid string, id byte, value string) []byte {
	return tlv(idSet, seq(oidTLV(oid), str(id, value)))
}

func cn(s string) []byte { return seq(attr(OIDCommonName, idUTF8, s)) }

func ext(oid string, value []byte) []byte {
	return seq(oidTLV(oid), tlv(idOctetString, value))
}

func criticalExt(oid string, value []byte) []byte {
	return seq(oidTLV(oid), []byte{1, 1, 0xff}, tlv(idOctetString, value))
}

func sanExt(names ...[]byte) []byte { return ext(OIDSubjectAltName, seq(names...)) }

func dnsName(s string) []byte { return str(0x82, s) }

// parts are the pieces of a certificate, each a whole TLV, to be replaced by
// odd ones. exts nil means that there is no extensions field.
type parts struct {
	version, serial, inner, issuer, validity, subject, spki []byte
	exts                                                    [][]byte
	outer, sig                                              []byte
}

var (
	utc2026   = str(idUTCTime, "260101000000Z")
	utc2027   = str(idUTCTime, "270101000000Z")
	rsaAlg    = seq(oidTLV(oidRSA), []byte{5, 0})
	sha256RSA = seq(oidTLV("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"), []byte{5, 0})
	edAlg     = seq(oidTLV(oidEd25519))
	edKey     = ed25519.NewKeyFromSeed([]byte("certassay test key, not a secret"))
)

func baseline() parts {
	return parts{
		version: []byte{0xa0, 3, 2, 1, 2}, serial: []byte{2, 2, 0x12, 0x34}, inner: edAlg,
		issuer: cn("Test CA"), validity: seq(utc2026, utc2027), subject: cn("host.example"),
		spki: seq(edAlg, tlv(idBitString, []byte{0}, edKey.Public().(ed25519.PublicKey))),
		exts: [][]byte{sanExt(dnsName("host.example"))}, outer: edAlg,
	}
}

// der puts the pieces together, signed by edKey unless there is a signature.
func (p parts) der() []byte {
	fields := [][]byte{p.version, p.serial, p.inner, p.issuer, p.validity, p.subject, p.spki}
	if p.exts != nil {
		fields = append(fields, tlv(idContext3, seq(p.exts...)))
	}
	tbs := seq(fields...)
	if p.sig == nil {
		p.sig = tlv(idBitString, []byte{0}, ed25519.Sign(edKey, tbs))
	}
	return seq(tbs, p.outer, p.sig)
}

func integerTLV(n *big.Int) []byte {
	b := n.Bytes()
	if len(b) == 0 || b[0]&0x80 != 0 {
		b = append([]byte{0}, b...)
	}
	return tlv(idInteger, b)
}

func rsaSPKI(n, e []byte) []byte {
	return seq(rsaAlg, tlv(idBitString, []byte{0}, seq(n, e)))
}

// oddNumber is a deterministic odd number with the top bit set.
func oddNumber(bits int) *big.Int {
	n := new(big.Int).SetBytes(stream("odd number", bits/8))
	return n.SetBit(n.SetBit(n, bits-1, 1), 0, 1)
}

// stream is a deterministic stream of octets.
func stream(label string, n int) []byte {
	var out []byte
	for i := uint32(0); len(out) < n; i++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint32([]byte(label), i))
		out = append(out, sum[:]...)
	}
	return out[:n]
}

// roots are Mozilla's root certificates.
func roots(tb testing.TB) [][]byte {
	tb.Helper()
	var out [][]byte
	for r := range bundle.Roots() {
		out = append(out, r.Certificate)
	}
	if len(out) < 100 {
		tb.Fatalf("got %d roots, want at least 100", len(out))
	}
	return out
}
