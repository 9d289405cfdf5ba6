package cert

import (
	"crypto"
	_ "crypto/md5" // registers the hash; MD5 signatures are judged, not trusted
	"crypto/sha1"
	_ "crypto/sha256" // registers the hash
	_ "crypto/sha512" // registers the hash
	"errors"
	"fmt"
)

// An Algorithm is what an AlgorithmIdentifier of a signature says.
type Algorithm struct {
	OID OID
	// Name is such as "SHA256-RSA", "ECDSA-SHA384", "SHA256-RSAPSS", as
	// crypto/x509 writes it, or the dotted identifier.
	Name string
	// Hash is md2, md5, sha1, sha224, sha256, sha384, sha512, none where the
	// algorithm hashes by itself, or empty where unknown.
	Hash string
	// Key is the kind of key that makes such signatures; empty where unknown.
	Key KeyAlgorithm
	// Odd is one of the Params and PSS constants where the parameters are not of
	// the form that the standards require; empty where they are.
	Odd string
	// Err says why the identifier or its parameters could not be read.
	Err error

	hash crypto.Hash
	// What RSASSA-PSS parameters say; pssErr is why they could not be read.
	pss           bool
	mask          crypto.Hash
	salt, trailer int
	pssErr        error
}

// SignatureAlgorithm is the algorithm inside the signed part, or the one
// outside where that could not be read.
func (c *Certificate) SignatureAlgorithm() Algorithm {
	if c.SigAlgInner == nil {
		return parseAlgorithm(c.SigAlgOuter)
	}
	return parseAlgorithm(c.SigAlgInner)
}

func parseAlgorithm(raw []byte) Algorithm {
	var q Quirks
	seq, _, err := expect(raw, idSequence, &q)
	if err != nil {
		return Algorithm{Err: fmt.Errorf("reading signature algorithm: %w", err)}
	}
	id, params, err := expect(seq.Body, idOID, &q)
	if err != nil {
		return Algorithm{Err: fmt.Errorf("reading signature algorithm: %w", err)}
	}
	a := algorithmByOID(string(id.Body))
	a.OID = OID(id.Body)
	if a.pss {
		a.pssErr = a.parsePSS(params)
		if a.pssErr == nil && a.mask != a.hash {
			a.Err = errors.New("reading RSA-PSS parameters: the mask generation function has another hash")
		} else if a.pssErr != nil {
			a.Err = fmt.Errorf("reading RSA-PSS parameters: %w", a.pssErr)
		}
	}
	a.Odd = a.oddParameters(params)
	if a.Name == "" {
		a.Name = a.OID.String()
	}
	return a
}

func algorithmByOID(oid string) Algorithm {
	switch oid {
	case "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x02":
		return Algorithm{Name: "MD2-RSA", Hash: "md2", Key: RSA}
	case "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04":
		return Algorithm{Name: "MD5-RSA", Hash: "md5", Key: RSA, hash: crypto.MD5}
	case "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05", "\x2b\x0e\x03\x02\x1d":
		return Algorithm{Name: "SHA1-RSA", Hash: "sha1", Key: RSA, hash: crypto.SHA1}
	case "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e":
		return Algorithm{Name: "SHA224-RSA", Hash: "sha224", Key: RSA, hash: crypto.SHA224}
	case "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b":
		return Algorithm{Name: "SHA256-RSA", Hash: "sha256", Key: RSA, hash: crypto.SHA256}
	case "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c":
		return Algorithm{Name: "SHA384-RSA", Hash: "sha384", Key: RSA, hash: crypto.SHA384}
	case "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d":
		return Algorithm{Name: "SHA512-RSA", Hash: "sha512", Key: RSA, hash: crypto.SHA512}
	case oidRSAPSSKey:
		return Algorithm{Key: RSA, pss: true}
	case "\x2a\x86\x48\xce\x3d\x04\x01":
		return Algorithm{Name: "ECDSA-SHA1", Hash: "sha1", Key: ECDSA, hash: crypto.SHA1}
	case "\x2a\x86\x48\xce\x3d\x04\x03\x01":
		return Algorithm{Name: "ECDSA-SHA224", Hash: "sha224", Key: ECDSA, hash: crypto.SHA224}
	case "\x2a\x86\x48\xce\x3d\x04\x03\x02":
		return Algorithm{Name: "ECDSA-SHA256", Hash: "sha256", Key: ECDSA, hash: crypto.SHA256}
	case "\x2a\x86\x48\xce\x3d\x04\x03\x03":
		return Algorithm{Name: "ECDSA-SHA384", Hash: "sha384", Key: ECDSA, hash: crypto.SHA384}
	case "\x2a\x86\x48\xce\x3d\x04\x03\x04":
		return Algorithm{Name: "ECDSA-SHA512", Hash: "sha512", Key: ECDSA, hash: crypto.SHA512}
	case "\x2a\x86\x48\xce\x38\x04\x03":
		return Algorithm{Name: "DSA-SHA1", Hash: "sha1", Key: DSA, hash: crypto.SHA1}
	case "\x60\x86\x48\x01\x65\x03\x04\x03\x01":
		return Algorithm{Name: "DSA-SHA224", Hash: "sha224", Key: DSA, hash: crypto.SHA224}
	case "\x60\x86\x48\x01\x65\x03\x04\x03\x02":
		return Algorithm{Name: "DSA-SHA256", Hash: "sha256", Key: DSA, hash: crypto.SHA256}
	case oidEd25519:
		return Algorithm{Name: "Ed25519", Hash: "none", Key: Ed25519}
	case "\x2b\x65\x71":
		return Algorithm{Name: "Ed448", Hash: "none"}
	}
	return Algorithm{}
}

// parsePSS reads RSASSA-PSS-params (RFC 4055 section 3.1); absent parameters
// have the defaults of that section.
func (a *Algorithm) parsePSS(b []byte) error {
	a.Name, a.Hash, a.hash, a.mask, a.salt, a.trailer = "SHA1-RSAPSS", "sha1", crypto.SHA1, crypto.SHA1, sha1.Size, 1
	if len(b) == 0 {
		return nil
	}
	err := each(b, idSequence, func(e Element) error {
		inner, _, err := Next(e.Body)
		if err != nil {
			return err
		}
		switch e.ID {
		case 0xa0:
			a.hash, a.Hash, err = hashByAlgorithm(inner.Body)
		case 0xa1:
			a.mask, err = maskHash(inner.Body)
		case 0xa2:
			a.salt, err = smallInt(inner.Body)
		case 0xa3:
			a.trailer, err = smallInt(inner.Body)
		default:
			err = errTag
		}
		return err
	})
	if err != nil {
		return err
	}
	const longest = 512 // the hash and salt have to fit a modulus of 4096 bits
	if a.salt < 0 || a.salt > longest {
		return fmt.Errorf("a salt of %d octets", a.salt)
	}
	a.Name = a.hash.String()
	a.Name = a.Name[:3] + a.Name[4:] + "-RSAPSS"
	return nil
}

// maskHash reads the AlgorithmIdentifier of a mask generation function, of which
// MGF1 is the only one, for its hash.
func maskHash(b []byte) (crypto.Hash, error) {
	id, params, err := Next(b)
	if err != nil {
		return 0, err
	}
	if string(id.Body) != oidMGF1 {
		return 0, fmt.Errorf("unknown mask generation function %s", OID(id.Body))
	}
	alg, _, err := Next(params)
	if err != nil {
		return 0, err
	}
	h, _, err := hashByAlgorithm(alg.Body)
	return h, err
}

func hashByAlgorithm(b []byte) (crypto.Hash, string, error) {
	id, _, err := Next(b)
	if err != nil {
		return 0, "", err
	}
	for h, named := range pssHashes {
		if string(id.Body) == named.oid {
			return h, named.name, nil
		}
	}
	return 0, "", fmt.Errorf("unknown hash %s", OID(id.Body))
}

// ParseAlgorithm reads the AlgorithmIdentifier of a signature, with its header, as
// OCSP responses and CRLs have it, too. It never fails: Err says what is wrong.
func ParseAlgorithm(raw []byte) Algorithm { return parseAlgorithm(raw) }
