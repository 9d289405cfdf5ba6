package forge

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"encoding/binary"
	"math/big"
)

// minZeros is how many zero octets in a row tell a masked block that was
// unmasked right from chance.
const minZeros = 8

// otherPrimitive recognises PSS and OAEP blocks.
func (x *rsaBlock) otherPrimitive() (Result, bool) {
	pss := x.em[x.k-1] == 0xbc
	for _, d := range digesters {
		// The longest salts leave no zeros to see.
		if pss && x.verifiesPSS(d) {
			return x.explainPSS(d), true
		}
	}
	for _, d := range digesters {
		if pss && x.pssShape(d) {
			return Result{Trick: Transplant, Detail: "the key signed other bytes", Hash: d.name}, true
		}
		if x.em[0] == 0 && x.oaepShape(d) {
			return Result{Trick: WrongPrimitive, Detail: "an RSA-OAEP encryption", Hash: d.name}, true
		}
	}
	return Result{}, false
}

// explainPSS explains what is an RSA-PSS signature over these bytes.
func (x *rsaBlock) explainPSS(d digester) Result {
	r := Result{Trick: Exact, Hash: d.name, Digest: d.sum(x.signed)}
	switch {
	case !x.pss():
		r.Trick, r.Detail = WrongPrimitive, "RSA-PSS under a PKCS #1 v1.5 identifier"
	case d.name != x.declared.name:
		r.Trick, r.Detail = HashSubstitution, "signed over "+d.name
	}
	// What refused it otherwise is the length of the salt.
	return r
}

func (x *rsaBlock) verifiesPSS(d digester) bool {
	if x.key.Exponent() < 2 || x.key.Exponent() >= 1<<31 || x.key.Exponent()&1 == 0 || !x.key.ModulusOdd() || x.key.Bits < 1024 {
		return false // crypto/rsa refuses the key
	}
	pub := &rsa.PublicKey{N: new(big.Int).SetBytes(x.key.N), E: int(x.key.Exponent())}
	opts := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto, Hash: d.hash}
	return rsa.VerifyPSS(pub, d.hash, d.sum(x.signed), x.value, opts) == nil
}

// pssShape says that the block is that of EMSA-PSS with this hash, over whatever
// message (RFC 8017 section 9.1.2): unmasked, it begins with zeros and a 1.
func (x *rsaBlock) pssShape(d digester) bool {
	size := d.hash.Size()
	em, bits := x.em, x.key.Bits
	if bits%8 == 1 {
		em = em[1:] // the encoded message is one bit shorter than the modulus
	}
	if len(em) < size+2+minZeros {
		return false
	}
	db := bytes.Clone(em[:len(em)-size-1])
	mask(db, em[len(em)-size-1:len(em)-1], d.hash)
	db[0] &= 0xff >> (8*len(em) - (bits - 1))
	rest := bytes.TrimLeft(db, "\x00")
	return len(db)-len(rest) >= minZeros && len(rest) > 0 && rest[0] == 1
}

// oaepShape says that the block is that of EME-OAEP with this hash and an empty
// label (RFC 8017 section 7.1.2).
func (x *rsaBlock) oaepShape(d digester) bool {
	size := d.hash.Size()
	if x.k < 2*size+2 {
		return false
	}
	seed, db := bytes.Clone(x.em[1:1+size]), bytes.Clone(x.em[1+size:])
	mask(seed, db, d.hash)
	mask(db, seed, d.hash)
	return bytes.Equal(db[:size], d.sum(nil))
}

// mask is MGF1 (RFC 8017 appendix B.2.1), added to out.
func mask(out, seed []byte, h crypto.Hash) {
	for counter := uint32(0); len(out) > 0; counter++ {
		f := h.New()
		f.Write(seed)
		f.Write(binary.BigEndian.AppendUint32(nil, counter))
		for _, c := range f.Sum(nil) {
			if len(out) == 0 {
				return
			}
			out[0] ^= c
			out = out[1:]
		}
	}
}
