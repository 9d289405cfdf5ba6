package known

import (
	"bytes"
	"crypto/sha256"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/certassay/certassay/internal/cert"
)

// publicHash is the hash that badkeys identifies a key by: SHA-256 over the
// number that matters (N of RSA, x of a point, y of DSA), big-endian without
// leading zeros. Keys of the Edwards and Montgomery curves count as one number,
// those of other kinds are hashed as they are. It is false where the number
// cannot be found.
func publicHash(k *cert.Key) (hash [32]byte, ok bool) {
	number := k.Public
	switch {
	case k.Algorithm == cert.RSA:
		number = k.N
	case k.Algorithm == cert.ECDSA:
		number = pointX(k)
	case k.Algorithm == cert.DSA:
		number = integer(k.Public)
	case k.Algorithm == cert.OtherKey && !montgomery(k.OID):
		return sha256.Sum256(k.Public), len(k.Public) > 0
	}
	number = bytes.TrimLeft(number, "\x00")
	return sha256.Sum256(number), len(number) > 0
}

// pointX is the x coordinate in the octets of a point (SEC 1 section 2.3.3).
func pointX(k *cert.Key) []byte {
	switch k.Point {
	case cert.Uncompressed, cert.Hybrid:
		return k.Public[1 : 1+len(k.Public)/2]
	case cert.Compressed:
		return k.Public[1:]
	}
	return nil
}

func integer(der []byte) []byte {
	in, out := cryptobyte.String(der), cryptobyte.String(nil)
	if !in.ReadASN1(&out, asn1.INTEGER) {
		return nil
	}
	return out
}

// montgomery says whether the algorithm is X25519, X448 or Ed448 (RFC 8410
// section 3).
func montgomery(oid cert.OID) bool {
	switch oid.String() {
	case "1.3.101.110", "1.3.101.111", "1.3.101.113":
		return true
	}
	return false
}
