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
	// SHA256PSS is RSASSA-PSS as public CAs may write it, SHA256PSSSalt20 one with
	// the salt of another hash.
	SHA256PSS       Algorithm = "SHA256-RSAPSS"
	SHA256PSSSalt20 Algorithm = "SHA256-RSAPSS-SALT20"
	// SHA256RSABare has no NULL where the standard requires one, SHA256ECDSANull
	// one where it forbids it.
	SHA256RSABare   Algorithm = "SHA256-RSA-BARE"
	SHA256ECDSANull Algorithm = "SHA256-ECDSA-NULL"
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

	SHA256PSS:       {crypto.SHA256, pss + "a203020120"},
	SHA256PSSSalt20: {crypto.SHA256, pss + "a203020114"},
	SHA256RSABare:   {crypto.SHA256, "300b06092a864886f70d01010b"},
	SHA256ECDSANull: {crypto.SHA256, "300c06082a8648ce3d0403020500"},
}

// pss is RSASSA-PSS with SHA-256 up to the length of its salt (RFC 4055 section
// 3.1).
const pss = "304106092a864886f70d01010a3034" + "a00f300d06096086480165030402010500" +
	"a11c301a06092a864886f70d010108300d06096086480165030402010500"

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
