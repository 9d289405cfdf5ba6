package lab

import (
	"crypto/elliptic"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
)

// keys are leaves of the honest CA with keys that somebody else can use, or that
// nobody can. Their twin has another key, as it must.
func (l *Lab) keys() []Case {
	bearing := func(name, want, tell string, k *Key, rules ...string) Case {
		return l.odd(name, want, tell, func(t *Template) {
			t.Key = k
			t.Set(SKI(k.ID))
		}).firing(rules...)
	}
	g := elliptic.P256().Params()
	point := func(x, y *big.Int) *Key {
		return p256Public((&curve{CurveParams: *g}).point(x, y))
	}
	other := bearing("", "", "", weakRSA("shared-two"))
	damaged := public(func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oid(idRSA)) }, []byte("no key"))
	return append([]Case{
		bearing("key-shared-prime", "", "shares a prime with another leaf's key", weakRSA("shared-one"), "key-shared-prime").beside(other.Chain...),
		bearing("key-unreadable", "", "octets that are no RSA key", damaged, "key-unreadable"),
		bearing("key-rsa-short", "suspicious", "1024 bits under an unknown root", WeakKey(), "key-rsa-short-era").anonymous(),
		l.odd("key-ski-mismatch", "suspicious", "SKI is not of this key, under an unknown root", func(t *Template) { t.Set(SKI(ForgedKey().ID)) }).
			firing("key-ski-mismatch").anonymous(),
		bearing("key-p256-generator", "suspicious", "the point is the generator: the private key is 1", point(g.Gx, g.Gy), "key-trivial-scalar"),
		bearing("key-p256-off-curve", "suspicious", "the point is not on its curve", point(g.Gx, new(big.Int).Add(g.Gy, big.NewInt(1))), "key-off-curve"),
		bearing("key-ed25519-small-order", "suspicious", "a point of order 8", ed25519Public(unhex(
			"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")), "key-small-order"),
		bearing("key-ed25519-neutral", "suspicious", "the neutral element", ed25519Public(append([]byte{1}, make([]byte, 31)...)), "key-small-order"),
		bearing("key-ed25519-not-canonical", "", "the prime of the field and one, in place of one", ed25519Public(unhex(
			"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")), "key-non-canonical"),
		bearing("key-published-rfc6979", "suspicious", "the P-256 key of RFC 6979 appendix A.2.5", p256Public(unhex(
			"0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299")), "key-published"),
		bearing("key-published-rfc8032", "suspicious", "the Ed25519 key of RFC 8032 section 7.1, test 1", ed25519Public(unhex(
			"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")), "key-published"),
		bearing("key-modulus-even", "suspicious", "an even modulus", rsaPublic(new(big.Int).Lsh(big.NewInt(0xca5e), 2032), big.NewInt(65537)), "key-modulus-even"),
	}, l.numbers(bearing)...)
}

// numbers are RSA keys that fall apart.
func (l *Lab) numbers(bearing func(name, want, tell string, k *Key, rules ...string) Case) []Case {
	rsa := func(name, want, tell, rule string) Case {
		return bearing("key-"+name, want, tell, weakRSA(name), rule)
	}
	return []Case{
		rsa("exponent-one", "suspicious", "the public exponent is 1", "key-exponent-one"),
		rsa("exponent-even", "", "the public exponent is even", "key-exponent"),
		rsa("close-primes", "suspicious", "neighbouring primes (CVE-2022-26320)", "key-fermat"),
		rsa("small-factor", "suspicious", "10007 divides the modulus", "key-small-factor"),
		rsa("square", "suspicious", "the modulus is a square", "key-not-rsa"),
		rsa("small-private-exponent", "suspicious", "a private exponent of 480 bits", "key-small-private-exponent"),
		rsa("infineon", "suspicious", "primes of the form that Infineon's library made (CVE-2017-15361)", "key-roca"),
		rsa("patterned", "", "ca5e repeats in the modulus", "key-low-entropy"),
	}
}
