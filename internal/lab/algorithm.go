package lab

import (
	"crypto"
	"encoding/hex"
	"fmt"

	_ "crypto/md5"    // for forgeries
	_ "crypto/sha1"   // for forgeries
	_ "crypto/sha256" // for everything
	_ "crypto/sha512" // for SHA-384
)

// An Algorithm signs certificates. The zero value fits the signing key: SHA-384
// for P-384, SHA-256 for all others.
type Algorithm string

// The algorithms.
const (
	MD5RSA      Algorithm = "MD5-RSA"
	SHA1RSA     Algorithm = "SHA1-RSA"
	SHA256RSA   Algorithm = "SHA256-RSA"
	SHA384RSA   Algorithm = "SHA384-RSA"
	SHA1ECDSA   Algorithm = "SHA1-ECDSA"
	SHA256ECDSA Algorithm = "SHA256-ECDSA"
	SHA384ECDSA Algorithm = "SHA384-ECDSA"
)

// algorithms gives for each its hash and its AlgorithmIdentifier in DER
// (RFC 3279, RFC 4055, RFC 5758; parameters NULL for RSA, absent for ECDSA).
var algorithms = map[Algorithm]struct {
	hash crypto.Hash
	id   string
}{
	MD5RSA:      {crypto.MD5, "300d06092a864886f70d0101040500"},
	SHA1RSA:     {crypto.SHA1, "300d06092a864886f70d0101050500"},
	SHA256RSA:   {crypto.SHA256, "300d06092a864886f70d01010b0500"},
	SHA384RSA:   {crypto.SHA384, "300d06092a864886f70d01010c0500"},
	SHA1ECDSA:   {crypto.SHA1, "300906072a8648ce3d0401"},
	SHA256ECDSA: {crypto.SHA256, "300a06082a8648ce3d040302"},
	SHA384ECDSA: {crypto.SHA384, "300a06082a8648ce3d040303"},
}

// ID is the AlgorithmIdentifier in DER. It panics at an unknown algorithm.
func (a Algorithm) ID() []byte {
	id, err := hex.DecodeString(algorithms[a].id)
	if err != nil || len(id) == 0 {
		panic(fmt.Sprintf("lab: signature algorithm %q is not known", a))
	}
	return id
}

// sign signs the hash of message. Without randomness ECDSA falls back to
// RFC 6979, so the signature is always the same.
func (a Algorithm) sign(k *Key, message []byte) []byte {
	signature, err := k.Sign(nil, a.digest(message), algorithms[a].hash)
	if err != nil {
		panic(fmt.Sprintf("lab: signing with %s: %v", a, err))
	}
	return signature
}

func (a Algorithm) digest(message []byte) []byte {
	h := algorithms[a].hash.New()
	h.Write(message)
	return h.Sum(nil)
}
