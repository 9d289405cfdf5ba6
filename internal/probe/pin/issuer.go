package pin

import (
	"slices"

	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/trust"
)

// issuer compares who issued the leaf with who may.
func (in *Input) issuer(f *facts.Expect, e *expect.Expectation, paths []path) {
	m := prints{}
	reason := ""
	ok := false
	for _, p := range paths {
		if p.vouched && f.IssuedBy == "" {
			by := p.issuers()[0]
			f.IssuedBy = by.Subject.String()
			if key := keyText(by); key != nil {
				f.IssuedBy += " (" + *key + ")"
			}
		}
	}
	for _, i := range e.Issuers {
		if i.CA != "" {
			known, claimed := in.operator(i.CA, paths, &ok)
			switch {
			case claimed:
				reason = reasonClaimed
			case !known:
				reason = reasonOperator
			}
			continue
		}
		for _, p := range paths {
			for _, c := range p.issuers() {
				switch {
				case !m.of(c).meets(i.Key):
				case p.vouched:
					ok = true
				default:
					reason = reasonUnvouched
				}
			}
		}
	}
	if !ok && reason == "" && !in.complete(paths) {
		reason = reasonIncomplete
	}
	if !ok && reason != "" {
		in.unknown("issuer_allowed", reason)
		return
	}
	f.IssuerOK = &ok
}

// operator says whether the CA that issued the leaf goes by an identifier of CAA
// records, and sets ok where it does. known is false where the table has no
// answer: the identifier is nobody's in it, or the issuing CA is not. claimed says
// that a CA above the leaf bears the name of one that does, and that its key is
// not known to be that one's.
func (in *Input) operator(identifier string, paths []path, ok *bool) (known, claimed bool) {
	owners := trust.CAAIdentified(identifier)
	if len(owners) == 0 {
		return false, false
	}
	known = true
	for _, p := range paths {
		if !p.vouched || p.Anchor != string(trust.Public) {
			continue
		}
		for _, c := range p.issuers() {
			if slices.ContainsFunc(in.Trust.Operators(c), func(o trust.CAAOwner) bool { return o.Recognises(identifier) }) {
				*ok = true
				return true, false
			}
			claimed = claimed || slices.ContainsFunc(owners, func(o trust.CAAOwner) bool { return o.Issues(c.Subject.Organizations()) })
		}
		// An issuing CA under a name of its own may belong to anybody.
		known = known && slices.ContainsFunc(p.issuers()[0].Subject.Organizations(), func(o string) bool { return len(trust.CAAOwners(o)) > 0 })
	}
	return known, claimed
}
