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
	"slices"

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
		point, err := key.Bytes()
		if err != nil {
			return verbatim, spki
		}
		// SEC 1 section 2.3.3: x, and whether y is odd.
		short = slices.Concat([]byte{2 | point[len(point)-1]&1}, point[1:1+len(point)/2])
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
	n := (curve.Params().BitSize + 7) / 8
	key, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x.FillBytes(make([]byte, n)), y.FillBytes(make([]byte, n))))
	if err != nil {
		return nil, fmt.Errorf("reading a point: %w", err)
	}
	return x509.MarshalPKIXPublicKey(key)
}

// keyID is the identifier of a key by method 1 of RFC 5280 section 4.2.1.2.
func keyID(k *cert.Key) []byte {
	sum := sha1.Sum(k.Public) //nolint:gosec // an identifier, not relied on
	return sum[:]
}
