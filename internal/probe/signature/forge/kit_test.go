package forge

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"sync"
	"testing"

	"github.com/certassay/certassay/internal/cert"
)

// The key of every RSA test: 2048 bits, exponent 3, so that roots in whole
// numbers can be forged. It protects nothing.
var rsaPrimes = [2]string{
	"fa4cd7ad1f923ab9e0f3ca88e851cdcb246f0977c58076935ac11ed88f1b6e3d" +
		"aed1667bdab2a422eefc7a4e07b71af5f7ca0c5db4361c806f2108f601aee06d" +
		"94f48e2adbc2fec7ae28b702f8c3db86bbffe7b8a27a5656b3d6011ba5f1a901" +
		"d9204600ba1051c83203db046ca9dfa190cd663d707430d443632123e701c8d1",
	"fe6aa51f649429cfaca85bc2f83ac0adcb49843329e444e54b68b47a3c919397" +
		"9d1fcf4ac9a549fff50011c65f2c5e590c2ef01e513737aa9637a4a9709f47ea" +
		"b9fcffd9ca5fe1055cc95bf4f5dc99c4f2ddaa8f42b68a53b3948d5cc944aeb1" +
		"4694257861f27fa35bd9e4ddbd176a564e44abb0fcb856442e0f95edeb450cf7",
}

var testRSA = sync.OnceValue(func() *rsa.PrivateKey {
	var p [2]*big.Int
	for i, s := range rsaPrimes {
		p[i], _ = new(big.Int).SetString(s, 16)
	}
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(p[0], one), new(big.Int).Sub(p[1], one))
	key := &rsa.PrivateKey{Primes: p[:], D: new(big.Int).ModInverse(big.NewInt(3), phi)}
	key.N, key.E = new(big.Int).Mul(p[0], p[1]), 3
	return key
})

// parsed is a public key as it stands in a certificate.
func parsed(t testing.TB, pub any) *cert.Key {
	t.Helper()
	spki, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	key := cert.ParseKey(spki)
	return &key
}

// raise signs an encoded message as it stands.
func raise(em []byte) []byte {
	key := testRSA()
	return new(big.Int).Exp(new(big.Int).SetBytes(em), key.D, key.N).FillBytes(make([]byte, 256))
}

func algorithm(kind cert.KeyAlgorithm, hash string) cert.Algorithm {
	return cert.Algorithm{Key: kind, Hash: hash}
}

// cubeRoot is the least number whose cube is not below v.
func cubeRoot(v *big.Int) *big.Int {
	low, high := new(big.Int), new(big.Int).Lsh(big.NewInt(1), uint(v.BitLen()/3+1))
	for low.Cmp(high) < 0 {
		mid := new(big.Int).Add(low, high)
		mid.Rsh(mid, 1)
		if new(big.Int).Exp(mid, big.NewInt(3), nil).Cmp(v) < 0 {
			low.Add(mid, big.NewInt(1))
		} else {
			high.Set(mid)
		}
	}
	return low
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := asn1.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
