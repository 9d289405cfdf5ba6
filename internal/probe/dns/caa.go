package dns

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/trust"
)

// The verdicts of CAA.
const (
	unrestricted = "unrestricted"
	allowed      = "allowed"
	forbidden    = "forbidden"
	undecided    = "undecided"
)

// backdating is how much earlier than the act a signature's inception and a
// certificate's notBefore may be written: an hour is usual, a day is met.
const backdating = 48 * time.Hour

// knownTags are the properties that a CA may be expected to understand: RFC 8659,
// RFC 9495, and those of the CA/Browser Forum and of mark certificates.
var knownTags = []string{"issue", "issuewild", "iodef", "issuemail", "contactemail", "contactphone", "issuevmc"}

// caa judges every name whose CAA was looked up; nil where none was.
func caa(in *Input) []facts.CAA {
	lookups := in.of(evidence.DNSForCAA)
	if len(lookups) == 0 {
		in.unknown("dns.caa", errors.New("there is no name in the certificate that CAA could be asked for"))
		return nil
	}
	out := []facts.CAA{}
	for _, l := range lookups {
		out = append(out, in.relevant(l))
	}
	return out
}

// relevant climbs through the answers to the set that applies, as RFC 8659 section
// 3 says, and judges the leaf's issuer by it.
func (in *Input) relevant(l *evidence.DNSLookup) facts.CAA {
	f := facts.CAA{Domain: l.Name, Issuer: issuerName(append(in.owners(), in.claimed()...))}
	security, signed := validated, true
	for name := dns.Fqdn(strings.TrimPrefix(l.Name, "*.")); name != "."; name = parent(name) {
		r, err := answerTo(l, name)
		if err != nil {
			in.unknown("dns.caa", err)
			return f
		}
		security = lesser(security, r.security)
		since := r.signedSince(dns.TypeCAA)
		issued, ok := in.issued()
		signed = signed && ok && !since.IsZero() && !since.Add(backdating).After(issued)
		if set := records[*dns.CAA](r); len(set) > 0 {
			f.FoundAt, f.Security, f.SignedBefore = strings.TrimSuffix(name, "."), &security, &signed
			in.apply(set, &f)
			return f
		}
	}
	f.Security, f.SignedBefore = &security, &signed
	decide(&f, unrestricted)
	return f
}

// answerTo is the answer to one name of the climb.
func answerTo(l *evidence.DNSLookup, name string) (*response, error) {
	for i := range l.Answers {
		a := &l.Answers[i]
		if a.Name == "" && a.Failure != nil { // nothing was asked
			return nil, errors.New(a.Failure.Error)
		}
		if a.Type == dns.TypeCAA && dns.CanonicalName(a.Name) == dns.CanonicalName(name) {
			return read(a)
		}
	}
	return nil, fmt.Errorf("CAA of %s was not asked for", name)
}

func parent(name string) string {
	next, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[next:]
}

// apply reads the records of a set and decides.
func (in *Input) apply(set []*dns.CAA, f *facts.CAA) {
	f.Named, f.Strangers, f.Accounts, f.Methods = []string{}, []string{}, []string{}, []string{}
	f.Mail, f.Reports, f.Critical = []string{}, []string{}, []string{}
	tag := "issue"
	for _, rr := range set {
		if strings.HasPrefix(f.Domain, "*.") && strings.EqualFold(rr.Tag, "issuewild") {
			tag = "issuewild"
		}
	}
	restricted := false
	for _, rr := range set {
		switch t := strings.ToLower(rr.Tag); {
		case t == tag:
			restricted = true
			permit(f, parseIssue(rr.Value))
		case t == "issuemail":
			if p := parseIssue(rr.Value); p.issuer != "" {
				f.Mail = append(f.Mail, p.issuer)
			}
		case t == "iodef":
			f.Reports = append(f.Reports, rr.Value)
		case rr.Flag&0x80 != 0 && !slices.Contains(knownTags, t):
			f.Critical = append(f.Critical, t)
		}
	}
	decide(f, in.weigh(f, restricted))
}

// permit adds a permission to those of a set.
func permit(f *facts.CAA, p permission) {
	if p.issuer == "" {
		return
	}
	if !slices.Contains(f.Named, p.issuer) {
		f.Named = append(f.Named, p.issuer)
		if len(trust.CAAIdentified(p.issuer)) == 0 {
			f.Strangers = append(f.Strangers, p.issuer)
		}
	}
	if v, ok := p.parameters["accounturi"]; ok {
		f.Accounts = append(f.Accounts, v)
	}
	if v, ok := p.parameters["validationmethods"]; ok {
		f.Methods = append(f.Methods, v)
	}
}

func decide(f *facts.CAA, verdict string) {
	f.Verdict = &verdict
	switch {
	case len(f.Named) > 0:
		f.Allows = strings.Join(f.Named, " or ")
	case verdict == unrestricted:
		f.Allows = "anybody"
	default:
		f.Allows = "nobody"
	}
	if verdict != undecided {
		yes := verdict != forbidden
		f.Allowed = &yes
	}
}

// weigh compares the issuer of the leaf with those that a set allows. A name that
// is not in our table may be anybody's, so that nobody can be said to be
// forbidden beside it. A tag that forbids issuance to whoever does not know it
// decides nothing: the CA may know it.
func (in *Input) weigh(f *facts.CAA, restricted bool) string {
	recognised := func(owners []trust.CAAOwner) bool {
		return slices.ContainsFunc(owners, func(o trust.CAAOwner) bool { return slices.ContainsFunc(f.Named, o.Recognises) })
	}
	switch {
	case len(f.Critical) > 0:
		return undecided
	case !restricted:
		return unrestricted
	case len(f.Named) == 0:
		return forbidden
	case recognised(in.owners()):
		return allowed
	case recognised(in.claimed()):
		in.unknown("dns.caa", errClaimed)
		return undecided
	case len(f.Strangers) > 0:
		return undecided
	case in.issuerSettled():
		return forbidden
	}
	return undecided
}

// errClaimed is why a permission for a name that the issuing CA bears counts for
// nothing by itself.
var errClaimed = errors.New("the issuing CA bears the name of a CA that CAA allows, below a root of another one, and its key is in no list of CAs: fetch one with \"certassay data update\", or name it with --ca-data")

// owners are the operators that issued the leaf: that of the issuing CA's key, and
// that of the root above it, on whose behalf it may act. There are none where the
// leaf reaches no root: its issuer is then but a claim.
func (in *Input) owners() (out []trust.CAAOwner) {
	if in.leaf() == nil || in.Chain == nil || !anchored(in.Chain) {
		return nil
	}
	for _, ca := range in.issuing() {
		out = append(out, in.Trust.Operators(ca)...)
	}
	for _, ca := range in.roots() {
		out = append(out, ownersOf(ca.Subject.Organizations())...)
	}
	return out
}

// claimed are the operators that the leaf's issuer is named after: whoever has the
// key of a CA chooses that name.
func (in *Input) claimed() []trust.CAAOwner {
	if in.leaf() == nil || in.Chain == nil || !anchored(in.Chain) {
		return nil
	}
	return ownersOf(in.leaf().Issuer.Organizations())
}

// issuing are the CAs whose keys signed the leaf, as far as they were served or
// are known.
func (in *Input) issuing() (out []*cert.Certificate) {
	if in.Trust == nil {
		return nil
	}
	candidates := in.Certificates[1:]
	for _, ca := range in.Trust.ByName(&in.leaf().Issuer) {
		candidates = append(slices.Clip(candidates), ca.Certificate)
	}
	for _, ca := range candidates[:min(len(candidates), maxIssuing)] {
		if ca.SPKI != nil && ca.Subject.Normal() == in.leaf().Issuer.Normal() && in.Signed(in.leaf(), ca) == cert.Verified {
			out = append(out, ca)
		}
	}
	return out
}

// maxIssuing bounds the signature checks for one leaf: a server can send a
// thousand certificates under one name.
const maxIssuing = 32

// issuerSettled says whether it is known who issued the leaf: an operator of the
// table, or a CA of the owner's, which none of the names in the table is.
func (in *Input) issuerSettled() bool {
	if in.leaf() == nil || in.Chain == nil {
		return false
	}
	byTable := len(ownersOf(in.leaf().Issuer.Organizations())) > 0
	return anchored(in.Chain) && byTable || in.Chain.Anchor == string(trust.Inventory)
}

func anchored(c *facts.Chain) bool {
	return c.Anchor == string(trust.Public) || c.Anchor == string(trust.Inventory)
}

func ownersOf(organizations []string) (out []trust.CAAOwner) {
	for _, o := range organizations {
		out = append(out, trust.CAAOwners(o)...)
	}
	return out
}

func issuerName(owners []trust.CAAOwner) string {
	if len(owners) == 0 {
		return "unknown"
	}
	return owners[0].Name
}
