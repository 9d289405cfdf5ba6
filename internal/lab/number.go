package lab

import (
	_ "embed" // the factors
	"fmt"
	"math/big"
	"strings"
	"sync"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// moduliFile holds RSA keys by their factors: crypto/rsa would refuse to read
// most of them.
//
//go:embed testdata/moduli.txt
var moduliFile string

// An rsaNumbers is an RSA key that crypto/rsa need not accept.
type rsaNumbers struct{ p, q, e *big.Int }

// moduli reads the embedded keys, by name.
var moduli = sync.OnceValue(func() map[string]rsaNumbers {
	out := map[string]rsaNumbers{}
	for line := range strings.Lines(moduliFile) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		var numbers [3]*big.Int
		for i := range numbers {
			numbers[i] = new(big.Int).SetBytes(unhex(even(fields[1+i])))
		}
		out[fields[0]] = rsaNumbers{numbers[0], numbers[1], numbers[2]}
	}
	return out
})

func even(digits string) string {
	if len(digits)%2 == 1 {
		return "0" + digits
	}
	return digits
}

// weakRSA is the public half of an embedded key. Nothing can be signed with it.
func weakRSA(name string) *Key {
	k, ok := moduli()[name]
	if !ok {
		panic(fmt.Sprintf("lab: there is no modulus %q", name))
	}
	return rsaPublic(new(big.Int).Mul(k.p, k.q), k.e)
}

// idRSA is rsaEncryption (RFC 3279 section 2.3.1).
const idRSA = "1.2.840.113549.1.1.1"

// rsaPublic writes any two numbers as an RSA key (RFC 3279 section 2.3.1).
func rsaPublic(n, e *big.Int) *Key {
	return public(func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid(idRSA))
		b.AddASN1NULL()
	}, sequence(func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(n)
		b.AddASN1BigInt(e)
	}))
}

// p256Public writes octets as a point on P-256 (RFC 5480 section 2.2).
func p256Public(point []byte) *Key {
	return public(func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid(idECPublicKey))
		b.AddASN1ObjectIdentifier(oid("1.2.840.10045.3.1.7"))
	}, point)
}

// ed25519Public writes octets as an Ed25519 key (RFC 8410 section 4).
func ed25519Public(octets []byte) *Key {
	return public(func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oid("1.3.101.112")) }, octets)
}

func public(algorithm cryptobyte.BuilderContinuation, bits []byte) *Key {
	spki := sequence(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, algorithm)
		b.AddASN1BitString(bits)
	})
	return &Key{SPKI: spki, ID: keyID(spki)}
}
