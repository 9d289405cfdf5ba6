package weak

import "math/big"

// wienerExponentBits is how long a public exponent has to be for the private one
// to be short: their product is more than phi(N), so that a private exponent
// below the fourth root of N needs a public one of three quarters of its size.
// Anything from here on is odd enough to be tried.
const wienerExponentBits = 32

// wiener tries the convergents of e/n as k/d (Wiener, "Cryptanalysis of short
// RSA secret exponents", 1990). It succeeds if d is below a third of the fourth
// root of n; the factors that follow from d are checked.
func wiener(n, e *big.Int) bool {
	if e.BitLen() <= wienerExponentBits {
		return false
	}
	a, b := new(big.Int).Set(e), new(big.Int).Set(n)
	k0, k1 := new(big.Int), big.NewInt(1)
	d0, d1 := big.NewInt(1), new(big.Int)
	for limit := n.BitLen()/4 + 1; b.Sign() != 0 && d1.BitLen() <= limit; {
		q, r := new(big.Int).QuoRem(a, b, new(big.Int))
		a, b = b, r
		k0, k1 = k1, k0.Add(k0, new(big.Int).Mul(q, k1))
		d0, d1 = d1, d0.Add(d0, q.Mul(q, d1))
		if k1.Sign() > 0 && factorsFrom(n, e, k1, d1) {
			return true
		}
	}
	return false
}

// factorsFrom says whether e*d = 1 + k*phi(n) for the phi of two factors of n.
func factorsFrom(n, e, k, d *big.Int) bool {
	phi, r := new(big.Int).Mul(e, d), new(big.Int)
	phi.Sub(phi, one).QuoRem(phi, k, r)
	if r.Sign() != 0 || phi.Sign() <= 0 {
		return false
	}
	// p and q are the roots of x^2 - (n - phi + 1) x + n.
	sum := new(big.Int).Sub(n, phi)
	sum.Add(sum, one)
	disc := new(big.Int).Mul(sum, sum)
	disc.Sub(disc, new(big.Int).Lsh(n, 2))
	if disc.Sign() < 0 {
		return false
	}
	p := new(big.Int).Sqrt(disc)
	p.Add(p, sum).Rsh(p, 1)
	if p.Cmp(one) <= 0 || p.Cmp(n) >= 0 {
		return false
	}
	return r.Rem(n, p).Sign() == 0
}
