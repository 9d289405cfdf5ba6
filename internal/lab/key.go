package lab

import (
	"crypto"
	"crypto/sha1"
	"crypto/x509"
	"embed"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"sync"
)

// The private keys of the laboratory, PKCS #8. They are public and guard nothing.
//
//go:embed testdata/*.pem
var keyFiles embed.FS

// A Key is a private key with what certificates say about its public half.
type Key struct {
	crypto.Signer
	// SPKI is the SubjectPublicKeyInfo in DER.
	SPKI []byte
	// ID is the usual key identifier: SHA-1 over the public key bits
	// (RFC 5280 section 4.2.1.2, method 1).
	ID []byte
}

// The keys, by what they do in the hierarchies.
var (
	RootKey         = key("root-p384")
	RootRSAKey      = key("root-rsa")
	IssuingKey      = key("intermediate-p256")
	IssuingRSAKey   = key("intermediate-rsa")
	LeafKey         = key("leaf-p256")
	LeafRSAKey      = key("leaf-rsa")
	ForgedKey       = key("forged-p256")
	ForgedRSAKey    = key("forged-rsa")
	ImpostorRootKey = key("impostor-root-p384")
	ImpostorKey     = key("impostor-p256")
	InterceptorKey  = key("interceptor-rsa")
	WeakKey         = key("weak-rsa1024")
	log1Key         = key("log1-p256")
	log2Key         = key("log2-p256")
	log3Key         = key("log3-p256")
	log4Key         = key("log4-p256")
	log5Key         = key("log5-p256")
	issuingE3Key    = key("intermediate-rsa-e3")
)

// key reads one embedded key when it is first asked for. It panics where the
// file is not a key: that is our own mistake.
func key(name string) func() *Key {
	return sync.OnceValue(func() *Key {
		k, err := readKey(name)
		if err != nil {
			panic(fmt.Sprintf("lab: key %s: %v", name, err))
		}
		return k
	})
}

func readKey(name string) (*Key, error) {
	text, err := keyFiles.ReadFile("testdata/" + name + ".pem")
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("no PEM block")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	signer := parsed.(crypto.Signer)
	spki, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return nil, err
	}
	return &Key{Signer: signer, SPKI: spki, ID: keyID(spki)}, nil
}

func keyID(spki []byte) []byte {
	var info struct {
		Algorithm asn1.RawValue
		Bits      asn1.BitString
	}
	if _, err := asn1.Unmarshal(spki, &info); err != nil {
		panic(fmt.Sprintf("lab: reading a public key: %v", err))
	}
	id := sha1.Sum(info.Bits.RightAlign())
	return id[:]
}
