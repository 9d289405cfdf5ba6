package trust

import (
	"bytes"
	"cmp"
	"crypto/sha1" //nolint:gosec // RFC 5280 section 4.2.1.2 defines key identifiers with it
	"encoding/asn1"

	"github.com/certassay/certassay/internal/cert"
)

// A CA is one key that is known under a CA's name.
type CA struct {
	Certificate *cert.Certificate
	// Anchor is None for a CA that is known and vouches for nothing: an
	// intermediate that the owner named, or one of a list of CAs.
	Anchor Anchor
	// Program is the root program or set that holds it, "known" for those that
	// the owner named as known, or the name of the list.
	Program string
}

// programKnown is the program of the CAs of [Options.Known].
const programKnown = "known"

// An index finds CAs by what a forger would copy from them.
type index struct {
	seen    map[[32]byte]bool
	byName  map[string][]CA
	byKeyID map[string][]CA
	byKey   map[string][]CA
	byPoint map[string][]CA
}

func newIndex() index {
	return index{
		seen: map[[32]byte]bool{}, byName: map[string][]CA{}, byKeyID: map[string][]CA{},
		byKey: map[string][]CA{}, byPoint: map[string][]CA{},
	}
}

// add makes a CA known. One certificate is held once for each program that
// trusts it, and not again for lists that only know it.
func (x *index) add(ca CA) {
	c := ca.Certificate
	sum := c.SHA256()
	if c.SPKI == nil || ca.Anchor == None && x.seen[sum] {
		return
	}
	x.seen[sum] = true
	if name := c.Subject.Normal(); name != "" {
		x.byName[name] = append(x.byName[name], ca)
	}
	for _, id := range keyIDs(c) {
		x.byKeyID[id] = append(x.byKeyID[id], ca)
	}
	x.byKey[string(c.SPKI)] = append(x.byKey[string(c.SPKI)], ca)
	if p := point(&c.Key); p != "" {
		x.byPoint[p] = append(x.byPoint[p], ca)
	}
}

// keyIDs are the identifiers that certificates may name a CA's key by: what it
// calls itself, and the SHA-1 of its key, method 1 of RFC 5280 section 4.2.1.2.
func keyIDs(c *cert.Certificate) []string {
	sum := sha1.Sum(c.Key.Public) //nolint:gosec // an identifier, not relied on
	out := []string{string(sum[:])}
	if id := string(c.SubjectKeyID().Value); id != "" && id != out[0] {
		out = append(out, id)
	}
	return out
}

// point is the coordinates of an elliptic curve key without the leading octet
// that tells its form; empty for other keys. A compressed point gives its x
// alone, and so does not meet an uncompressed one: nobody forges with it.
func point(k *cert.Key) string {
	if k.Algorithm != cert.ECDSA || len(k.Public) < 2 {
		return ""
	}
	return string(k.Public[1:])
}

// ByName gives the CAs known under a name, compared as normalised text
// (RFC 5280 section 7.1), those of root programs first; none for an empty name.
func (s *Store) ByName(n *cert.Name) []CA {
	key := n.Normal()
	if key == "" {
		return nil
	}
	return s.visible(s.cas.byName[key])
}

// ByKeyID gives the CAs whose key a key identifier is that of.
func (s *Store) ByKeyID(id []byte) []CA {
	if len(id) == 0 {
		return nil
	}
	return s.visible(s.cas.byKeyID[string(id)])
}

// ByKey gives the CAs that have this very SubjectPublicKeyInfo.
func (s *Store) ByKey(spki []byte) []CA { return s.visible(s.cas.byKey[string(spki)]) }

// SamePoint gives a CA whose elliptic curve point k has under other parameters:
// with a generator of one's own choosing anybody has a private key for any point
// (CVE-2020-0601). It is false where k is that CA's key itself.
func (s *Store) SamePoint(k *cert.Key) (CA, bool) {
	p := point(k)
	if p == "" {
		return CA{}, false
	}
	for _, ca := range s.visible(s.cas.byPoint[p]) {
		if !sameCurve(k, &ca.Certificate.Key) {
			return ca, true
		}
	}
	return CA{}, false
}

// sameCurve compares the parameters as written, and the names of named curves.
func sameCurve(a, b *cert.Key) bool {
	if bytes.Equal(a.Params, b.Params) {
		return true
	}
	return a.Curve == b.Curve && len(a.Params) > 0 && a.Params[0] == asn1.TagOID
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

// Listed is what CA data says of this very certificate, nil where it is silent.
func (s *Store) Listed(sha256 [32]byte) *Record { return s.listed[sha256] }

// addKnown makes the CAs among some certificates known.
func (s *Store) addKnown(ders [][]byte) {
	if len(ders) == 0 {
		return
	}
	n := 0
	for _, der := range ders {
		if c := cert.Parse(der); mayBeCA(c) {
			s.cas.add(CA{Certificate: c, Anchor: None, Program: programKnown})
			n++
		}
	}
	s.data = append(s.data, Data{Name: "known CAs", Date: "-", Entries: n, Source: "named by the owner; known, not trusted"})
}

// Signs says whether the certificate that made the key known is a CA's. An owner may
// also name a server's own certificate as a root, to pin an appliance with a
// self-signed one: its key is the server's then, and no CA's.
func (ca CA) Signs() bool { return mayBeCA(ca.Certificate) }

// mayBeCA says whether a certificate calls itself a CA, or is too old to say.
func mayBeCA(c *cert.Certificate) bool {
	return c.SPKI != nil && (c.BasicConstraints().Value.CA || c.Version == 1 && c.SelfIssued())
}

// addCAData makes the certificates of a list known. What the list only names is
// kept by its hash.
func (s *Store) addCAData(d *CAData) {
	for i := range d.Records {
		r := &d.Records[i]
		s.list(r)
		if r.Certificate != nil && mayBeCA(r.Certificate) {
			s.cas.add(CA{Certificate: r.Certificate, Anchor: None, Program: d.Name})
		}
	}
	s.data = append(s.data, Data{
		Name: "CA data: " + d.Name, Date: cmp.Or(d.Date, "-"), Entries: len(d.Records),
		Source: cmp.Or(d.Source, "a list of CAs in CCADB's form") + "; known, not trusted",
	})
	if d.Date > s.caDataDate {
		s.caDataDate = d.Date
	}
}

// list notes what a list says of a certificate. CCADB has owner and revocation in
// one of its lists, and the certificates in others: what one leaves out another
// one may have said.
func (s *Store) list(r *Record) {
	old := s.listed[r.SHA256]
	if old == nil {
		s.listed[r.SHA256] = r
		return
	}
	both := *r
	both.Owner, both.Revoked = cmp.Or(r.Owner, old.Owner), cmp.Or(r.Revoked, old.Revoked)
	if both.Certificate == nil {
		both.Certificate = old.Certificate
	}
	s.listed[r.SHA256] = &both
}

// CADataDate is that of the newest dated list of CAs, 2006-01-02; empty where there
// is none.
func (s *Store) CADataDate() string { return s.caDataDate }
