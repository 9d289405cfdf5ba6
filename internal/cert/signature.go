package cert

import (
	"bytes"
	"crypto"
	"crypto/dsa" //nolint:staticcheck // old certificates are judged, not made
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"

	"filippo.io/bigmod"
)

// Limits on the keys that signatures are checked with. A certificate brings its
// own key: one of 65 536 bits with an exponent as long keeps a core busy for
// minutes.
const (
	// MaxRSABits is the largest RSA modulus.
	MaxRSABits = 16384
	// MaxExponentBits is the largest RSA exponent; the cost grows with it.
	MaxExponentBits = 64
	// MaxDSABits and MaxDSAOrder bound the numbers of a DSA key.
	MaxDSABits  = 4096
	MaxDSAOrder = 512
)

// An Outcome is the answer of a signature check. The zero value is
// [Unsupported]: nothing is known.
type Outcome int

// The outcomes.
const (
	// Unsupported says that the algorithm is unknown, the key unreadable or
	// beyond the limits: this proves nothing.
	Unsupported Outcome = iota
	// Mismatch says that the key did not make this signature.
	Mismatch
	// Verified says that it did.
	Verified
)

// String is "unsupported", "mismatch" or "verified".
func (o Outcome) String() string {
	return [...]string{"unsupported", "mismatch", "verified"}[o]
}

// CheckSignature says whether the key made the certificate's signature. It
// looks at nothing else: names, validity and usages do not matter, and MD5,
// SHA-1 and short keys count. Where the two algorithm identifiers differ either
// may verify. The error says what was unsupported or did not match; it is nil
// for Verified. The cost is bounded by the limits on keys; the worst key takes
// about 15 ms.
func (c *Certificate) CheckSignature(key *Key) (Outcome, error) {
	if c.TBS == nil || c.SignatureErr != nil {
		return Unsupported, fmt.Errorf("checking signature: %w", cause(c.SignatureErr, c.Err))
	}
	if c.SignatureUnused != 0 {
		return Mismatch, errors.New("checking signature: it has unused bits")
	}
	alg := c.SignatureAlgorithm()
	out, err := Check(key, alg, c.TBS, c.Signature)
	if out == Verified || bytes.Equal(c.SigAlgInner, c.SigAlgOuter) {
		return out, err
	}
	outer, outerErr := Check(key, parseAlgorithm(c.SigAlgOuter), c.TBS, c.Signature)
	if outer > out {
		return outer, outerErr
	}
	return out, err
}

func cause(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return errEmpty
}

// Check says whether the key made this signature over these octets.
func Check(key *Key, alg Algorithm, signed, signature []byte) (Outcome, error) {
	out, err := check(key, alg, signed, signature)
	if out == Mismatch && err == nil {
		err = errMismatch
	}
	if err != nil {
		err = fmt.Errorf("checking signature: %w", err)
	}
	return out, err
}

var errMismatch = errors.New("the key did not make it")

func check(key *Key, alg Algorithm, signed, signature []byte) (Outcome, error) {
	switch {
	case alg.Err != nil:
		return Unsupported, alg.Err
	case key.Err != nil:
		return Unsupported, key.Err
	case alg.Key == "" || alg.Key != Ed25519 && alg.hash == 0:
		return Unsupported, fmt.Errorf("unknown algorithm %s", alg.Name)
	case alg.Key != key.Algorithm && key.Algorithm == OtherKey:
		return Unsupported, fmt.Errorf("unknown key type %s", key.OID)
	case alg.Key != key.Algorithm:
		// A key of one kind makes no signature of another.
		return Mismatch, nil
	case key.Unused != 0:
		return Unsupported, errors.New("the key has unused bits")
	}
	var digest []byte
	if alg.hash != 0 {
		h := alg.hash.New()
		h.Write(signed)
		digest = h.Sum(nil)
	}
	switch key.Algorithm {
	case RSA:
		return key.checkRSA(alg, digest, signature)
	case ECDSA:
		return key.checkECDSA(digest, signature)
	case DSA:
		return key.checkDSA(digest, signature)
	default:
		return outcome(ed25519.Verify(key.Public, signed, signature)), nil
	}
}

func outcome(ok bool) Outcome {
	if ok {
		return Verified
	}
	return Mismatch
}

// maxPreparedBits is the largest modulus that is prepared, which costs the square
// of its size.
const maxPreparedBits = 4096

// Prepare makes the signatures of an RSA key a third cheaper to check, for 10
// microseconds: crypto/rsa derives again for each signature what only depends on
// the modulus. Those of an uncompressed P-256 key cost half once points holds a table
// of it; nil makes none. The answers stay the same. Other keys are left as they are,
// as are moduli that crypto/rsa refuses. It must not run beside a check, and N, E and
// Public must not change after it.
func (k *Key) Prepare(points *Points) {
	k.points = points
	if k.Err == nil && k.Algorithm == RSA && k.positive(k.N) && k.positive(k.E) && k.ordinaryRSA() && k.Bits <= maxPreparedBits {
		k.prepared, _ = bigmod.NewModulus(k.N) // nil where it refuses the number
	}
}

// ordinaryRSA says that crypto/rsa takes a key of positive numbers: it refuses odd
// ones, which old roots have.
func (k *Key) ordinaryRSA() bool {
	return k.Bits >= 1024 && bitLen(k.E) <= 31 && k.Exponent()&1 == 1 && k.Exponent() > 1 && k.ModulusOdd()
}

func (k *Key) checkRSA(alg Algorithm, digest, signature []byte) (Outcome, error) {
	switch {
	case !k.positive(k.N) || !k.positive(k.E):
		return Unsupported, errors.New("the modulus or exponent is not positive")
	case k.Bits > MaxRSABits || bitLen(k.E) > MaxExponentBits:
		return Unsupported, fmt.Errorf("the key (%d bits, exponent of %d bits) is beyond %d and %d bits",
			k.Bits, bitLen(k.E), MaxRSABits, MaxExponentBits)
	}
	if k.prepared != nil && !alg.pss {
		return outcome(verifyPKCS1((k.Bits+7)/8, alg.hash, digest, signature, k.raisePrepared)), nil
	}
	n := new(big.Int).SetBytes(k.N)
	library := k.ordinaryRSA() // twice as fast as math/big
	pub := &rsa.PublicKey{N: n, E: int(k.Exponent() & (1<<31 - 1))}
	if alg.pss {
		if !library {
			return Unsupported, errors.New("RSA-PSS with a short or odd key")
		}
		opts := &rsa.PSSOptions{SaltLength: alg.salt, Hash: alg.hash}
		if alg.salt == 0 {
			// 0 means "any length" to the library.
			opts.SaltLength = rsa.PSSSaltLengthAuto
		}
		return outcome(rsa.VerifyPSS(pub, alg.hash, digest, signature, opts) == nil), nil
	}
	if library {
		return outcome(rsa.VerifyPKCS1v15(pub, alg.hash, digest, signature) == nil), nil
	}
	raise := func(signature []byte) []byte {
		s := new(big.Int).SetBytes(signature)
		if s.Cmp(n) >= 0 {
			return nil
		}
		return s.Exp(s, new(big.Int).SetBytes(k.E), n).FillBytes(make([]byte, len(signature)))
	}
	return outcome(verifyPKCS1((k.Bits+7)/8, alg.hash, digest, signature, raise)), nil
}

// raisePrepared is RSAVP1 (RFC 8017 section 5.2.2); nil for a number that is not
// below the modulus.
func (k *Key) raisePrepared(signature []byte) []byte {
	x, err := bigmod.NewNat().SetBytes(signature, k.prepared)
	if err != nil {
		return nil
	}
	return bigmod.NewNat().ExpShortVarTime(x, uint(k.Exponent()), k.prepared).Bytes(k.prepared)
}

func (k *Key) positive(b []byte) bool { return len(b) > 0 && b[0]&0x80 == 0 && bitLen(b) > 0 }

// digestInfo are the DER headers of RFC 8017 section 9.2, note 1.
func digestInfo(h crypto.Hash) string {
	switch h {
	case crypto.MD5:
		return "\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05\x05\x00\x04\x10"
	case crypto.SHA1:
		return "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14"
	case crypto.SHA224:
		return "\x30\x2d\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x04\x05\x00\x04\x1c"
	case crypto.SHA256:
		return "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
	case crypto.SHA384:
		return "\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30"
	case crypto.SHA512:
		return "\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"
	}
	return ""
}

// verifyPKCS1 is RSASSA-PKCS1-v1_5-VERIFY (RFC 8017 section 8.2.2) for a modulus of
// size octets. raise is the operation with the public key, and gives nil where the
// signature is not below the modulus. The expected encoding is built and compared
// whole: parsing the decrypted one is how Bleichenbacher's forgery of 2006 passed.
func verifyPKCS1(size int, h crypto.Hash, digest, signature []byte, raise func(signature []byte) []byte) bool {
	info := digestInfo(h)
	pad := size - 3 - len(info) - len(digest)
	if len(signature) != size || pad < 8 || info == "" {
		return false
	}
	want := make([]byte, size)
	want[1] = 1
	for i := range want[2 : 2+pad] {
		want[2+i] = 0xff
	}
	copy(want[3+pad:], info)
	copy(want[3+pad+len(info):], digest)
	return bytes.Equal(raise(signature), want)
}

func (k *Key) checkECDSA(digest, signature []byte) (Outcome, error) {
	if k.Curve == "P-256" && k.Point == Uncompressed && len(digest) == sha256.Size {
		if t := k.points.table(k.Public); t != nil {
			return outcome(t.verify([sha256.Size]byte(digest), signature)), nil
		}
	}
	var curve elliptic.Curve
	switch k.Curve {
	case "P-224":
		curve = elliptic.P224()
	case "P-256":
		curve = elliptic.P256()
	case "P-384":
		curve = elliptic.P384()
	case "P-521":
		curve = elliptic.P521()
	default:
		return Unsupported, fmt.Errorf("unknown curve %s", k.Curve)
	}
	var pub *ecdsa.PublicKey
	switch k.Point {
	case Uncompressed:
		var err error
		if pub, err = ecdsa.ParseUncompressedPublicKey(curve, k.Public); err != nil {
			return Unsupported, fmt.Errorf("reading point: %w", err)
		}
	case Compressed:
		x, y := elliptic.UnmarshalCompressed(curve, k.Public)
		if x == nil {
			return Unsupported, errors.New("reading point: not on the curve")
		}
		var err error
		if pub, err = ecdsa.ParseUncompressedPublicKey(curve, elliptic.Marshal(curve, x, y)); err != nil { //nolint:staticcheck // nothing else expands a compressed point
			return Unsupported, fmt.Errorf("reading point: %w", err)
		}
	default:
		return Unsupported, fmt.Errorf("a point in %s form", k.Point)
	}
	return outcome(ecdsa.VerifyASN1(pub, digest, signature)), nil
}

func (k *Key) checkDSA(digest, signature []byte) (Outcome, error) {
	if err := k.boundedDSA(); err != nil {
		return Unsupported, err
	}
	num := func(b []byte) *big.Int { return new(big.Int).SetBytes(b) }
	pub := &dsa.PublicKey{Y: num(k.dsaY), Parameters: dsa.Parameters{P: num(k.dsaP), Q: num(k.dsaQ), G: num(k.dsaG)}}
	var parts []*big.Int
	err := each(signature, idSequence, func(e Element) error {
		if e.ID != idInteger || !k.positive(e.Body) || len(parts) == 2 {
			return errTag
		}
		parts = append(parts, num(e.Body))
		return nil
	})
	if err != nil || len(parts) != 2 {
		return Mismatch, errors.New("the signature is no pair of positive integers")
	}
	// FIPS 186-3 section 4.6: the leftmost bits of the hash.
	if n := len(k.dsaQ); len(digest) > bitLen(k.dsaQ)/8 && n > 0 {
		digest = digest[:bitLen(k.dsaQ)/8]
	}
	return outcome(dsa.Verify(pub, digest, parts[0], parts[1])), nil
}

func (k *Key) boundedDSA() error {
	for _, b := range [...][]byte{k.dsaP, k.dsaQ, k.dsaG, k.dsaY} {
		if !k.positive(b) || bitLen(b) > MaxDSABits {
			return fmt.Errorf("a DSA key with numbers that are not positive or beyond %d bits", MaxDSABits)
		}
	}
	if bitLen(k.dsaQ) > MaxDSAOrder || bitLen(k.dsaQ) < 8 {
		return fmt.Errorf("a DSA key with an order of %d bits", bitLen(k.dsaQ))
	}
	return nil
}
