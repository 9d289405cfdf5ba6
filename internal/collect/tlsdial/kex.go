package tlsdial

import (
	"crypto"
	"crypto/dsa" //nolint:staticcheck // servers with such keys are what an audit looks for
	"crypto/ecdsa"
	"crypto/ed25519"
	_ "crypto/md5" // for crypto.MD5SHA1 and RSA with MD5
	"crypto/rsa"
	_ "crypto/sha1"   // for the hashes of old signatures
	_ "crypto/sha256" // likewise
	_ "crypto/sha512" // likewise
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"

	"github.com/certassay/certassay/internal/cert"
)

// A keyExchange is a signed ServerKeyExchange message (RFC 5246 section 7.4.3,
// RFC 8422 section 5.4).
type keyExchange struct {
	params    []byte // the signed part of the message
	group     uint16 // named group of ECDHE, 0 for DHE
	primeBits int    // of the DHE prime, 0 for ECDHE
	scheme    uint16 // SignatureScheme, 0 before TLS 1.2
	signature []byte
}

// A kexKind is how the cipher suite agrees on keys.
type kexKind int

const (
	kexOther kexKind = iota // static RSA, or a suite that was never offered
	kexECDHE
	kexDHE
)

// parseKeyExchange reads a ServerKeyExchange. Everything must be there and
// nothing may follow: a signature over a misread message proves nothing.
func parseKeyExchange(kind kexKind, version uint16, message []byte) (kx keyExchange, err error) {
	s := cryptobyte.String(message)
	switch kind {
	case kexECDHE:
		var form uint8
		var point cryptobyte.String
		if !s.ReadUint8(&form) || form != 3 || !s.ReadUint16(&kx.group) || !s.ReadUint8LengthPrefixed(&point) {
			return kx, errors.New("key exchange has no named curve and point")
		}
	case kexDHE:
		var p, g, y cryptobyte.String
		if !s.ReadUint16LengthPrefixed(&p) || !s.ReadUint16LengthPrefixed(&g) || !s.ReadUint16LengthPrefixed(&y) {
			return kx, errors.New("key exchange has no Diffie-Hellman parameters")
		}
		kx.primeBits = new(big.Int).SetBytes(p).BitLen()
	default:
		return kx, errors.New("key exchange of a kind that is not signed")
	}
	kx.params = message[:len(message)-len(s)]
	var signature cryptobyte.String
	if version >= tls12 && !s.ReadUint16(&kx.scheme) || !s.ReadUint16LengthPrefixed(&signature) || !s.Empty() {
		return kx, errors.New("key exchange has no well-formed signature")
	}
	kx.signature = signature
	return kx, nil
}

// verify checks the signature with the key of the first certificate, over the
// two randoms and the parameters. Success proves possession of the key.
func (kx keyExchange) verify(der, clientRandom, serverRandom []byte) error {
	key, err := publicKey(der)
	if err != nil {
		return err
	}
	signed := make([]byte, 0, 64+len(kx.params))
	signed = append(append(append(signed, clientRandom...), serverRandom...), kx.params...)
	if kx.scheme == 0 {
		return verifyOld(key, signed, kx.signature)
	}
	return verifyScheme(key, kx.scheme, signed, kx.signature)
}

// publicKey takes the key out of a certificate that need not parse otherwise.
func publicKey(der []byte) (crypto.PublicKey, error) {
	c := cert.Parse(der)
	if c.SPKI == nil {
		return nil, errors.New("the first certificate has no readable public key")
	}
	if c.Key.Algorithm == cert.RSA {
		return rsaKey(&c.Key)
	}
	key, err := x509.ParsePKIXPublicKey(c.SPKI)
	if err != nil {
		return nil, fmt.Errorf("reading the first certificate's key: %w", err)
	}
	return key, nil
}

func rsaKey(k *cert.Key) (*rsa.PublicKey, error) {
	e := k.Exponent()
	if k.Err != nil || !k.ModulusOdd() || k.Bits > maxRSABits || e < 3 || e > 1<<31-1 || e&1 == 0 {
		return nil, fmt.Errorf("an RSA key of %d bits with such an exponent is not computed with", k.Bits)
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(k.N), E: int(e)}, nil
}

// errSignature says that a signature is wrong, not that it could not be checked.
var errSignature = errors.New("the key exchange is not signed by the first certificate's key")

// verifyOld is for TLS 1.0 and 1.1, where the key decides on the hash (RFC
// 4346 section 7.4.3, RFC 8422 section 5.4).
func verifyOld(key crypto.PublicKey, signed, signature []byte) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		both := append(sum(crypto.MD5, signed), sum(crypto.SHA1, signed)...)
		return rsaError(key, rsa.VerifyPKCS1v15(key, crypto.MD5SHA1, both, signature))
	case *ecdsa.PublicKey:
		return signatureError(ecdsa.VerifyASN1(key, sum(crypto.SHA1, signed), signature))
	case *dsa.PublicKey:
		return verifyDSA(key, sum(crypto.SHA1, signed), signature)
	}
	return fmt.Errorf("a key exchange signed by a %T is not checked", key)
}

// verifyScheme is for TLS 1.2: the two bytes are hash and signature algorithm,
// or a scheme of RFC 8446 section 4.2.3.
func verifyScheme(key crypto.PublicKey, scheme uint16, signed, signature []byte) error {
	unsupported := fmt.Errorf("signature scheme 0x%04x with a %T is not checked", scheme, key)
	switch key := key.(type) {
	case *rsa.PublicKey:
		if hash := pssHash(scheme); hash != 0 {
			options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
			return rsaError(key, rsa.VerifyPSS(key, hash, sum(hash, signed), signature, options))
		}
		if hash := oldHash(scheme); hash != 0 && scheme&0xff == 1 {
			return rsaError(key, rsa.VerifyPKCS1v15(key, hash, sum(hash, signed), signature))
		}
	case *ecdsa.PublicKey:
		if hash := oldHash(scheme); hash != 0 && scheme&0xff == 3 {
			return signatureError(ecdsa.VerifyASN1(key, sum(hash, signed), signature))
		}
	case *dsa.PublicKey:
		if hash := oldHash(scheme); hash != 0 && scheme&0xff == 2 {
			return verifyDSA(key, sum(hash, signed), signature)
		}
	case ed25519.PublicKey:
		if scheme == 0x0807 {
			return signatureError(ed25519.Verify(key, signed, signature))
		}
	}
	return unsupported
}

// rsaError tells a wrong signature from a key that crypto/rsa will not use:
// unless GODEBUG says rsa1024min=0, it refuses all below 1024 bits.
func rsaError(key *rsa.PublicKey, err error) error {
	if err != nil && key.N.BitLen() < 1024 {
		return fmt.Errorf("a signature of an RSA key of %d bits is not checked", key.N.BitLen())
	}
	return signatureError(err == nil)
}

// verifyDSA checks a signature of FIPS 186-4 section 4.7. The bounds are those
// of honest keys: cost grows with the cube of the prime.
func verifyDSA(key *dsa.PublicKey, digest, signature []byte) error {
	if key.P.BitLen() > 4096 || key.Q.BitLen() > 512 {
		return fmt.Errorf("a DSA key of %d bits is not computed with", key.P.BitLen())
	}
	var rs struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(signature, &rs); err != nil || len(rest) > 0 {
		return errSignature
	}
	digest = digest[:min(len(digest), (key.Q.BitLen()+7)/8)] // its leftmost bits count
	return signatureError(dsa.Verify(key, digest, rs.R, rs.S))
}

func signatureError(ok bool) error {
	if ok {
		return nil
	}
	return errSignature
}

func sum(h crypto.Hash, b []byte) []byte {
	w := h.New()
	w.Write(b)
	return w.Sum(nil)
}

// oldHash is HashAlgorithm of RFC 5246 section 7.4.1.4.1.
func oldHash(scheme uint16) crypto.Hash {
	switch scheme >> 8 {
	case 1:
		return crypto.MD5
	case 2:
		return crypto.SHA1
	case 3:
		return crypto.SHA224
	case 4:
		return crypto.SHA256
	case 5:
		return crypto.SHA384
	case 6:
		return crypto.SHA512
	}
	return 0
}

// pssHash is that of rsa_pss_rsae_* and rsa_pss_pss_*.
func pssHash(scheme uint16) crypto.Hash {
	switch scheme {
	case 0x0804, 0x0809:
		return crypto.SHA256
	case 0x0805, 0x080a:
		return crypto.SHA384
	case 0x0806, 0x080b:
		return crypto.SHA512
	}
	return 0
}
