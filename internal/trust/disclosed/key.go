package disclosed

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // RFC 5280 section 4.2.1.2 defines key identifiers with it
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"

	"github.com/certassay/certassay/internal/cert"
)

// A form is how a key is written down.
type form byte

const (
	verbatim form = iota // the SubjectPublicKeyInfo itself
	rsaF4                // the modulus of an RSA key whose exponent is 65537
	p256                 // a compressed point
	p384
)

const exponentF4 = 65537

// pack writes a SubjectPublicKeyInfo in the shortest form that gives it back octet
// by octet.
func pack(spki []byte) (form, []byte) {
	f, short := verbatim, spki
	switch key, _ := x509.ParsePKIXPublicKey(spki); key := key.(type) {
	case *rsa.PublicKey:
		if key.E == exponentF4 {
			f, short = rsaF4, key.N.Bytes()
		}
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			f = p256
		case elliptic.P384():
			f = p384
		default:
			return verbatim, spki
		}
		short = elliptic.MarshalCompressed(key.Curve, key.X, key.Y)
	}
	if again, err := unpack(f, short); err != nil || !bytes.Equal(again, spki) {
		return verbatim, spki
	}
	return f, short
}

// unpack gives the SubjectPublicKeyInfo. Decompressing a point costs up to 0.1 ms.
func unpack(f form, b []byte) ([]byte, error) {
	switch f {
	case verbatim:
		return b, nil
	case rsaF4:
		return x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: new(big.Int).SetBytes(b), E: exponentF4})
	case p256:
		return unpackPoint(elliptic.P256(), b)
	case p384:
		return unpackPoint(elliptic.P384(), b)
	}
	return nil, fmt.Errorf("a key in the unknown form %d", f)
}

func unpackPoint(curve elliptic.Curve, b []byte) ([]byte, error) {
	x, y := elliptic.UnmarshalCompressed(curve, b)
	if x == nil {
		return nil, errors.New("a point that is not on its curve")
	}
	return x509.MarshalPKIXPublicKey(&ecdsa.PublicKey{Curve: curve, X: x, Y: y})
}

// keyID is the identifier of a key by method 1 of RFC 5280 section 4.2.1.2.
func keyID(k *cert.Key) []byte {
	sum := sha1.Sum(k.Public) //nolint:gosec // an identifier, not relied on
	return sum[:]
}
