package weak

import (
	"encoding/binary"
	"math/big"
	"math/bits"
)

// MaxModulusBits is the largest RSA modulus that is looked at. Certificates
// carry up to 16384 bits; work grows with the square or cube of the size, and a
// certificate of 60 kB could otherwise hold a core for minutes.
const MaxModulusBits = 16384

// maxCostlyBits bounds the checks of cubic cost for the same reason: Wiener's
// attack and primality on 8192 bits take a tenth of a second each.
const maxCostlyBits = 4096

// RSA gives everything that is wrong with an RSA key. n and e are the content
// octets of the two integers, as a certificate has them. It is false where the
// modulus is too large to be looked at.
func RSA(n, e []byte) (results []Result, ok bool) {
	if len(n) > MaxModulusBits/8+1 {
		return nil, false
	}
	k := newModulus(n)
	results = append(results, exponent(n, e, k)...)
	if k.n.Cmp(one) <= 0 || negative(n) {
		return append(results, Result{Name: ModulusNotPositive}), true
	}
	for _, check := range [...]func(*modulus) (Result, bool){
		smallFactor, closePrimes, power, roca, biased, patterned,
	} {
		if r, found := check(k); found {
			results = append(results, r)
		}
	}
	return append(results, k.costly(e)...), true
}

// A modulus is an RSA modulus in the two forms that the checks need.
type modulus struct {
	n *big.Int
	// words is n in big-endian 64-bit words, whatever the machine's words are.
	words []uint64
	// root is the integer part of the square root, nil until it was asked for.
	root *big.Int
	// square says that root is exact.
	square bool
}

var one = big.NewInt(1)

func newModulus(n []byte) *modulus {
	x := new(big.Int).SetBytes(n)
	return &modulus{n: x, words: wordsOf(x)}
}

// wordsOf gives a number in big-endian 64-bit words, without zeros in front.
func wordsOf(n *big.Int) []uint64 {
	buf := n.FillBytes(make([]byte, (n.BitLen()+63)/64*8))
	out := make([]uint64, len(buf)/8)
	for i := range out {
		out[i] = binary.BigEndian.Uint64(buf[8*i:])
	}
	return out
}

// isqrt is the integer part of the square root of a positive number. Each turn of
// Newton's method starts from half of the digits and gives twice as many, so that
// only the last divides long numbers; that is how CPython's math.isqrt works, where
// the proof stands that the result is at most one too large. math/big starts from a
// power of two with all digits, and takes five times as long.
func isqrt(n *big.Int) *big.Int {
	c := (n.BitLen() - 1) / 2
	word, a, q := uint64(1), new(big.Int), new(big.Int)
	for s, d := bits.Len(uint(c))-1, 0; s >= 0; s-- {
		e := d
		d = c >> s
		q.Rsh(n, uint(2*c-e-d+1))
		if d < 32 {
			word = word<<(d-e-1) + q.Uint64()/word
			continue
		}
		if e < 32 {
			a.SetUint64(word)
		}
		q.Quo(q, a)
		a.Lsh(a, uint(d-e-1)).Add(a, q)
	}
	if c < 32 {
		a.SetUint64(word)
	}
	if q.Mul(a, a).Cmp(n) > 0 {
		a.Sub(a, one)
	}
	return a
}

// sqrt is the integer part of the square root, and whether it is exact.
func (k *modulus) sqrt() (root *big.Int, exact bool) {
	if k.root == nil {
		k.root = isqrt(k.n)
		k.square = new(big.Int).Mul(k.root, k.root).Cmp(k.n) == 0
	}
	return k.root, k.square
}

func negative(content []byte) bool { return len(content) > 0 && content[0]&0x80 != 0 }

// exponent looks at the public exponent (RFC 8017 section 3.1: odd, at least 3,
// below the modulus).
func exponent(n, e []byte, k *modulus) (out []Result) {
	x := new(big.Int).SetBytes(e)
	switch {
	case negative(e) || x.Sign() == 0:
		return []Result{{Name: ExponentNotPositive}}
	case x.Cmp(one) == 0:
		return []Result{{Name: ExponentOne, Recovered: true}}
	case x.Bit(0) == 0:
		out = append(out, Result{Name: ExponentEven})
	}
	if !negative(n) && x.Cmp(k.n) >= 0 {
		out = append(out, Result{Name: ExponentTooLarge})
	}
	return out
}

// ordinary says that the key has a size and an exponent that common software
// chooses by itself. Any other key is worth a closer look.
func ordinary(k *modulus, e []byte) bool {
	x := new(big.Int).SetBytes(e)
	usual := x.IsUint64() && (x.Uint64() == 65537 || x.Uint64() == 3)
	return usual && k.n.BitLen()%128 == 0
}

// costly runs what a cheap property has to ask for first.
func (k *modulus) costly(e []byte) (out []Result) {
	if k.n.BitLen() > maxCostlyBits || ordinary(k, e) {
		return nil
	}
	if wiener(k.n, new(big.Int).SetBytes(e)) {
		out = append(out, Result{Name: SmallPrivateExponent, Recovered: true})
	}
	if k.n.ProbablyPrime(0) {
		out = append(out, Result{Name: ModulusPrime, Recovered: true})
	}
	return out
}
