package trust

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"slices"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/trust/disclosed"
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
	// Date is when its source was last changed, 2006-01-02; "-" where the owner
	// keeps it.
	Date string
}

// A Store is what is trusted and known during a run. It is immutable.
type Store struct {
	programs []Program
	local    *x509.CertPool
	bySHA    map[[32]byte]Anchor
	owners   map[[32]byte][]string // sets of the owner that hold a certificate
	hidden   map[string]bool       // sets that this view leaves out; see [Store.Only]
	unusable []error
	cas      index
	// listed is what CA data says of single certificates, by SHA-256.
	listed     map[[32]byte]*Record
	caDataDate string
	// disclosed are public intermediates without their certificates, public the
	// roots that they may stand below, by the SHA-256 of the key.
	disclosed *disclosed.Table
	public    map[[32]byte]publicRoot
	data      []Data
	// revoked is nil for the list of the program.
	revoked *RevokedList
}

// A Set is anchors that an owner names.
type Set struct {
	Name string
	// Certificates are in DER.
	Certificates [][]byte
	// Date is when the set was last changed, 2006-01-02; empty where the owner
	// keeps it.
	Date string
}

// Options are what a store is made of, besides Mozilla's roots. The zero value
// adds nothing to them.
type Options struct {
	// Programs are further public root programs, such as Chrome's, each under its
	// own name. Whoever passes one says that it is as good as Mozilla's.
	Programs []Set
	// Sets are the anchors that the owner names.
	Sets []Set
	// Local is the machine's own store, or nil.
	Local *x509.CertPool
	// Known are certificates of CAs, in DER, that the owner knows to be genuine.
	// Paths may lead through them; they vouch for nothing. Those that are no CA
	// are left out.
	Known [][]byte
	// CAData are lists of CAs, as [ReadCCADB] gives them.
	CAData []*CAData
	// Disclosed are public intermediates of which the certificates are not held;
	// nil takes the built-in table.
	Disclosed *disclosed.Table
	// Revoked takes the place of the program's list of revoked certificates; nil
	// keeps that.
	Revoked *RevokedList
}

// New makes a store of Mozilla's roots and the owner's sets. local is the
// machine's own store, or nil. See [Open].
func New(sets []Set, local *x509.CertPool) (*Store, error) {
	return Open(Options{Sets: sets, Local: local})
}

// Open makes a store. A certificate of a set that the standard library cannot
// read is known by name and key but vouches for nothing; see [Store.Unusable].
// It fails where a set has no usable certificate at all: an owner must not
// believe that a root is trusted when it is not.
func Open(o Options) (*Store, error) {
	s := &Store{local: o.Local, cas: newIndex(), bySHA: map[[32]byte]Anchor{}, owners: map[[32]byte][]string{}, listed: map[[32]byte]*Record{},
		disclosed: o.Disclosed, revoked: o.Revoked, public: map[[32]byte]publicRoot{}}
	if s.disclosed == nil {
		s.disclosed = builtinDisclosed()
	}
	if err := s.addMozilla(); err != nil {
		return nil, err
	}
	for _, set := range o.Programs {
		if err := s.addSet(set, Public); err != nil {
			return nil, err
		}
	}
	for _, set := range o.Sets {
		if err := s.addSet(set, Inventory); err != nil {
			return nil, err
		}
	}
	s.addKnown(o.Known)
	for _, d := range o.CAData {
		s.addCAData(d)
	}
	return s, nil
}

func (s *Store) addMozilla() error {
	p := Program{Name: "mozilla", Anchor: Public, Pool: x509.NewCertPool(), Date: MozillaDate}
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
		s.hold(s.know(root.Certificate, p), p.Name, root.Constraint)
	}
	s.programs = append(s.programs, p)
	return nil
}

func (s *Store) addSet(set Set, anchor Anchor) error {
	p := Program{Name: set.Name, Anchor: anchor, Pool: x509.NewCertPool(), Date: cmp.Or(set.Date, "-")}
	for i, der := range set.Certificates {
		c := s.know(der, p)
		parsed, err := x509.ParseCertificate(der)
		if err != nil {
			s.unusable = append(s.unusable, fmt.Errorf("certificate %d of %s cannot be an anchor: %w", i+1, set.Name, err))
			continue
		}
		p.Pool.AddCert(parsed)
		p.Roots++
		if anchor == Public {
			s.hold(c, p.Name, nil)
		}
	}
	if p.Roots == 0 {
		return fmt.Errorf("%s holds no certificate that can be an anchor", set.Name)
	}
	s.programs = append(s.programs, p)
	return nil
}

func (s *Store) know(der []byte, p Program) *cert.Certificate {
	c := cert.Parse(der)
	s.cas.add(CA{Certificate: c, Anchor: p.Anchor, Program: p.Name})
	if _, ok := s.bySHA[c.SHA256()]; !ok {
		s.bySHA[c.SHA256()] = p.Anchor
	}
	if p.Anchor == Inventory {
		s.owners[c.SHA256()] = append(s.owners[c.SHA256()], p.Name)
	}
	return c
}

// Unusable lists the owner's certificates that vouch for nothing, and why.
func (s *Store) Unusable() []error { return s.unusable }

// Programs lists the root programs and the owner's sets, in the order that
// verdicts prefer.
func (s *Store) Programs() []Program { return s.programs }

// LocalPool is the machine's own store, nil where it was not read.
func (s *Store) LocalPool() *x509.CertPool { return s.local }

// Root says why this very certificate is trusted, None where it is not.
func (s *Store) Root(sha256 [32]byte) Anchor {
	a, ok := s.bySHA[sha256]
	shown := func(set string) bool { return !s.hidden[set] }
	if !ok || a == Inventory && !slices.ContainsFunc(s.owners[sha256], shown) {
		return None
	}
	return a
}
