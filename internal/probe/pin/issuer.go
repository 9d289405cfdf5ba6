package pin

import (
	"slices"

	"github.com/certassay/certassay/internal/cert"
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
		var known bool
		if i.CA != "" {
			known = operator(i.CA, paths, &ok)
			if !known {
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
// answer: the identifier is nobody's in it, or the issuing CA is not.
func operator(identifier string, paths []path, ok *bool) (known bool) {
	owners := trust.CAAIdentified(identifier)
	if len(owners) == 0 {
		return false
	}
	known = true
	for _, p := range paths {
		if !p.vouched || p.Anchor != string(trust.Public) {
			continue
		}
		if slices.ContainsFunc(p.issuers(), func(c *cert.Certificate) bool { return issues(owners, c) }) {
			*ok = true
			return true
		}
		// An issuing CA under a name of its own may belong to anybody.
		known = known && slices.ContainsFunc(p.issuers()[0].Subject.Organizations(), func(o string) bool { return len(trust.CAAOwners(o)) > 0 })
	}
	return known
}

func issues(owners []trust.CAAOwner, c *cert.Certificate) bool {
	return slices.ContainsFunc(owners, func(o trust.CAAOwner) bool { return o.Issues(c.Subject.Organizations()) })
}
