// Package corpus compares all certificates of a run with each other: a forger
// who copies gives away the copy where the original is at hand, and one who
// makes many certificates repeats himself.
package corpus

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/probe/signature/forge"
)

// MaxCertificates bounds the certificates of a run that are compared, at about
// 1 kB each; a list of hosts can be any length.
const MaxCertificates = 250_000

// A Member is one certificate of a run.
type Member struct {
	Certificate *cert.Certificate
	// Leaf says that it is the first of a subject.
	Leaf bool
	// Asked is the name that a server was asked for when it showed this leaf;
	// empty where none was.
	Asked string
	// Anchored says that it belongs to a chain that reaches a public or
	// inventory root.
	Anchored bool
	// Issuer is the certificate whose key verifies it, nil where none is at
	// hand.
	Issuer *cert.Certificate
	// PublicCA says that the key which signed it is that of a public CA, or was
	// certified by one, whether or not the chain is accepted.
	PublicCA bool
	// Reference says that it is not judged, only compared with.
	Reference bool
}

// A Set collects the certificates of a run. The zero value is ready. It is not
// safe for concurrent use. What it gives depends on the certificates and the
// order in which they were added.
type Set struct {
	records   []record
	byHash    map[[32]byte]int
	truncated bool
	nonces    forge.NonceIndex
	reuses    []reuse
}

// A reuse is two signatures with one nonce, and the key that made them.
type reuse struct {
	forge.Reuse
	issuer string
}

// keyOf says whose a key is: the subject of its certificate, and the hash that pins
// are made of.
func keyOf(c *cert.Certificate) string {
	return fmt.Sprintf("%s (%s)", c.Subject.String(), c.Pin())
}

// An id is a shortened SHA-256: 128 bits tell 250 000 values apart.
type id [16]byte

func idOf(parts ...[]byte) id {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
		h.Write([]byte{0})
	}
	return id(h.Sum(nil)[:16])
}

// A record is what is kept of a certificate.
type record struct {
	sha256                  [32]byte
	signer                  id // the key that verifies it; zero where none is at hand
	key, issuer, content    id // content: the signed part without SCTs or poison
	tbs, signature          id
	keyID, serialText       string
	serial                  *big.Int
	notBefore, notAfter     int64
	names, asked            []string
	scts                    []id     // the embedded ones
	modulus                 *big.Int // of an RSA key
	leaf, anchored          bool
	selfIssued              bool
	publicCA                bool
	reference, hasSignature bool
}

// Add takes a certificate in. One that was added before only gains what is new
// about it.
func (s *Set) Add(m Member) {
	sum := m.Certificate.SHA256()
	if i, ok := s.byHash[sum]; ok {
		r := &s.records[i]
		r.leaf, r.anchored, r.publicCA = r.leaf || m.Leaf, r.anchored || m.Anchored, r.publicCA || m.PublicCA
		r.reference = r.reference && m.Reference
		r.ask(m)
		return
	}
	if m.Certificate.SPKI == nil {
		return
	}
	if len(s.records) >= MaxCertificates {
		s.truncated = true
		return
	}
	if s.byHash == nil {
		s.byHash = map[[32]byte]int{}
	}
	s.byHash[sum] = len(s.records)
	s.records = append(s.records, newRecord(sum, m))
	if m.Issuer != nil {
		if met, ok := s.nonces.Add(m.Certificate, m.Issuer); ok {
			s.reuses = append(s.reuses, reuse{met, keyOf(m.Issuer)})
		}
	}
}

// maxNames bounds the names of one certificate that are kept.
const maxNames = 8

func newRecord(sum [32]byte, m Member) record {
	c := m.Certificate
	r := record{
		sha256: sum, key: idOf(c.SPKI), issuer: idOf([]byte(c.Issuer.Normal())), content: contentOf(c),
		tbs: idOf(c.TBS), signature: idOf(c.Signature), hasSignature: len(c.Signature) > 0,
		keyID: string(c.SubjectKeyID().Value), serial: new(big.Int).SetBytes(c.Serial), serialText: hex.EncodeToString(c.Serial),
		leaf: m.Leaf, anchored: m.Anchored, reference: m.Reference, publicCA: m.PublicCA, selfIssued: c.SelfIssued(),
	}
	if m.Issuer != nil {
		r.signer = idOf(m.Issuer.SPKI)
	}
	r.scts = sctsOf(c)
	r.ask(m)
	if c.NotBeforeErr == nil && c.NotAfterErr == nil {
		r.notBefore, r.notAfter = c.NotBefore.Unix(), c.NotAfter.Unix()
	}
	for _, n := range c.DNSNames() {
		if len(r.names) == maxNames {
			break
		}
		r.names = append(r.names, strings.ToLower(strings.TrimSuffix(n, ".")))
	}
	if c.Key.Algorithm == cert.RSA && c.Key.Err == nil {
		r.modulus = new(big.Int).SetBytes(c.Key.N)
	}
	return r
}

// ask notes the name that was asked for.
func (r *record) ask(m Member) {
	name := strings.ToLower(strings.TrimSuffix(m.Asked, "."))
	if m.Leaf && name != "" && len(r.asked) < maxNames && !slices.Contains(r.asked, name) {
		r.asked = append(r.asked, name)
	}
}

// maxSCTs bounds the embedded SCTs of one certificate that are kept: a genuine one
// has two to five, and a list can hold 64.
const maxSCTs = 8

// minSCT is the length of an SCT with some signature: log and time alone could be
// the same by chance.
const minSCT = 1 + 32 + 8 + 2 + 4 + 32

// sctsOf are the embedded SCTs, as octets; a list that cannot be split has none.
func sctsOf(c *cert.Certificate) (out []id) {
	list := c.SCTList()
	if !list.Present || list.Err != nil {
		return nil
	}
	parts, err := ct.SplitList(list.Value)
	if err != nil {
		return nil
	}
	for _, p := range parts[:min(len(parts), maxSCTs)] {
		if len(p) >= minSCT {
			out = append(out, idOf(p))
		}
	}
	return out
}

// contentOf is what a certificate and its precertificate have in common.
func contentOf(c *cert.Certificate) id {
	if tbs, err := ct.CertificateTBS(c); err == nil {
		return idOf(tbs)
	}
	if tbs, err := ct.PrecertificateTBS(c, nil); err == nil {
		return idOf(tbs)
	}
	return idOf(c.TBS)
}

// domains are the registrable domains of names.
func domains(names []string) []string {
	var out []string
	for _, n := range names {
		d, err := publicsuffix.EffectiveTLDPlusOne(strings.TrimPrefix(n, "*."))
		if err != nil {
			d = n
		}
		if !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	return out
}

// shareName says whether two records have a name in common.
func shareName(a, b *record) bool {
	return slices.ContainsFunc(a.names, func(n string) bool { return slices.Contains(b.names, n) })
}

// less orders records by hash, so that answers do not depend on the order in
// which maps are walked.
func less(a, b *record) int { return bytes.Compare(a.sha256[:], b.sha256[:]) }
