package forge

import (
	"fmt"

	"github.com/certassay/certassay/internal/cert"
)

// maxValue bounds the octets of a signature that are looked at: four times the
// largest RSA modulus. Arithmetic on a signature of megabytes takes seconds.
const maxValue = 4 * cert.MaxRSABits / 8

// Explain says what is wrong with the signature value over the signed bytes,
// seen with the public key of whoever is said to have made it. It is meant for
// signatures that do not verify; for one that does the trick is [Exact]. The
// error says why nothing can be said: a key that is unreadable, or beyond the
// limits of package cert. The cost is about 0.1 ms.
func Explain(key *cert.Key, alg cert.Algorithm, signed, value []byte) (Result, error) {
	switch {
	case key.Err != nil:
		return Result{}, fmt.Errorf("explaining signature: %w", key.Err)
	case len(value) > maxValue:
		return Result{}, fmt.Errorf("explaining signature: %d octets, more than %d", len(value), maxValue)
	}
	var r Result
	var err error
	switch key.Algorithm {
	case cert.RSA:
		r, err = explainRSA(key, alg, signed, value)
	case cert.ECDSA, cert.DSA:
		r, err = explainPair(key, alg, signed, value)
	default:
		err = fmt.Errorf("a key of kind %q", key.Algorithm)
	}
	if err != nil {
		return Result{}, fmt.Errorf("explaining signature: %w", err)
	}
	return r, nil
}
