package cert

import (
	"errors"
	"fmt"

	"filippo.io/bigmod"
)

// A KeyAlgorithm is the kind of a public key. The zero value is a key that
// could not be read.
type KeyAlgorithm string

// The kinds of keys that are told apart.
const (
	RSA      KeyAlgorithm = "rsa"
	ECDSA    KeyAlgorithm = "ecdsa" // any elliptic curve under id-ecPublicKey
	Ed25519  KeyAlgorithm = "ed25519"
	DSA      KeyAlgorithm = "dsa"
	OtherKey KeyAlgorithm = "other"
)

// A Point is the form of an elliptic curve point (SEC 1 section 2.3.3).
type Point string

// The forms of points. The zero value is that of keys without one.
const (
	Uncompressed Point = "uncompressed"
	Compressed   Point = "compressed"
	Hybrid       Point = "hybrid"
	Infinity     Point = "infinity"
	BadPoint     Point = "malformed"
)

// A Key is what a SubjectPublicKeyInfo says.
type Key struct {
	Algorithm KeyAlgorithm
	// OID is the algorithm's identifier; Params its parameters with header,
	// nil where absent.
	OID    OID
	Params []byte
	// Bits is the size of the RSA modulus, the curve, or the DSA prime; 0
	// where unknown.
	Bits int
	// Curve is P-256 and the like, the dotted identifier of a curve that has
	// no name here, or "explicit" (RFC 5480 section 2.1.1 forbids it, and
	// CVE-2020-0601 shows why). Empty for other keys.
	Curve string
	Point Point
	// N and E are the content octets of the RSA modulus and exponent.
	N, E []byte
	// Public is the contents of the BIT STRING, Unused its unused bits.
	Public []byte
	Unused int
	// Err says why the key could not be read; fields found before are kept.
	Err error

	dsaP, dsaQ, dsaG, dsaY []byte

	// prepared is N as [Key.Prepare] left it, points what it was given.
	prepared *bigmod.Modulus
	points   *Points
}

// Exponent is the RSA public exponent, -1 where it is negative or above 2^62,
// 0 for other keys.
func (k *Key) Exponent() int64 {
	if len(k.E) > 0 && k.E[0]&0x80 != 0 || bitLen(k.E) > 62 {
		return -1
	}
	var v int64
	for _, c := range k.E {
		v = v<<8 | int64(c)
	}
	return v
}

// ModulusOdd says that the RSA modulus is odd and positive; true for other keys.
func (k *Key) ModulusOdd() bool {
	if k.Algorithm != RSA {
		return true
	}
	return len(k.N) > 0 && k.N[0]&0x80 == 0 && k.N[len(k.N)-1]&1 == 1
}

// ParseKey reads a SubjectPublicKeyInfo with its header. It never fails: the
// error is in the result.
func ParseKey(spki []byte) Key {
	var q Quirks
	e, rest, err := expect(spki, idSequence, &q)
	if err == nil && len(rest) > 0 {
		err = errors.New("bytes follow the key")
	}
	if err != nil {
		return Key{Err: fmt.Errorf("reading public key: %w", err)}
	}
	return parseKey(e.Body, &q)
}

func parseKey(b []byte, q *Quirks) (k Key) {
	if err := k.parse(b, q); err != nil {
		k.Err = fmt.Errorf("reading public key: %w", err)
	}
	return k
}

// Identifiers of public key algorithms, as content octets.
const (
	oidRSA       = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
	oidRSAPSSKey = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"
	oidEC        = "\x2a\x86\x48\xce\x3d\x02\x01"
	oidDSA       = "\x2a\x86\x48\xce\x38\x04\x01"
	oidEd25519   = "\x2b\x65\x70"
)

func (k *Key) parse(b []byte, q *Quirks) error {
	alg, rest, err := expect(b, idSequence, q)
	if err != nil {
		return err
	}
	id, params, err := expect(alg.Body, idOID, q)
	if err != nil {
		return err
	}
	k.Algorithm, k.OID = OtherKey, OID(id.Body)
	if len(params) > 0 {
		k.Params = params
	}
	public, tail, err := expect(rest, idBitString, q)
	if err != nil {
		return err
	}
	if len(tail) > 0 {
		*q |= TrailingInValue
	}
	if k.Public, k.Unused, err = bitString(public.Body); err != nil {
		return err
	}
	switch string(id.Body) {
	case oidRSA, oidRSAPSSKey:
		k.Algorithm = RSA
		return k.rsa(q)
	case oidEC:
		k.Algorithm = ECDSA
		return k.curve(q)
	case oidDSA:
		k.Algorithm = DSA
		return k.dsa(q)
	case oidEd25519:
		k.Algorithm, k.Bits = Ed25519, 256
		if len(k.Public) != 32 {
			return fmt.Errorf("an Ed25519 key of %d octets", len(k.Public))
		}
	}
	return nil
}

// rsa reads RSAPublicKey (RFC 8017 appendix A.1.1).
func (k *Key) rsa(q *Quirks) error {
	seq, rest, err := expect(k.Public, idSequence, q)
	if err != nil {
		return err
	}
	n, b, err := expect(seq.Body, idInteger, q)
	if err != nil {
		return err
	}
	k.N, k.Bits = n.Body, bitLen(n.Body)
	e, b, err := expect(b, idInteger, q)
	if err != nil {
		return err
	}
	k.E = e.Body
	if len(rest) > 0 || len(b) > 0 {
		*q |= TrailingInValue
	}
	if !minimalInteger(k.N) || !minimalInteger(k.E) {
		*q |= NonMinimalInteger
	}
	return nil
}

var curves = map[string]struct {
	name string
	bits int
}{
	"\x2a\x86\x48\xce\x3d\x03\x01\x01":     {"P-192", 192},
	"\x2b\x81\x04\x00\x21":                 {"P-224", 224},
	"\x2a\x86\x48\xce\x3d\x03\x01\x07":     {"P-256", 256},
	"\x2b\x81\x04\x00\x22":                 {"P-384", 384},
	"\x2b\x81\x04\x00\x23":                 {"P-521", 521},
	"\x2b\x81\x04\x00\x0a":                 {"secp256k1", 256},
	"\x2b\x24\x03\x03\x02\x08\x01\x01\x07": {"brainpoolP256r1", 256},
	"\x2b\x24\x03\x03\x02\x08\x01\x01\x0b": {"brainpoolP384r1", 384},
	"\x2b\x24\x03\x03\x02\x08\x01\x01\x0d": {"brainpoolP512r1", 512},
	"\x2a\x81\x1c\xcf\x55\x01\x82\x2d":     {"SM2", 256},
}

// curve reads the parameters and the form of the point (RFC 5480 section 2).
func (k *Key) curve(q *Quirks) error {
	k.Point = pointForm(k.Public)
	e, _, err := next(k.Params, q)
	switch {
	case err != nil:
		return fmt.Errorf("curve parameters: %w", err)
	case e.ID == idOID:
		if c, ok := curves[string(e.Body)]; ok {
			k.Curve, k.Bits = c.name, c.bits
			break
		}
		k.Curve = OID(e.Body).String()
	case e.ID == idSequence:
		k.Curve = "explicit"
	case e.ID == idNull:
		k.Curve = "implicit"
	default:
		return fmt.Errorf("curve parameters: %w", errTag)
	}
	if k.Point == BadPoint {
		return errors.New("a point of no known form")
	}
	return nil
}

func pointForm(b []byte) Point {
	if len(b) == 0 {
		return BadPoint
	}
	switch {
	case b[0] == 0 && len(b) == 1:
		return Infinity
	case b[0] == 4 && len(b)%2 == 1:
		return Uncompressed
	case b[0] == 2 || b[0] == 3:
		return Compressed
	case b[0] == 6 || b[0] == 7:
		return Hybrid
	}
	return BadPoint
}

// dsa reads the parameters and key of RFC 3279 section 2.3.2. Parameters may
// be inherited from the issuer; such a key has none.
func (k *Key) dsa(q *Quirks) error {
	y, _, err := expect(k.Public, idInteger, q)
	if err != nil {
		return err
	}
	k.dsaY = y.Body
	seq, _, err := expect(k.Params, idSequence, q)
	if err != nil {
		return fmt.Errorf("DSA parameters: %w", err)
	}
	b := seq.Body
	for _, p := range [...]*[]byte{&k.dsaP, &k.dsaQ, &k.dsaG} {
		var e Element
		if e, b, err = expect(b, idInteger, q); err != nil {
			return fmt.Errorf("DSA parameters: %w", err)
		}
		*p = e.Body
	}
	k.Bits = bitLen(k.dsaP)
	return nil
}
