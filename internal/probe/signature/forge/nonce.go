package forge

import (
	"crypto/sha256"
	"math/big"

	"github.com/certassay/certassay/internal/cert"
)

// maxNonces bounds the signatures that an index remembers, about 300 octets
// each. A server can send as many certificates as it likes.
const maxNonces = 1 << 18

// A NonceIndex finds signatures of one key that share their number r. The zero
// value is ready; it is not safe for concurrent use. It keeps the first
// signatures that it is given, up to 2^18.
type NonceIndex struct {
	seen map[[32]byte]nonce
}

type nonce struct {
	certificate [32]byte
	z, s        *big.Int
}

// A Reuse is two signatures of one key with the same r.
type Reuse struct {
	// First and Second are the SHA-256 hashes of the certificates.
	First, Second [32]byte
	// Recovered says that the issuer's private key follows from the two
	// signatures, and was checked against its public key.
	Recovered bool
	// Malleated says that both are over the same bytes and s is negated in one:
	// a third party made it from the other to change the fingerprint.
	Malleated bool
}

// Add remembers a certificate's ECDSA or DSA signature, which must verify under
// the issuer's key, and says whether an earlier one has the same r. Signatures
// of other kinds are ignored, as is the same one given again.
func (x *NonceIndex) Add(child, issuer *cert.Certificate) (Reuse, bool) {
	alg := child.SignatureAlgorithm()
	d, ok := digesterByName(alg.Hash)
	if !ok || alg.Key != cert.ECDSA && alg.Key != cert.DSA || alg.Key != issuer.Key.Algorithm {
		return Reuse{}, false
	}
	p, ok := ParsePair(child.Signature)
	if !ok || p.Zero() {
		return Reuse{}, false
	}
	g, err := groupOf(&issuer.Key)
	if err != nil {
		return Reuse{}, false
	}
	now := nonce{child.SHA256(), number(d.sum(child.TBS), g.order()), p.S}
	id := nonceID(issuer.SPKI, p.R)
	before, met := x.seen[id]
	if !met {
		if x.seen == nil {
			x.seen = map[[32]byte]nonce{}
		}
		if len(x.seen) < maxNonces {
			x.seen[id] = now
		}
		return Reuse{}, false
	}
	return compare(before, now, p.R, g)
}

func nonceID(spki []byte, r *big.Int) [32]byte {
	key := sha256.Sum256(spki)
	return sha256.Sum256(append(key[:], r.Bytes()...))
}

func compare(a, b nonce, r *big.Int, g group) (Reuse, bool) {
	out := Reuse{First: a.certificate, Second: b.certificate}
	if a.z.Cmp(b.z) == 0 {
		out.Malleated = a.s.Cmp(b.s) != 0
		return out, out.Malleated
	}
	out.Recovered = recovers(a, b, r, g)
	return out, out.Recovered
}

// recovers computes the private key from two signatures with one nonce k:
// s = (z + rd)/k for both, so that k = (z1-z2)/(s1-s2), where either s may have
// been negated. It says whether that is the key.
func recovers(a, b nonce, r *big.Int, g group) bool {
	n := g.order()
	inverse := new(big.Int).ModInverse(r, n)
	if inverse == nil {
		return false
	}
	z := new(big.Int).Sub(a.z, b.z)
	for _, s2 := range [...]*big.Int{b.s, new(big.Int).Neg(b.s)} {
		k := new(big.Int).Sub(a.s, s2)
		if k.ModInverse(k.Mod(k, n), n) == nil {
			continue
		}
		k.Mul(k, z)
		d := k.Mul(k, a.s)
		d.Sub(d, a.z).Mul(d, inverse).Mod(d, n)
		if g.private(d) {
			return true
		}
	}
	return false
}
