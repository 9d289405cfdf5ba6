package weak

import (
	"math/big"
	"slices"
)

// Curve25519's prime 2^255 - 19 and the d of edwards25519 (RFC 8032 section 5.1).
var (
	edPrime = new(big.Int).Sub(new(big.Int).Lsh(one, 255), big.NewInt(19))
	edD     = fromHex("52036CEE2B6FFE738CC740797779E89800700A4D4141D8AB75EB4DCA135978A3")
)

// Ed25519 gives everything that is wrong with an Ed25519 key. It is false for
// anything but 32 octets.
//
// Under a point of small order one signature is valid for many messages, and
// crypto/ed25519 accepts such keys.
func Ed25519(public []byte) (results []Result, ok bool) {
	if len(public) != 32 {
		return nil, false
	}
	little := slices.Clone(public)
	slices.Reverse(little)
	sign := little[0] >> 7
	little[0] &= 0x7f
	y := new(big.Int).SetBytes(little)
	if y.Cmp(edPrime) >= 0 {
		results = append(results, Result{Name: NonCanonical})
		y.Sub(y, edPrime)
	}
	y2 := new(big.Int).Mul(y, y)
	y2.Mod(y2, edPrime)
	// x^2 = (y^2 - 1) / (d y^2 + 1), and a quotient is a square if the product is.
	num := new(big.Int).Sub(y2, one)
	den := new(big.Int).Mul(edD, y2)
	den.Add(den, one).Mul(den, num).Mod(den, edPrime)
	if big.Jacobi(den, edPrime) < 0 {
		return append(results, Result{Name: OffCurve}), true
	}
	if num.Sign() == 0 && sign == 1 && len(results) == 0 {
		// x is zero and has no negative.
		results = append(results, Result{Name: NonCanonical})
	}
	if smallOrder(y, y2) {
		results = append(results, Result{SmallOrder, true})
	}
	return results, true
}

// smallOrder says whether a point with this y has order 1, 2, 4 or 8. Those of
// order 8 double to y = 0, which with the curve's equation is dy^4 + 2y^2 = 1.
func smallOrder(y, y2 *big.Int) bool {
	if y.Sign() == 0 || y2.Cmp(one) == 0 {
		return true
	}
	x := new(big.Int).Mul(edD, y2)
	x.Add(x, big.NewInt(2)).Mul(x, y2).Sub(x, one)
	return x.Mod(x, edPrime).Sign() == 0
}
