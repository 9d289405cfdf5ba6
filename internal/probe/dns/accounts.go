package dns

import (
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/certassay/certassay/internal/evidence"
)

// A Binding is what CAA records say of the accounts that may order for a name (RFC
// 8657). It is for people: nothing here says whether the answers are genuine.
type Binding struct {
	// Name is the name, which may be a wildcard, and FoundAt where the records are
	// that apply to it; empty where there are none.
	Name, FoundAt string
	// Accounts are those that are named. Open says that a CA is named without one.
	Accounts []string
	Open     bool
}

// Bindings gives what was answered for the names of a subject. A name of which an
// answer is missing is left out.
func Bindings(s *evidence.Subject) (out []Binding) {
	in := &Input{Subject: s, Reasons: map[string]string{}}
	for _, l := range in.of(evidence.DNSForCAA) {
		if b, ok := bindingOf(l); ok {
			out = append(out, b)
		}
	}
	return out
}

func bindingOf(l *evidence.DNSLookup) (b Binding, ok bool) {
	b.Name = l.Name
	for name := dns.Fqdn(strings.TrimPrefix(l.Name, "*.")); name != "."; name = parent(name) {
		r, err := answerTo(l, name)
		if err != nil {
			return b, false
		}
		if set := records[*dns.CAA](r); len(set) > 0 {
			b.FoundAt = strings.TrimSuffix(name, ".")
			b.bind(set)
			return b, true
		}
	}
	return b, true
}

func (b *Binding) bind(set []*dns.CAA) {
	has := func(tag string) bool {
		return slices.ContainsFunc(set, func(rr *dns.CAA) bool { return strings.EqualFold(rr.Tag, tag) })
	}
	tag := "issue"
	if strings.HasPrefix(b.Name, "*.") && has("issuewild") {
		tag = "issuewild"
	}
	b.Open = !has(tag)
	for _, rr := range set {
		if !strings.EqualFold(rr.Tag, tag) {
			continue
		}
		p := parseIssue(rr.Value)
		switch account, bound := p.parameters["accounturi"]; {
		case p.issuer == "": // nobody
		case bound:
			b.Accounts = append(b.Accounts, account)
		default:
			b.Open = true
		}
	}
}
