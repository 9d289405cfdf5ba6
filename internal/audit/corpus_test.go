package audit

import (
	"context"
	"slices"
	"testing"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/lab"
)

// concluded judges cases together and gives the rules that speak of the corpus.
func concluded(t *testing.T, known [][]byte, cases ...lab.Case) []string {
	t.Helper()
	return concludedOf(t, evidence.Chain, known, cases...)
}

// concludedOf is concluded for subjects of another kind.
func concludedOf(t *testing.T, kind evidence.Kind, known [][]byte, cases ...lab.Case) []string {
	t.Helper()
	a := auditor(t, shippedRules(t), cases[0].Roots, cases[0].At)
	var reference []evidence.DER
	for _, der := range known {
		reference = append(reference, der)
	}
	a.Refer(reference)
	subjects := func(yield func(*evidence.Subject) bool) {
		for _, c := range cases {
			s := subjectOf(c)
			s.Kind = kind
			if !yield(s) {
				return
			}
		}
	}
	if err := a.Check(context.Background(), subjects, func(*evidence.Subject, Judged) error { return nil }); err != nil {
		t.Fatal(err)
	}
	j, ok := a.Conclude(nil)
	var rules []string
	for _, f := range j.Subject.Findings {
		rules = append(rules, f.Rule)
		if f.Fingerprint == "" {
			t.Errorf("%s has no fingerprint", f.Rule)
		}
	}
	if ok != (len(rules) > 0) || ok && j.Subject.Verdict == finding.Undetermined {
		t.Errorf("Conclude = %v with verdict %s and rules %v", ok, j.Subject.Verdict, rules)
	}
	slices.Sort(rules)
	return rules
}

// A copy gives itself away beside its model, in either order, and whether the
// model is judged or only referred to; the model alone is silent.
func TestConclude(t *testing.T) {
	honest, renewed := caseNamed(t, "honest"), caseNamed(t, "honest-renewed-key")
	squid, sslsplit := caseNamed(t, "own-key-squid"), caseNamed(t, "untrusted-root-sslsplit")
	clone := caseNamed(t, "impostor-chain")
	for name, c := range map[string]struct {
		known [][]byte
		cases []lab.Case
		want  []string
	}{
		"one honest chain":        {nil, []lab.Case{honest}, nil},
		"the same twice":          {nil, []lab.Case{honest, honest}, nil},
		"a renewal":               {nil, []lab.Case{honest, renewed}, nil},
		"dates copied":            {nil, []lab.Case{honest, squid}, []string{"time-validity-copied"}},
		"dates copied, reversed":  {nil, []lab.Case{squid, honest}, []string{"time-validity-copied"}},
		"dates copied, reference": {honest.Chain, []lab.Case{squid}, []string{"time-validity-copied"}},
		"serial beside the model": {nil, []lab.Case{honest, sslsplit}, []string{"encoding-serial-near"}},
		"references alone":        {slices.Concat(honest.Chain, squid.Chain), []lab.Case{renewed}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := concluded(t, c.known, c.cases...)
			for _, rule := range c.want {
				if !slices.Contains(got, rule) {
					t.Errorf("rules = %v, want %s among them", got, rule)
				}
			}
			if len(c.want) == 0 && len(got) > 0 {
				t.Errorf("rules = %v, want none", got)
			}
		})
	}
	got := concluded(t, nil, honest, clone)
	for _, rule := range []string{"issuance-serial-reused", "key-identifier-reused", "time-validity-copied"} {
		if !slices.Contains(got, rule) {
			t.Errorf("a cloned chain beside its model gives %v, want %s among them", got, rule)
		}
	}
}

// Interceptors use one key for every host; so may one owner, for his own names.
func TestConcludeSharedKey(t *testing.T) {
	other := lab.New(lab.Config{Host: "www.bank.example"})
	mitm := caseNamed(t, "own-key-mitmproxy")
	elsewhere := lab.Case{Name: "elsewhere", Host: other.Host, At: mitm.At, Roots: mitm.Roots, Chain: [][]byte{forgedFor(other)}}
	if got := concluded(t, nil, mitm, elsewhere); !slices.Contains(got, "intercept-shared-key") {
		t.Errorf("one key for two domains gives %v, want intercept-shared-key", got)
	}
	sibling := lab.New(lab.Config{Host: "mail.lab.example"})
	near := lab.Case{Name: "sibling", Host: sibling.Host, At: mitm.At, Roots: mitm.Roots, Chain: [][]byte{forgedFor(sibling)}}
	if got := concluded(t, nil, mitm, near); slices.Contains(got, "intercept-shared-key") {
		t.Errorf("one key within a domain gives %v", got)
	}
}

// Leaves without any name stand for what they were shown for. One that is shown
// for everything is one appliance's, and so are those of private names.
func TestConcludeSharedKeyWithoutNames(t *testing.T) {
	mitm := caseNamed(t, "own-key-mitmproxy")
	nameless := func(host, serial string) lab.Case {
		l := lab.New(lab.Config{Host: host})
		ca := l.SelfSignedCA(lab.Named("O=Transit Filtering, CN=Transit Filtering CA"), lab.InterceptorKey())
		template := l.LeafTemplate()
		template.Issuer, template.Key, template.Serial = ca.Name, ca.Key, lab.SerialOf(serial)
		template.Drop("2.5.29.17")
		return lab.Case{Name: host, Host: host, At: mitm.At, Roots: mitm.Roots, Chain: [][]byte{template.Sign(ca.Key, "")}}
	}
	for _, tt := range []struct {
		name  string
		cases []lab.Case
		want  bool
	}{
		{"unrelated names", []lab.Case{nameless("www.bank.example", "1"), nameless("time.lab.example", "2")}, true},
		{"names of one domain", []lab.Case{nameless("www.bank.example", "1"), nameless("mail.bank.example", "2")}, false},
		{"private names", []lab.Case{nameless("printer.bank.internal", "1"), nameless("time.lab.local", "2")}, false},
		{"one certificate for all", []lab.Case{nameless("www.bank.example", "1"), nameless("time.lab.example", "1")}, false},
	} {
		for _, c := range tt.cases {
			if tt.cases[0].Name != c.Name && tt.name == "one certificate for all" {
				c.Chain[0] = tt.cases[0].Chain[0]
			}
		}
		if got := slices.Contains(concludedOf(t, evidence.Endpoint, nil, tt.cases...), "intercept-shared-key"); got != tt.want {
			t.Errorf("%s: intercept-shared-key found %v, want %v", tt.name, got, tt.want)
		}
	}
}

// Who intercepts signs for unrelated names with one key; an owner's CA for his own
// names, for private ones, and under a root that he names, may. A public CA does
// it all day, whether or not its certificates are in order.
func TestConcludeOneIssuer(t *testing.T) {
	l := lab.New(lab.Config{})
	ca := l.SelfSignedCA(lab.Named("O=Transit Filtering, CN=Transit Filtering CA"), lab.InterceptorKey())
	by := func(roots [][]byte, host string) lab.Case {
		template := l.LeafTemplate()
		template.Issuer, template.Serial = ca.Name, lab.SerialOf("one issuer "+host)
		template.Set(lab.SAN(host))
		return lab.Case{Name: host, Host: host, At: l.At, Roots: roots, Chain: [][]byte{template.Sign(ca.Key, ""), ca.DER}}
	}
	late := func(host string) lab.Case {
		public := lab.New(lab.Config{Host: host})
		return lab.Case{Name: host, Host: host, At: l.At.AddDate(1, 0, 0), Roots: public.Roots(), Chain: public.Chain()}
	}
	for _, tt := range []struct {
		name  string
		cases []lab.Case
		want  bool
	}{
		{"unrelated names", []lab.Case{by(nil, "www.bank.example"), by(nil, "time.lab.example")}, true},
		{"names of one domain", []lab.Case{by(nil, "www.bank.example"), by(nil, "mail.bank.example")}, false},
		{"private names", []lab.Case{by(nil, "www.bank.internal"), by(nil, "time.lab.local")}, false},
		{"the owner's root", []lab.Case{by([][]byte{ca.DER}, "www.bank.example"), by([][]byte{ca.DER}, "time.lab.example")}, false},
		{"expired under a known root", []lab.Case{late("www.bank.example"), late("time.lab.example")}, false},
	} {
		if got := slices.Contains(concluded(t, nil, tt.cases...), "intercept-one-issuer"); got != tt.want {
			t.Errorf("%s: intercept-one-issuer found %v, want %v", tt.name, got, tt.want)
		}
	}
}

// forgedFor is a leaf for the host of l under the key that the lab's mitmproxy
// case has.
func forgedFor(l *lab.Lab) []byte {
	ca := l.SelfSignedCA(lab.Named("O=Transit Filtering, CN=Transit Filtering CA"), lab.InterceptorKey())
	t := l.LeafTemplate()
	t.Issuer, t.Key, t.Serial = ca.Name, ca.Key, lab.SerialOf("forged "+l.Host)
	return t.Sign(ca.Key, "")
}

// An SCT that was copied is traced to the certificate that it was made for, where
// that one is at hand.
func TestReferOwnsSCT(t *testing.T) {
	c := caseNamed(t, "sct-copied")
	owner := lab.New(lab.Config{Host: "www.bank.example", At: c.At})
	found := func(refer bool) []string {
		a := labAuditor(t, shippedRules(t), c.Roots, c.At)
		if refer {
			var chain []evidence.DER
			for _, der := range owner.Chain() {
				chain = append(chain, der)
			}
			a.Refer(chain)
		}
		return ids(a.judge(subjectOf(c)))
	}
	const rule = "sct-transplanted/proof"
	if got := found(true); !slices.Contains(got, rule) {
		t.Errorf("with the owner at hand: %v, want %s among them", got, rule)
	}
	if got := found(false); slices.Contains(got, rule) {
		t.Errorf("without the owner: %v", got)
	}
}

// Who stands below a CA that is known, or was a root in its time, is no interceptor for
// signing much.
func TestUnderKnownCA(t *testing.T) {
	for name, tt := range map[string]struct {
		links []facts.Link
		want  bool
	}{
		"a known CA's key":         {[]facts.Link{{SignedBy: -1, SignedKnown: true}}, true},
		"above it":                 {[]facts.Link{{SignedBy: 1}, {SignedBy: -1, SignedKnown: true}}, true},
		"that of a root that went": {[]facts.Link{{SignedBy: 1}, {SignedBy: -1, SignedGone: true}}, true},
		"nobody's":                 {[]facts.Link{{SignedBy: 1}, {SignedBy: -1}}, false},
		"its own":                  {[]facts.Link{{SignedBy: 1}, {SignedBy: 1}}, false},
		"in a circle":              {[]facts.Link{{SignedBy: 1}, {SignedBy: 0}}, false},
		"of a stray one":           {[]facts.Link{{SignedBy: 2}, {SignedBy: -1, SignedKnown: true}, {SignedBy: -1}}, false},
	} {
		j := &judgement{facts: &facts.Facts{Chain: &facts.Chain{Links: tt.links}}}
		if got := j.underKnownCA(0); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}
