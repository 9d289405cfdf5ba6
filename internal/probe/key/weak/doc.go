// Package weak finds what is wrong with a public key by looking at it alone:
// keys whose private half follows from the public one, and values that no key
// generator makes.
//
// Everything here is a pure function of the key's octets. A result is a fact
// about numbers and never a guess: where a name claims that a modulus falls
// apart, the factors were multiplied again; where it claims a scalar, the point
// was computed. The factors and scalars themselves are not returned: they are
// somebody's private key.
//
// # Design
//
// Costs matter, because every certificate of a scan passes here. What is cheap
// always runs (about 0.1 ms for RSA-2048); Wiener's attack, primality and exact
// roots run only where a cheap property of the key makes them possible. A prime
// modulus of an ordinary size under an ordinary exponent is therefore not found:
// the test would cost thirty times all others together, and such a key breaks
// nobody's security but its maker's, who has no private key for it that others
// lack.
package weak

// A Name says what is wrong. The values are those of the fact
// cert.key.weaknesses and never change their meaning.
type Name string

// What can be wrong with a key.
const (
	// ExponentOne: every message is its own signature.
	ExponentOne Name = "exponent-one"
	// ExponentEven: no private exponent exists, for phi(N) is even.
	ExponentEven Name = "exponent-even"
	// ExponentNotPositive: zero or negative.
	ExponentNotPositive Name = "exponent-not-positive"
	// ExponentTooLarge: not below the modulus, which RFC 8017 section 3.1
	// forbids.
	ExponentTooLarge Name = "exponent-too-large"
	// ModulusNotPositive: zero, one or negative.
	ModulusNotPositive Name = "modulus-not-positive"
	// ModulusPrime: phi(N) is N-1.
	ModulusPrime Name = "modulus-prime"
	// ModulusPower: the modulus is a power of a smaller number.
	ModulusPower Name = "modulus-power"
	// SmallFactor: a prime up to 65537 divides the modulus.
	SmallFactor Name = "small-factor"
	// ClosePrimes: Fermat's method factors it at once (CVE-2022-26320).
	ClosePrimes Name = "close-primes"
	// ROCA: made by Infineon's library (CVE-2017-15361).
	ROCA Name = "roca"
	// SmallPrivateExponent: Wiener's attack recovers the private exponent.
	SmallPrivateExponent Name = "small-private-exponent"
	// BiasedModulus: far more, or far fewer, one bits than chance gives.
	BiasedModulus Name = "biased-modulus"
	// PatternedModulus: a short group of octets repeats.
	PatternedModulus Name = "patterned-modulus"
	// OffCurve: the point does not satisfy the curve's equation.
	OffCurve Name = "off-curve"
	// PointInfinity: the point is the neutral element.
	PointInfinity Name = "infinity"
	// PointLength: the octets are not as many as the curve's points have.
	PointLength Name = "point-length"
	// TrivialScalar: the point is a small multiple of the generator.
	TrivialScalar Name = "trivial-scalar"
	// SmallOrder: an Ed25519 point under which anyone can sign.
	SmallOrder Name = "small-order"
	// NonCanonical: an Ed25519 key written as RFC 8032 section 5.1.3 forbids.
	NonCanonical Name = "non-canonical"
)

// A Result is one thing that is wrong with a key.
type Result struct {
	Name Name
	// Recovered says that anyone can sign as the owner of this key, and that
	// this was verified by computing what is needed. It is false where an attack
	// is known but was not carried out.
	Recovered bool
}
