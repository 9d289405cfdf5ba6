package lab

import (
	"bytes"
	"crypto/ecdsa"
	encoding "encoding/asn1"
	"math/big"
	"time"
)

// ecdsa are chains whose ECDSA signatures are no honest ones: values that a
// careless verifier accepts, others that were changed after they were made, and
// those that give the private key away.
func (l *Lab) ecdsa() []Case {
	order := l.Intermediate.Key.Public().(*ecdsa.PublicKey).Params().N
	valued := func(name, want, tell string, value func(tbs []byte) []byte) Case {
		return l.forged(name, want, []string{tell}, l.LeafTemplate().SignWith(SHA256ECDSA, value), l.Intermediate.DER)
	}
	constant := func(name, tell string, r, s *big.Int) Case {
		return valued(name, "forged", tell, func([]byte) []byte { return pair(r, s) })
	}
	changed := func(name, tell string, change func(r, s *big.Int) []byte) Case {
		return valued(name, "suspicious", tell, func(tbs []byte) []byte {
			r, s := unpair(SHA256ECDSA.sign(l.Intermediate.Key, tbs))
			return change(r, s)
		})
	}
	zero, one := big.NewInt(0), big.NewInt(1)
	return append([]Case{
		constant("ecdsa-psychic", "r and s are zero (CVE-2022-21449)", zero, zero).firing("signature-psychic", "signature-ecdsa-range"),
		constant("ecdsa-s-zero", "s is zero", one, zero).firing("signature-psychic", "signature-ecdsa-range"),
		constant("ecdsa-out-of-range", "r and s are the order of the group", order, order).firing("signature-ecdsa-range"),
		changed("ecdsa-not-a-pair", "two numbers without their structure", func(r, s *big.Int) []byte {
			return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}).firing("signature-not-a-pair"),
		changed("ecdsa-not-der", "a length in the long form", func(r, s *big.Int) []byte {
			der := pair(r, s)
			return append([]byte{0x30, 0x81}, der[1:]...)
		}).firing("signature-not-der", "signature-reencoded"),
		changed("ecdsa-negative", "s without its leading zero", func(r, s *big.Int) []byte {
			// Of s and its negative, which is as valid, one has the first bit set.
			if s.BitLen() < 256 {
				s.Sub(order, s)
			}
			der := bytes.Replace(pair(r, s), []byte{2, 33, 0, s.Bytes()[0]}, []byte{2, 32, s.Bytes()[0]}, 1)
			der[1]--
			return der
		}).firing("signature-not-der", "signature-reencoded"),
		changed("ecdsa-order-added", "the order was added to s", func(r, s *big.Int) []byte {
			return pair(r, s.Add(s, order))
		}).firing("signature-malleated"),
		l.malleated(order),
	}, l.careless()...)
}

func pair(r, s *big.Int) []byte {
	der, err := encoding.Marshal(struct{ R, S *big.Int }{r, s})
	if err != nil {
		panic("lab: writing two integers: " + err.Error())
	}
	return der
}

func unpair(der []byte) (r, s *big.Int) {
	var v struct{ R, S *big.Int }
	if _, err := encoding.Unmarshal(der, &v); err != nil {
		panic("lab: reading two integers: " + err.Error())
	}
	return v.R, v.S
}

// malleated is the honest leaf with s negated: another fingerprint, and as valid.
// It stands before the one that it was made from.
func (l *Lab) malleated(order *big.Int) Case {
	t := l.LeafTemplate()
	t.Set(SCTList(t, l.Intermediate, t.NotBefore.Add(time.Minute)))
	twin := t.SignWith(SHA256ECDSA, func(tbs []byte) []byte {
		r, s := unpair(SHA256ECDSA.sign(l.Intermediate.Key, tbs))
		return pair(r, s.Sub(order, s))
	})
	return l.forged("ecdsa-malleated", "suspicious", []string{"the same certificate with s negated"}, twin, l.Leaf, l.Intermediate.DER).
		firing("signature-malleated", "signature-content-reused")
}

// nonce is the number that careless signers of the laboratory use every time.
const nonce = "0badc0de"

// careless are signers that used one nonce twice, so that their private keys
// follow: a root, in its own certificate and the intermediate's, and the
// intermediate, in two leaves of one run.
func (l *Lab) careless() []Case {
	root := rootTemplate(l.Root.Name, l.Root.Key, l.At).SignWith(SHA384ECDSA, noncing(l.Root.Key, nonce))
	intermediate := l.intermediateTemplate(l.Intermediate.Name, l.Intermediate.Key).SignWith(SHA384ECDSA, noncing(l.Root.Key, nonce))
	chain := l.forged("ecdsa-nonce-reuse", "suspicious", []string{"two signatures of the root have the same r", "its private key follows"},
		l.Leaf, intermediate, root)
	chain.Roots = [][]byte{root}
	leaf := func(host string) []byte {
		other := New(Config{Host: host, At: l.At})
		t := other.LeafTemplate()
		t.Set(SCTList(t, l.Intermediate, t.NotBefore.Add(time.Minute)))
		return t.SignWith(SHA256ECDSA, noncing(l.Intermediate.Key, nonce))
	}
	run := l.forged("ecdsa-nonce-shared", "", []string{"two leaves of one run whose signatures have the same r"}, leaf(l.Host), l.Intermediate.DER)
	return []Case{chain.firing("signature-nonce-reuse").twin("honest-root-served"), run.beside(leaf("www.bank.example"), l.Intermediate.DER).firing("signature-nonce-shared")}
}

// noncing signs with ECDSA, with this number, in hexadecimal, in place of a
// random one (FIPS 186-5 section 6.4.1).
func noncing(k *Key, nonce string) func(tbs []byte) []byte {
	private := k.Signer.(*ecdsa.PrivateKey)
	number := new(big.Int).SetBytes(unhex(nonce))
	r, _ := private.Curve.ScalarBaseMult(number.Bytes())
	return func(tbs []byte) []byte {
		return signNoncing(private.D, number, r, private.Params().N, fitting(k).digest(tbs))
	}
}

// signNoncing is s = (z + rd)/k for a digest no longer than the order.
func signNoncing(d, nonce, r, order *big.Int, digest []byte) []byte {
	s := new(big.Int).Mul(r, d)
	s.Add(s, new(big.Int).SetBytes(digest)).Mul(s, new(big.Int).ModInverse(nonce, order)).Mod(s, order)
	return pair(r, s)
}
