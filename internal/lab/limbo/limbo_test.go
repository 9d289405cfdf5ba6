//go:debug x509negativeserial=1
package limbo

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/rule"
	"github.com/certassay/certassay/internal/trust"
	"github.com/certassay/certassay/rules"
)

// deliberate are the cases that are answered differently on purpose, by the
// start of their ids.
var deliberate = []struct{ prefix, reason string }{
	{"rfc5280::nc::permitted-dns-match-noncritical", "name constraints need not be critical: the Baseline Requirements allow it, and webpki::nc::permitted-dns-match-noncritical wants it accepted"},
	{"rfc5280::nc::invalid-dnsname-leading-period", "a DNS constraint with a leading dot is reported as medium: genuine public CAs have it, and OpenSSL and Go read it alike"},
	{"rfc5280::aki::cross-signed-root-missing-aki", "what an anchor says of its own issuer is not used, and cve::cve-2024-0567 wants such an anchor accepted"},
	{"rfc5280::ca-as-leaf", "a CA must not serve: webpki::ca-as-leaf wants the same refused"},
	{"pathlen::validation-ignores-pathlen-in-leaf", "its leaf is a CA, which must not serve: webpki::ca-as-leaf"},
	{"webpki::eku::ee-without-eku", "a leaf without extended key usage is reported as hygiene: RFC 5280 allows it, and rfc5280::eku::ee-without-eku wants it accepted"},
}

func TestLimbo(t *testing.T)     { run(t, "limbo.json") }
func TestBetterTLS(t *testing.T) { run(t, "bettertls-sample.json") }

// A tally counts right answers, and wrong ones in both directions.
type tally struct{ right, accepts, refuses int }

func (n *tally) add(got, want bool) {
	switch {
	case got == want:
		n.right++
	case got:
		n.accepts++
	default:
		n.refuses++
	}
}

func (n tally) String() string {
	return fmt.Sprintf("%d right, %d wrongly accepted, %d wrongly refused", n.right, n.accepts, n.refuses)
}

func run(t *testing.T, name string) {
	cases := load(t, name)
	set, err := rule.Load(rules.FS, rule.Options{})
	if err != nil {
		t.Fatal(err)
	}
	skipped := map[string]int{}
	explained := map[string]int{}
	var ours tally
	others := make(map[string]*tally)
	for _, c := range cases {
		if why := c.outOfScope(); why != "" {
			skipped[why]++
			continue
		}
		got, because := judge(t, set, &c)
		ours.add(got, c.wanted())
		for _, v := range verifiers {
			if others[v.name] == nil {
				others[v.name] = &tally{}
			}
			others[v.name].add(v.accepts(t, &c), c.wanted())
		}
		if got == c.wanted() {
			continue
		}
		if reason := explain(c.ID); reason != "" {
			explained[reason]++
			continue
		}
		t.Errorf("%s: accepted = %v, want %v: %s", c.ID, got, c.wanted(), because)
	}
	t.Logf("certassay: %v", ours)
	for _, v := range verifiers {
		if n := others[v.name]; n != nil {
			t.Logf("%s: %v", v.name, *n)
		}
	}
	list(t, "different on purpose", explained)
	list(t, "out of scope", skipped)
}

func list(t *testing.T, what string, counts map[string]int) {
	reasons := make([]string, 0, len(counts))
	for r := range counts {
		reasons = append(reasons, r)
	}
	sort.Strings(reasons)
	for _, r := range reasons {
		t.Logf("%s: %d: %s", what, counts[r], r)
	}
}

func explain(id string) string {
	for _, d := range deliberate {
		if strings.HasPrefix(id, d.prefix) {
			return d.reason
		}
	}
	return ""
}

// judge asks certassay. A chain counts as accepted when a public or inventory
// root vouches for it and there is no finding of severity high or critical
// outside class hygiene.
func judge(t *testing.T, set *rule.Set, c *testcase) (accepted bool, because string) {
	t.Helper()
	at := c.at(t)
	store, err := trust.New([]trust.Set{{Name: "limbo", Certificates: der(t, c.Trusted...)}}, nil)
	if err != nil {
		return false, err.Error()
	}
	a := audit.New(audit.Options{Rules: set, Trust: store, At: at})
	s := &evidence.Subject{ID: c.ID, Kind: evidence.Chain, Name: c.Name.Value}
	for _, b := range der(t, append([]string{c.Peer}, c.Intermediates...)...) {
		s.Certificates = append(s.Certificates, b)
	}
	subject := a.Judge(s).Subject
	against := serious(subject)
	anchored := subject.Anchor == string(trust.Public) || subject.Anchor == string(trust.Inventory)
	return anchored && len(against) == 0, fmt.Sprintf("anchor %s, verify %q, %v", subject.Anchor, subject.VerifyError, against)
}

// tooEarly are rules that do not count here: the suite judges live chains one
// second after their notBefore, when the logs had not seen them yet.
var tooEarly = []string{"time-clock-behind"}

func serious(s *report.Subject) (out []string) {
	for i := range s.Findings {
		f := &s.Findings[i]
		if !slices.Contains(tooEarly, f.Rule) && f.Class != finding.Hygiene && (f.Severity == finding.High || f.Severity == finding.Critical) {
			out = append(out, f.Rule)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
