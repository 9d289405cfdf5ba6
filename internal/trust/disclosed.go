package trust

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	_ "embed" // the table of disclosed CAs
	"fmt"
	"sync"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/trust/disclosed"
)

// disclosedFile is made by internal/trust/disclosed/generate.
//
//go:embed data/intermediates.bin
var disclosedFile []byte

// disclosedSource is where every certificate can be looked up by its hash.
const disclosedSource = "Mozilla's list of disclosed intermediates, as Firefox ESR 153.7 carries it; known by name and key, not trusted by themselves"

var builtinDisclosed = sync.OnceValue(func() *disclosed.Table {
	t, err := disclosed.Decode(disclosedFile)
	if err != nil {
		panic(err) // a test reads it
	}
	return t
})

// A publicRoot is a root of a public program with the program's constraint on it, nil
// where there is none.
type publicRoot struct {
	c          *cert.Certificate
	program    string
	constraint func([]*x509.Certificate) error
}

// hold makes a root one that disclosed CAs may stand below. The first program that has
// it counts: Mozilla's, whose constraints are known.
func (s *Store) hold(c *cert.Certificate, program string, constraint func([]*x509.Certificate) error) {
	if sum, ok := c.SPKISHA256(); ok && s.public[sum].c == nil {
		s.public[sum] = publicRoot{c, program, constraint}
	}
}

// DisclosedByName gives the public intermediate CAs of a name of which the name, the
// key and what else matters is known, and not the certificate.
func (s *Store) DisclosedByName(n *cert.Name) []*disclosed.Facts { return s.disclosed.ByName(n) }

// DisclosedByKeyID gives those whose key a key identifier is that of.
func (s *Store) DisclosedByKeyID(id []byte) []*disclosed.Facts {
	if len(id) == 0 {
		return nil
	}
	return s.disclosed.ByKeyID(id)
}

// DisclosedByKey gives those that have this very SubjectPublicKeyInfo.
func (s *Store) DisclosedByKey(spki []byte) []*disclosed.Facts { return s.disclosed.ByKey(spki) }

// KeyDisclosed says whether a key, by the SHA-256 of its SubjectPublicKeyInfo, is that
// of a disclosed CA: most are known by this hash alone.
func (s *Store) KeyDisclosed(spkiSHA256 [32]byte) bool { return s.disclosed.HasKey(spkiSHA256) }

// RootOf is the root that a disclosed CA stands below, and the public program that has
// it; nil where none has it.
func (s *Store) RootOf(f *disclosed.Facts) (root *cert.Certificate, program string) {
	r := s.public[f.Anchor()]
	return r.c, r.program
}

// PoolOf gives a pool whose only anchor is a disclosed CA: its name and key, bound as
// its certificate, those above it, and the program's constraint on its root bind it
// (RFC 5280 section 6.1.1 (d)). It fails where no public program has the root.
func (s *Store) PoolOf(f *disclosed.Facts) (*x509.CertPool, error) {
	root, ok := s.public[f.Anchor()]
	if !ok {
		return nil, fmt.Errorf("the root above %s is in no public program", f.CA.Subject.String())
	}
	key, err := x509.ParsePKIXPublicKey(f.CA.SPKI)
	if err != nil {
		return nil, fmt.Errorf("reading the key of %s: %w", f.CA.Subject.String(), err)
	}
	from, until, pathLen := f.Bounds()
	anchor := &x509.Certificate{
		// The pool tells anchors apart by these octets and reads nothing in them.
		Raw:        f.SHA256[:],
		RawSubject: f.CA.Subject.Raw, RawSubjectPublicKeyInfo: f.CA.SPKI, PublicKey: key, SubjectKeyId: f.KeyID,
		PublicKeyAlgorithm: algorithmOf(key), Version: 3, NotBefore: from, NotAfter: until, KeyUsage: x509.KeyUsageCertSign,
		BasicConstraintsValid: true, IsCA: true, MaxPathLen: pathLen, MaxPathLenZero: pathLen == 0,
	}
	pool := x509.NewCertPool()
	if root.constraint != nil {
		pool.AddCertWithConstraint(anchor, root.constraint)
	} else {
		pool.AddCert(anchor)
	}
	return pool, nil
}

func algorithmOf(key any) x509.PublicKeyAlgorithm {
	switch key.(type) {
	case *rsa.PublicKey:
		return x509.RSA
	case *ecdsa.PublicKey:
		return x509.ECDSA
	case ed25519.PublicKey:
		return x509.Ed25519
	}
	return x509.UnknownPublicKeyAlgorithm
}
