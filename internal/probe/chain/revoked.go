package chain

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/trust"
)

// listCCADB is what a revocation that the list of CAs tells of is said to stand on;
// it has no day.
const listCCADB = "CCADB"

// programMozilla is the root program whose browser refuses what OneCRL lists.
const programMozilla = "mozilla"

// A revocation is what a list says of one certificate of a path.
type revocation struct {
	index int
	list  string
	// listed is zero where the list does not say.
	listed time.Time
	entry  *trust.Revoked // nil of CCADB
}

// inForce says that the list held the certificate at a time.
func (r *revocation) inForce(at time.Time) bool { return !at.Before(r.listed) }

// revocations looks a path up in the lists of revoked certificates. Its root is left
// out: who trusts a root was not told so by a certificate that could be revoked
// (RFC 5280 section 6.1.1).
func revocations(in *Input, p *path) (out []revocation) {
	for i := range p.steps {
		s := &p.steps[i]
		if s.anchor != trust.None {
			continue
		}
		if e := in.Trust.Revoked(s.c); e != nil {
			out = append(out, revocation{i, e.List, e.Listed, e})
		} else if l := in.Trust.Listed(s.sum); l != nil && l.Revoked != "" {
			out = append(out, revocation{index: i, list: listCCADB})
		}
	}
	return out
}

// refuses gives the first certificate that Firefox refused at a time, whatever vouches for it.
func (p *path) refuses(at time.Time) *revocation {
	for i := range p.revoked {
		if r := &p.revoked[i]; r.entry != nil && r.inForce(at) {
			return r
		}
	}
	return nil
}

// inForce counts the certificates of a path that are revoked at a time.
func (p *path) inForce(at time.Time) (n int) {
	for i := range p.revoked {
		if p.revoked[i].inForce(at) {
			n++
		}
	}
	return n
}

// sentence says of a revocation what stands in reports.
func (p *path) sentence(r *revocation) string {
	return fmt.Sprintf("revoked: %s: %s", r.list, p.steps[r.index].c.Subject.String())
}

// revokedFacts lists the revoked certificates of all paths, each once; those of the
// best path come first.
func revokedFacts(in *Input, paths []*path) []facts.Revoked {
	out := []facts.Revoked{}
	seen := map[[32]byte]bool{}
	for n, p := range paths {
		for i := range p.revoked {
			r := &p.revoked[i]
			s := &p.steps[r.index]
			if seen[s.sum] {
				continue
			}
			seen[s.sum] = true
			f := facts.Revoked{
				SHA256: hash(s.sum), Subject: s.c.Subject.String(), Leaf: r.index == 0, OnBestPath: n == 0,
				List: r.list, InForce: r.inForce(in.At), Told: in.told(s.c, r),
			}
			if r.entry != nil {
				f.Listed, f.Reason, f.Source = &r.entry.Listed, string(r.entry.Reason), r.entry.Source()
			}
			out = append(out, f)
		}
	}
	return out
}

// heard are the meanings of incidents whose rules say at least as much as that a
// certificate is revoked.
var heard = []trust.Meaning{
	trust.Forged, trust.Misissued, trust.RogueCA, trust.Interception, trust.LeakedCAKey, trust.LeakedKey, trust.WeakKey,
}

// told names the incident or the distrusted CA whose rules speak of the certificate,
// so that one fact accuses once; empty where none do.
func (in *Input) told(c *cert.Certificate, r *revocation) string {
	served := slices.ContainsFunc(in.Certificates, func(s *cert.Certificate) bool { return bytes.Equal(s.Raw, c.Raw) })
	if i, ok := trust.FindIncident(c); ok && slices.Contains(heard, i.Means) {
		signs := r.index == 1 && slices.ContainsFunc(trust.Signers(&c.Subject), func(s trust.Signer) bool {
			return bytes.Equal(s.Certificate.SPKI, c.SPKI)
		})
		if served || signs {
			return i.ID
		}
	}
	if d, ok := trust.DistrustedCA(c); ok && served && r.index > 0 && slices.ContainsFunc(d.Decisions, func(d trust.Decision) bool {
		return (d.Kind == trust.Removed || d.Kind == trust.Blocked) && !in.At.Before(d.Date)
	}) {
		return d.ID
	}
	return ""
}
