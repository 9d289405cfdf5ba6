package audit

import (
	"crypto/sha256"
	"strings"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/probe/sct"
	"github.com/certassay/certassay/internal/probe/vantage"
	"github.com/certassay/certassay/internal/trust"
)

// answer is what a subject says of its service; nil where there is nothing to
// compare.
func (j *judgement) answer(s *evidence.Subject) *vantage.Answer {
	service := vantage.Service(s)
	if service == "" || len(j.certs) == 0 || j.facts.Chain == nil {
		return nil
	}
	leaf := j.certs[0]
	a := &vantage.Answer{
		Service: service, Vantage: s.Vantage, Address: s.Address, Seen: s.Seen, Leaf: leaf.sha256,
		Key: sha256.Sum256(leaf.parsed.SPKI), Issuer: sha256.Sum256([]byte(leaf.parsed.Issuer.Normal())),
		Public:   j.facts.Chain.Anchor == string(trust.Public),
		Expected: expected(j.facts.Expect), Logged: logged(j.facts.SCTs), Offer: vantage.OfferOf(s),
	}
	a.Incomplete = !j.facts.Chain.IssuerSupplied && len(j.facts.SCTs) > 0
	a.Anchored = a.Public || j.facts.Chain.Anchor == string(trust.Inventory)
	if by := j.facts.Chain.Links[0].SignedBy; by >= 0 {
		a.Issuer = sha256.Sum256(j.certs[by].parsed.SPKI)
	}
	if len(s.Handshakes) > 0 {
		a.Hello = s.Handshakes[0].Profile
		return a
	}
	// Evidence from a report: the profile of a probe is in the ID, and the
	// handshake may have brought SCTs that are not at hand.
	_, hello, _ := strings.Cut(s.ID, "#")
	a.Hello, _, _ = strings.Cut(hello, "?")
	if a.Logged != nil && !*a.Logged {
		a.Logged = nil
	}
	return a
}

// logged says whether a log vouches for the leaf, nil where SCTs could not be
// verified. A log whose private key is published vouches for nothing.
func logged(scts []facts.SCT) *bool {
	if scts == nil {
		return nil
	}
	yes, undecided := false, false
	for i := range scts {
		yes = yes || scts[i].Verdict != nil && *scts[i].Verdict == sct.OK && !scts[i].Mimic
		undecided = undecided || scts[i].Verdict == nil
	}
	if !yes && undecided {
		return nil
	}
	return &yes
}

// expected says whether the leaf is what the owner expects, nil where nothing was
// said of it or that could not be decided.
func expected(e *facts.Expect) *bool {
	if e == nil || !e.Stated {
		return nil
	}
	var said *bool
	for _, ok := range []*bool{e.KeyMatches, e.IssuerOK, e.AnchorOK} {
		if ok != nil && (said == nil || *said) {
			said = ok
		}
	}
	return said
}

// explained says whether the owner expects the leaf; see [Judged.Explained].
func explained(e *facts.Expect) bool {
	if e == nil || len(e.Pins)+len(e.Issuers) == 0 {
		return false
	}
	for _, x := range []struct {
		said int
		ok   *bool
	}{{len(e.Pins), e.KeyMatches}, {len(e.Issuers), e.IssuerOK}, {len(e.Anchors), e.AnchorOK}} {
		if x.said > 0 && (x.ok == nil || !*x.ok) {
			return false
		}
	}
	return true
}
