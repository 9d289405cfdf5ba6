// Package dns turns answers of name servers into facts: who may issue for a name
// (CAA), which certificates its server may show (TLSA), how it is to be reached
// (HTTPS), and what a mail domain demands of its servers (MTA-STS).
//
// Everything is read from the messages as received. An answer that is missing,
// an error, or not to the question that was asked makes the fact unknown: it is
// never taken for "no such record".
package dns

import (
	"cmp"
	"net/netip"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/trust"
)

// Input is what the facts are computed from.
type Input struct {
	Subject *evidence.Subject
	// Certificates are those of the subject; Chain is what was found of them, nil
	// where there are none.
	Certificates []*cert.Certificate
	Chain        *facts.Chain
	Trust        *trust.Store
	// Signed checks one certificate's signature with another's key.
	Signed func(c, issuer *cert.Certificate) cert.Outcome
	// Reasons takes why a fact is unknown, by its path.
	Reasons map[string]string
}

// The values of the facts named security.
const (
	validated = "validated"
	claimed   = "claimed"
	unsigned  = "unsigned"
)

// Facts gives what DNS says of a subject; it is never nil.
func Facts(in *Input) *facts.DNS {
	lookups := in.Subject.DNS
	f := &facts.DNS{MailDomain: in.mailDomain()}
	for i := range lookups {
		l := &lookups[i]
		for k := range l.Answers {
			if a := &l.Answers[k]; a.Resolver != "" {
				f.Resolver, f.Local = a.Resolver, a.Local
			}
		}
		switch l.Purpose {
		case evidence.DNSForMX, evidence.DNSForSRV:
			f.LedBy, f.LedBySecurity = string(l.Purpose), lookupSecurity(l)
		default:
			f.Asked = true
		}
	}
	if !f.Asked {
		const reason = "DNS was not asked about this subject (--online dns asks)"
		for _, fact := range []string{"dns.caa", "dns.tlsa", "dns.https", "dns.mta_sts"} {
			in.Reasons[fact] = reason
		}
		return f
	}
	f.CAA = caa(in)
	f.TLSA = tlsa(in)
	f.HTTPS = https(in)
	f.MTASTS = mtaSTS(in)
	return f
}

// lookupSecurity is the least of all answers of a lookup.
func lookupSecurity(l *evidence.DNSLookup) string {
	least := validated
	for i := range l.Answers {
		r, err := read(&l.Answers[i])
		if err != nil {
			return unsigned
		}
		least = lesser(least, r.security)
	}
	return least
}

// lesser is the less worth of two.
func lesser(a, b string) string {
	rank := map[string]int{validated: 2, claimed: 1}
	if rank[b] < rank[a] {
		return b
	}
	return a
}

// of gives the lookups for one purpose.
func (in *Input) of(purpose evidence.DNSPurpose) (out []*evidence.DNSLookup) {
	for i := range in.Subject.DNS {
		if in.Subject.DNS[i].Purpose == purpose {
			out = append(out, &in.Subject.DNS[i])
		}
	}
	return out
}

// unknown notes why a fact is unknown: the first reason stands.
func (in *Input) unknown(fact string, err error) {
	in.Reasons[fact] = cmp.Or(in.Reasons[fact], err.Error())
}

// address is the one that was reached.
func (in *Input) address() (netip.Addr, bool) {
	ap, err := netip.ParseAddrPort(in.Subject.Address)
	return ap.Addr().Unmap(), err == nil
}

// leaf is the first certificate, nil where there is none.
func (in *Input) leaf() *cert.Certificate {
	if len(in.Certificates) == 0 {
		return nil
	}
	return in.Certificates[0]
}

// issued is the leaf's notBefore; ok is false where it cannot be read.
func (in *Input) issued() (t time.Time, ok bool) {
	leaf := in.leaf()
	if leaf == nil || leaf.NotBeforeErr != nil {
		return t, false
	}
	return leaf.NotBefore, true
}
