package forge

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/certassay/certassay/internal/cert"
)

// minPadding is the least padding of a block (RFC 8017 section 9.2).
const minPadding = 8

// maxExponent bounds the exponents for which a root in whole numbers is
// considered: for a larger one not even 2 has a power below any modulus.
const maxExponent = cert.MaxRSABits

func explainRSA(key *cert.Key, alg cert.Algorithm, signed, value []byte) (Result, error) {
	n, e := new(big.Int).SetBytes(key.N), new(big.Int).SetBytes(key.E)
	switch {
	case len(key.N) == 0 || key.N[0]&0x80 != 0 || len(key.E) == 0 || key.E[0]&0x80 != 0 || n.Sign() == 0 || e.Sign() == 0:
		return Result{}, errors.New("the modulus or exponent is not positive")
	case n.BitLen() > cert.MaxRSABits || e.BitLen() > cert.MaxExponentBits:
		return Result{}, fmt.Errorf("a key of %d bits with an exponent of %d bits", n.BitLen(), e.BitLen())
	}
	s := new(big.Int).SetBytes(value)
	if trivial(s, n) {
		return Result{Trick: Trivial, Detail: "a value that needs no key", NoPrivateKey: true}, nil
	}
	x := &rsaBlock{k: (n.BitLen() + 7) / 8, key: key, alg: alg, signed: signed, value: value}
	x.declared, _ = digesterByName(alg.Hash)
	x.em = power(s, e, n, x.k)
	r := x.explain()
	switch {
	case r.Trick == ForeignKey:
		r = x.longer(e, n)
	case r.Trick == Exact && s.Cmp(n) >= 0:
		r.Trick, r.Detail = NotReduced, "the modulus was added"
	case r.Trick == Exact && len(value) != x.k:
		r.Trick, r.Detail = WrongLength, fmt.Sprintf("%d octets for a modulus of %d", len(value), x.k)
	}
	r.NoPrivateKey = r.Trick != Exact && noWrap(s, e, n)
	return r, nil
}

func power(s, e, n *big.Int, k int) []byte {
	return new(big.Int).Exp(s, e, n).FillBytes(make([]byte, k))
}

// longer looks at a signature behind which octets were appended.
func (x *rsaBlock) longer(e, n *big.Int) Result {
	if len(x.value) > x.k {
		x.em = power(new(big.Int).SetBytes(x.value[:x.k]), e, n, x.k)
		if r := x.explain(); r.Trick == Exact {
			r.Trick, r.Detail = WrongLength, "octets were appended"
			return r
		}
	}
	return Result{Trick: ForeignKey}
}

// maxTrivial is the number of bits up to which a signature, or what it lacks to
// the modulus, is no accident.
const maxTrivial = 64

// trivial says that a value was made up: it is so near to a multiple of the
// modulus that nobody had to sign anything, or all its bits are set.
func trivial(s, n *big.Int) bool {
	if s.BitLen() > n.BitLen()+8 {
		return false
	}
	low := new(big.Int).Mod(s, n)
	high := new(big.Int).Sub(n, low)
	ones := new(big.Int).Add(s, big.NewInt(1))
	return low.BitLen() <= maxTrivial || high.BitLen() <= maxTrivial || ones.TrailingZeroBits() == uint(s.BitLen())
}

// noWrap says that s^e is below n. For a signature made with the private key the
// chance is n^(1/e-1), 2^-682 for a key of 1024 bits and exponent 3.
func noWrap(s, e, n *big.Int) bool {
	if e.BitLen() > 31 || e.Int64() > maxExponent || int64(s.BitLen()-1)*e.Int64() > int64(n.BitLen()) {
		return false
	}
	return new(big.Int).Exp(s, e, nil).Cmp(n) < 0
}

// An rsaBlock is a signature raised to the public exponent.
type rsaBlock struct {
	k             int    // octets of the modulus
	em            []byte // the encoded message, k octets
	key           *cert.Key
	alg           cert.Algorithm
	declared      digester
	signed, value []byte
}

// pss says that the certificate states RSASSA-PSS.
func (x *rsaBlock) pss() bool { return strings.HasSuffix(x.alg.Name, "PSS") }

func (x *rsaBlock) explain() Result {
	if d := x.declared; d.hash != 0 {
		digest := d.sum(x.signed)
		found := Result{Hash: d.name, Digest: digest}
		switch {
		case bytes.Equal(x.em, block(x.k, d.info(digest, true))):
			found.Trick = Exact
		case bytes.Equal(x.em, block(x.k, d.info(digest, false))):
			found.Trick = MissingNull
		}
		if found.Trick != "" {
			if x.pss() {
				found.Trick, found.Detail = WrongPrimitive, "PKCS #1 v1.5 under an RSA-PSS identifier"
			}
			return found
		}
	}
	if _, _, ok := x.split(); !ok {
		if r, ok := x.otherPrimitive(); ok {
			return r
		}
	}
	d, digest, ok := x.find()
	if !ok {
		return x.withoutDigest()
	}
	r := Result{Hash: d.name, Digest: digest}
	r.Trick, r.Detail = x.deviation(d, digest)
	return r
}

// find looks for the hash of the signed bytes under any algorithm.
func (x *rsaBlock) find() (digester, []byte, bool) {
	for _, d := range append([]digester{x.declared}, digesters[:]...) {
		if d.hash == 0 {
			continue
		}
		if digest := d.sum(x.signed); bytes.Contains(x.em, digest) {
			return d, digest, true
		}
	}
	return digester{}, nil, false
}

// split takes the block apart: padding octets and payload. It is false where
// the block does not begin as one, or the padding does not end well.
func (x *rsaBlock) split() (padding int, payload []byte, ok bool) {
	if x.k < 3 || x.em[0] != 0 || x.em[1] != 1 {
		return 0, nil, false
	}
	i := 2
	for i < x.k && x.em[i] == 0xff {
		i++
	}
	if i == x.k || x.em[i] != 0 {
		return 0, nil, false
	}
	return i - 2, x.em[i+1:], true
}

// deviation names what is wrong with a block that holds the digest.
func (x *rsaBlock) deviation(d digester, digest []byte) (Trick, string) {
	padding, t, ok := x.split()
	switch {
	case !ok && x.em[0] == 0 && x.em[1] != 1:
		return BlockType, fmt.Sprintf("block type %d", x.em[1])
	case !ok && x.em[0] != 0:
		return LeadingBytes, fmt.Sprintf("the block begins with %02x %02x", x.em[0], x.em[1])
	case !ok:
		return PaddingBytes, "octets other than ff in the padding"
	case bytes.Equal(t, digest):
		return RawDigest, "the hash without its algorithm"
	case bytes.Equal(t, d.info(digest, true)):
		return HashSubstitution, "signed over " + d.name
	case bytes.Equal(t, d.info(digest, false)):
		return HashSubstitution, "signed over " + d.name + ", without NULL"
	}
	trick, detail := d.deviation(t, digest)
	if padding < minPadding && (trick == MissingNull || trick == TrailingGarbage && padding == 0) {
		return ShortPadding, fmt.Sprintf("%d octets of padding", padding)
	}
	return trick, detail
}

// withoutDigest looks at a block that does not hold the hash of these bytes.
func (x *rsaBlock) withoutDigest() Result {
	_, t, ok := x.split()
	head := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, minPadding)...)
	switch {
	case !bytes.HasPrefix(x.em, head):
		return Result{Trick: ForeignKey}
	case !ok:
		return Result{Trick: UnknownPayload, Detail: "padding that does not end"}
	}
	for _, d := range digesters {
		size := d.hash.Size()
		for _, null := range []bool{true, false} {
			want := d.info(make([]byte, size), null)
			if head := len(want) - size; len(t) == len(want) && bytes.Equal(t[:head], want[:head]) {
				return Result{Trick: Transplant, Detail: "the key signed other bytes", Hash: d.name, Digest: t[head:]}
			}
		}
	}
	return Result{Trick: UnknownPayload}
}
