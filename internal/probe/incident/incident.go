// Package incident looks certificates up in the table of documented incidents,
// and the CAs above a leaf in the table of those that root programs decided
// against.
package incident

import (
	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/probe/signature"
	"github.com/certassay/certassay/internal/trust"
)

// maxSigners is how many keys of one name are tried: a state made eight roots
// of one name, and nobody else more than two.
const maxSigners = 16

// Incident gives the incident that a certificate belongs to, never nil. keyList
// is the list of known private keys that holds its key, or empty: lists are
// named after incidents.
//
// A certificate that is not on record is asked for its signer: whoever has the
// key of Superfish's root need not send that root along.
func Incident(c *cert.Certificate, keyList string, check *signature.Checker) *facts.Incident {
	if i, ok := trust.FindIncident(c); ok {
		return describe(i)
	}
	if i, ok := trust.NamedIncident(keyList); ok {
		i.Means, i.By, i.Record = trust.LeakedKey, trust.ByKey, keyList
		return describe(i)
	}
	if i, ok := signedBy(c, trust.Signers(&c.Issuer), check); ok {
		return describe(i)
	}
	return &facts.Incident{}
}

func signedBy(c *cert.Certificate, signers []trust.Signer, check *signature.Checker) (trust.Incident, bool) {
	for n, s := range signers {
		if n < maxSigners && check.Check(c, s.Certificate) == cert.Verified {
			return s.Incident, true
		}
	}
	return trust.Incident{}, false
}

func describe(i trust.Incident) *facts.Incident {
	f := &facts.Incident{
		ID: i.ID, Year: int64(i.Year), Title: i.Title, Account: i.Account,
		Means: string(i.Means), Record: i.Record, By: i.By,
	}
	if len(i.Sources) > 0 {
		f.Source = i.Sources[0]
	}
	return f
}
