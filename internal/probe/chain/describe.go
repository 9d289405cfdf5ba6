package chain

import (
	"bytes"
	"slices"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/trust"
)

// describe puts paths and what violates them into the facts.
func (v *verified) describe(in *Input, f *facts.Chain) {
	f.BudgetHit = v.capped
	f.Paths, f.Violations = []facts.Path{}, []facts.Violation{}
	for _, p := range v.paths {
		f.Paths = append(f.Paths, p.fact(in))
	}
	best := v.paths[0]
	for _, x := range best.violations {
		s := &best.steps[x.index]
		f.Violations = append(f.Violations, facts.Violation{
			Reason: x.reason, Index: int64(x.index), Root: s.anchor != trust.None, Subject: s.c.Subject.String(), Detail: x.detail,
		})
	}
	for i := range f.Links {
		f.Links[i].OnBestPath = slices.Contains(f.Paths[0].Certificates, f.Links[i].SHA256)
	}
	f.Revoked = revokedFacts(in, v.paths)
	// A path that is out of date breaks RFC 5280 and not only what software says.
	dates := best.has(reasonExpired) || best.has(reasonEarly)
	f.OwnChecks = best.ours && (!dates || v.reason != reasonExpired && v.reason != reasonUnknown)
	// The library has one word for both ends of a validity.
	if f.VerifyError == reasonExpired && f.Paths[0].Reason == reasonEarly {
		f.VerifyError = reasonEarly
	}
	for _, p := range in.Trust.Programs() {
		if p.Anchor == trust.Public {
			f.PublicAll++
			f.Public += count(slices.Contains(v.programs, p.Name))
		}
	}
	f.Missing = in.missing(best)
	if best.top().anchor != trust.None && len(best.excused) == 0 {
		f.Opinions = opinions(in, best)
	}
}

func (p *path) fact(in *Input) facts.Path {
	out := facts.Path{
		Certificates: []string{}, Subjects: []string{}, Anchor: string(p.anchor()),
		Programs: list(p.programs), AtIssue: list(p.atIssue), Accepted: len(p.programs) > 0, FailedAt: -1,
	}
	add := func(sum [32]byte, c *cert.Certificate) {
		out.Certificates = append(out.Certificates, hash(sum))
		out.Subjects = append(out.Subjects, c.Subject.String())
		out.Length++
	}
	for i := range p.steps {
		add(p.steps[i].sum, p.steps[i].c)
	}
	for ca := p.above; ca != nil; ca = ca.Above {
		add(ca.SHA256, ca.CA)
	}
	if p.above != nil {
		root, _ := in.Trust.RootOf(p.above)
		add(root.SHA256(), root)
	}
	out.Revoked = []facts.PathRevoked{}
	for i := range p.revoked {
		r := &p.revoked[i]
		x := facts.PathRevoked{Index: int64(r.index), List: r.list, InForce: r.inForce(p.at)}
		if r.entry != nil {
			x.Listed = &r.entry.Listed
		}
		out.Revoked = append(out.Revoked, x)
	}
	if why, refused := p.refusal(); refused {
		out.Reason, out.FailedAt, out.Detail = why.reason, int64(why.index), why.detail
	}
	return out
}

// list is never nil, as nil means unknown.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// knowledge compares a certificate with the CAs that are known by key, key
// identifier and point.
func (g *graph) knowledge(n *node, l *facts.Link) {
	c := n.c
	if c.SPKI == nil {
		return
	}
	store := g.in.Trust
	if r := store.Listed(n.sha256); r != nil {
		l.Listed = r.Revoked
	}
	for _, ca := range store.ByKey(c.SPKI) {
		if ca.Signs() {
			l.KeyOwner = ca.Certificate.Subject.String()
			break
		}
	}
	if ca, ok := store.SamePoint(&c.Key); ok {
		l.PointOwner = ca.Certificate.Subject.String()
	}
	cas := store.ByKeyID(c.SubjectKeyID().Value)
	same := slices.ContainsFunc(cas, func(ca trust.CA) bool { return bytes.Equal(ca.Certificate.SPKI, c.SPKI) })
	if len(cas) > 0 && !same {
		l.KeyIDOwner = cas[0].Certificate.Subject.String()
	}
	g.knowledgeOfDisclosed(c, l)
}
