package chain

import (
	"bytes"
	"slices"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/trust"
	"github.com/certassay/certassay/internal/trust/disclosed"
)

// Limits on the search for paths. A server can send thousands of certificates
// that all sign each other: the number of paths grows exponentially, and each
// step costs a signature check. Whoever hits a limit is told so.
const (
	// maxDepth is the longest path, root included; the longest of any public
	// CA has six certificates.
	maxDepth = 24
	// maxSteps bounds the candidates that are looked at.
	maxSteps = 8192
	// maxPrice bounds the signature checks, in units of about 50 µs: an RSA or
	// P-256 check is one unit, P-384 fourteen.
	maxPrice = 600
	// maxPaths bounds the paths that reach a root; maxPartial those that do not.
	maxPaths   = 16
	maxPartial = 4
)

// A step is one certificate of a path.
type step struct {
	c   *cert.Certificate
	sum [32]byte
	// anchor says why it is trusted, None for all but the last of a path.
	anchor trust.Anchor
}

// A path leads from a certificate upwards. Every step is signed by the next.
type path struct {
	steps []step
	// broken says why it goes no further, where it reaches no root.
	broken string
	// above is the disclosed CA that signed the last step, where its certificate
	// is not at hand; nil otherwise.
	above *disclosed.Facts

	violations []violation
	// revoked are its certificates that lists of revoked ones hold; at is when it is judged.
	revoked []revocation
	// blocked says that Firefox would accept it if it were not revoked.
	blocked bool
	at      time.Time
	// programs accept it at the time of judgement for TLS servers; excused
	// accept it when dates and purpose are put aside; atIssue accept it at the
	// leaf's notBefore.
	programs, excused, atIssue []string
	// library is why crypto/x509 accepts it in no program.
	library string
	// ours says that no program's verifier takes it and our own checks do.
	ours bool
}

func (p *path) top() *step { return &p.steps[len(p.steps)-1] }

// anchor is why the end of the path is trusted. Disclosed CAs stand below public
// roots.
func (p *path) anchor() trust.Anchor {
	if p.above != nil {
		return trust.Public
	}
	return p.top().anchor
}

// A search looks for the paths of one certificate.
type search struct {
	g     *graph
	steps int
	price int
	// capped says that a limit was hit: there may be more paths.
	capped  bool
	checked map[[2]string]cert.Outcome
	found   []*path
	partial []*path
}

// paths finds how c hangs together with known roots: through served
// certificates, and through CAs that are known. Those that reach a root come
// first, in the order of the search: by key identifier, then as served.
func (g *graph) paths(c *cert.Certificate) ([]*path, bool) {
	s := &search{g: g, checked: map[[2]string]cert.Outcome{}}
	sum := c.SHA256()
	s.walk([]step{{c, sum, s.anchorOf(c, sum)}})
	if len(s.found)+len(s.partial) == 0 {
		s.keep(&s.partial, 1, []step{{c, sum, trust.None}}, reasonBudget)
	}
	return append(s.found, s.partial...), s.capped
}

// anchorOf says why a certificate is trusted by itself: it is a root, or what an
// owner's own root became. An appliance that makes its certificate anew over the
// key that its owner named is the same appliance: nobody else can sign so.
func (s *search) anchorOf(c *cert.Certificate, sum [32]byte) trust.Anchor {
	if a := s.g.in.Trust.Root(sum); a != trust.None || !c.SelfIssued() {
		return a
	}
	renewed := slices.ContainsFunc(s.g.in.Trust.ByKey(c.SPKI), func(ca trust.CA) bool {
		return ca.Anchor == trust.Inventory && ca.Certificate.SelfIssued() && ca.Certificate.Subject.Normal() == c.Subject.Normal()
	})
	if renewed && s.check(c, c) == cert.Verified {
		return trust.Inventory
	}
	return trust.None
}

// walk extends a path by every issuer that there is for its last certificate.
func (s *search) walk(so []step) {
	last := &so[len(so)-1]
	if last.anchor != trust.None {
		s.keep(&s.found, maxPaths, so, "")
		// A root may be cross-signed by another one; a self-issued one is not.
		if last.c.SelfIssued() {
			return
		}
	}
	if last.c.SPKI == nil {
		s.keep(&s.partial, maxPartial, so, reasonUnreadable)
		return
	}
	named, extended := false, false
	for _, next := range s.candidates(last.c) {
		if s.full() {
			break
		}
		if s.steps++; s.loops(so, next.c) {
			continue
		}
		named = true
		if s.check(last.c, next.c) != cert.Verified {
			continue
		}
		extended = true
		if len(so) >= maxDepth {
			s.capped = true
			s.keep(&s.partial, maxPartial, so, reasonBudget)
			continue
		}
		s.walk(append(slices.Clone(so), next))
	}
	switch {
	case extended || last.anchor != trust.None:
	case s.capped:
		s.keep(&s.partial, maxPartial, so, reasonBudget)
	case named:
		s.keep(&s.partial, maxPartial, so, reasonSignature)
	default:
		s.keep(&s.partial, maxPartial, so, reasonUnknown)
	}
}

func (s *search) keep(list *[]*path, most int, so []step, broken string) {
	if len(*list) < most {
		steps := slices.Clone(so)
		for i := range len(steps) - 1 {
			steps[i].anchor = trust.None
		}
		*list = append(*list, &path{steps: steps, broken: broken})
	}
}

// full says that the search has to end.
func (s *search) full() bool {
	full := s.steps >= maxSteps || s.price >= maxPrice || len(s.found) >= maxPaths
	s.capped = s.capped || full
	return full
}

// loops says that a key already stands on the path under the same name: such a
// path goes in circles, whatever the certificate is.
func (s *search) loops(so []step, c *cert.Certificate) bool {
	for i := range so {
		x := so[i].c
		if x == c || bytes.Equal(x.SPKI, c.SPKI) && bytes.Equal(x.Subject.Raw, c.Subject.Raw) {
			return true
		}
	}
	return false
}

// candidates are the certificates whose subject is the issuer of c: known roots,
// then served and fetched ones, then CAs that are known, in each group those first whose key
// identifier is the one that c names.
func (s *search) candidates(c *cert.Certificate) []step {
	want := c.Issuer.Normal()
	if want == "" {
		return nil
	}
	var out, known []step
	seen := map[[32]byte]bool{}
	for _, ca := range s.g.in.Trust.ByName(&c.Issuer) {
		sum := ca.Certificate.SHA256()
		if seen[sum] {
			continue
		}
		seen[sum] = true
		if ca.Anchor == trust.None {
			known = append(known, step{ca.Certificate, sum, trust.None})
			continue
		}
		out = append(out, step{ca.Certificate, sum, ca.Anchor})
	}
	roots := len(out)
	for _, i := range s.g.bySubject[want] {
		n := &s.g.nodes[i]
		if !seen[n.sha256] {
			seen[n.sha256] = true
			out = append(out, step{n.c, n.sha256, trust.None})
		}
	}
	for _, c := range s.g.fetched[want] {
		if sum := c.SHA256(); !seen[sum] {
			seen[sum] = true
			out = append(out, step{c, sum, trust.None})
		}
	}
	aki := c.AuthorityKeyID().Value.KeyID
	fitsFirst := func(list []step) {
		slices.SortStableFunc(list, func(a, b step) int { return rank(aki, b.c) - rank(aki, a.c) })
	}
	fitsFirst(out[:roots])
	fitsFirst(out[roots:])
	fitsFirst(known)
	return append(out, known...)
}

// rank is how well a key identifier fits: it is the CA's, unknown, or another.
func rank(aki []byte, c *cert.Certificate) int {
	ski := c.SubjectKeyID().Value
	switch {
	case len(aki) == 0 || len(ski) == 0:
		return 1
	case bytes.Equal(aki, ski):
		return 2
	}
	return 0
}

// check is a signature check within the budget of the search.
func (s *search) check(child, issuer *cert.Certificate) cert.Outcome {
	k := [2]string{string(child.Raw), string(issuer.SPKI)}
	if o, ok := s.checked[k]; ok {
		return o
	}
	s.price += price(&issuer.Key)
	o := s.g.in.Check.Check(child, issuer)
	s.checked[k] = o
	return o
}

// price is what a check under a key costs, in units of about 50 µs.
func price(k *cert.Key) int {
	switch {
	case k.Algorithm == cert.RSA && k.Bits > 4096:
		return 1 + k.Bits/512*k.Bits/4096
	case k.Curve == "P-384":
		return 14
	case k.Curve == "P-521", k.Curve == "P-224":
		return 60
	}
	return 1
}
