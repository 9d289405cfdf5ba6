package trust

import (
	"bytes"
	"crypto/x509"
	"fmt"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/certassay/certassay/internal/cert"
)

// An Anchor says why a root is trusted. The zero value is not an anchor.
type Anchor string

// The anchors, the best first.
const (
	Public    Anchor = "public"    // a browser root program
	Inventory Anchor = "inventory" // named by the owner
	Local     Anchor = "local"     // only the machine's own store
	None      Anchor = "none"
)

// MozillaDate is the date of the bundled Mozilla roots: that of the module
// golang.org/x/crypto/x509roots/fallback which go.mod names.
const MozillaDate = "2026-10-30"

// A Program is a set of roots trusted for one reason.
type Program struct {
	// Name is "mozilla", or what the owner called the set.
	Name   string
	Anchor Anchor
	// Pool holds the roots, with the program's constraints on each.
	Pool *x509.CertPool
	// Roots is their number.
	Roots int
}

// A CA is one key that is known under a CA's name.
type CA struct {
	Certificate *cert.Certificate
	Anchor      Anchor
	Program     string
}

// A Store is what is trusted and known during a run. It is immutable.
type Store struct {
	programs []Program
	local    *x509.CertPool
	byName   map[string][]CA
	bySHA    map[[32]byte]Anchor
	unusable []error
}

// A Set is anchors that an owner names.
type Set struct {
	Name string
	// Certificates are in DER.
	Certificates [][]byte
}

// New makes a store of Mozilla's roots and the owner's sets. local is the
// machine's own store, or nil. A certificate of a set that the standard library
// cannot read is known by name and key but vouches for nothing; see
// [Store.Unusable]. It fails where a set has no usable certificate at all: an
// owner must not believe that a root is trusted when it is not.
func New(sets []Set, local *x509.CertPool) (*Store, error) {
	s := &Store{local: local, byName: map[string][]CA{}, bySHA: map[[32]byte]Anchor{}}
	if err := s.addMozilla(); err != nil {
		return nil, err
	}
	for _, set := range sets {
		if err := s.addSet(set); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *Store) addMozilla() error {
	p := Program{Name: "mozilla", Anchor: Public, Pool: x509.NewCertPool()}
	for root := range bundle.Roots() {
		parsed, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			return fmt.Errorf("reading bundled root: %w", err)
		}
		if root.Constraint != nil {
			p.Pool.AddCertWithConstraint(parsed, root.Constraint)
		} else {
			p.Pool.AddCert(parsed)
		}
		p.Roots++
		s.know(root.Certificate, p)
	}
	s.programs = append(s.programs, p)
	return nil
}

func (s *Store) addSet(set Set) error {
	p := Program{Name: set.Name, Anchor: Inventory, Pool: x509.NewCertPool()}
	for i, der := range set.Certificates {
		s.know(der, p)
		parsed, err := x509.ParseCertificate(der)
		if err != nil {
			s.unusable = append(s.unusable, fmt.Errorf("certificate %d of %s cannot be an anchor: %w", i+1, set.Name, err))
			continue
		}
		p.Pool.AddCert(parsed)
		p.Roots++
	}
	if p.Roots == 0 {
		return fmt.Errorf("%s holds no certificate that can be an anchor", set.Name)
	}
	s.programs = append(s.programs, p)
	return nil
}

func (s *Store) know(der []byte, p Program) {
	c := cert.Parse(der)
	key := c.Subject.Normal()
	s.byName[key] = append(s.byName[key], CA{Certificate: c, Anchor: p.Anchor, Program: p.Name})
	if _, ok := s.bySHA[c.SHA256()]; !ok {
		s.bySHA[c.SHA256()] = p.Anchor
	}
}

// Unusable lists the owner's certificates that vouch for nothing, and why.
func (s *Store) Unusable() []error { return s.unusable }

// Programs lists the root programs and the owner's sets, in the order that
// verdicts prefer.
func (s *Store) Programs() []Program { return s.programs }

// LocalPool is the machine's own store, nil where it was not read.
func (s *Store) LocalPool() *x509.CertPool { return s.local }

// ByName gives the CAs known under a name, compared as normalised text
// (RFC 5280 section 7.1); none for an empty name.
func (s *Store) ByName(n *cert.Name) []CA {
	key := n.Normal()
	if key == "" {
		return nil
	}
	return s.byName[key]
}

// Root says why this very certificate is trusted, None where it is not.
func (s *Store) Root(sha256 [32]byte) Anchor {
	if a, ok := s.bySHA[sha256]; ok {
		return a
	}
	return None
}

// Knows says whether the key of c is known under the name of its subject.
func (s *Store) Knows(c *cert.Certificate) (name, key bool) {
	for _, ca := range s.ByName(&c.Subject) {
		name = true
		if c.SPKI != nil && bytes.Equal(ca.Certificate.SPKI, c.SPKI) {
			return true, true
		}
	}
	return name, false
}
