package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/probe/vantage"
	"github.com/certassay/certassay/internal/report"
)

// A comparison is what compare found, certassay/comparison/v1. Fields are only
// ever added.
type comparison struct {
	Schema   string            `json:"schema"`
	Tool     report.Tool       `json:"tool"`
	Run      evidence.Run      `json:"run"`
	Sources  []*source         `json:"sources"`
	Services []*seenService    `json:"services"`
	Findings []finding.Finding `json:"findings"` // of the comparison; those of single chains are counted

	byName  map[string]*seenService
	explain func(string) (report.Rule, bool)
}

// A seenService is one service and the keys that it showed.
type seenService struct {
	Service string     `json:"service"`
	Places  int        `json:"places"` // vantages that saw a certificate
	Keys    []*seenKey `json:"keys"`
	// Unseen are the vantages that met no certificate.
	Unseen []string `json:"unseen,omitempty"`
	places map[string]bool
}

// A seenKey is one leaf key and who vouches for it.
type seenKey struct {
	SPKI         string          `json:"spki_sha256"`
	Anchor       string          `json:"anchor"`
	Logged       *bool           `json:"logged"` // null where it could not be checked
	Verdict      finding.Verdict `json:"verdict"`
	Subject      string          `json:"subject"`
	Issuer       string          `json:"issuer"`
	Certificates []string        `json:"certificates"`
	Rules        []string        `json:"rules"` // findings of class forgery, interception, misissuance
	Seen         []*sighting     `json:"seen"`
}

// A sighting is where a key was seen, and from when to when.
type sighting struct {
	Vantage string    `json:"vantage"`
	Address string    `json:"address,omitempty"`
	Hello   string    `json:"hello,omitempty"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Times   int       `json:"times"`
}

func newComparison(s *session, sources []*source) *comparison {
	return &comparison{
		Schema: "certassay/comparison/v1", Tool: s.tool(), Sources: sources, Services: []*seenService{}, Findings: []finding.Finding{},
		byName: map[string]*seenService{}, explain: s.auditor.Explain,
	}
}

// add takes in one judged subject.
func (c *comparison) add(e *evidence.Subject, j audit.Judged) {
	name := vantage.Service(e)
	if name == "" {
		return
	}
	s := c.byName[name]
	if s == nil {
		s = &seenService{Service: name, Keys: []*seenKey{}, places: map[string]bool{}}
		c.byName[name] = s
		c.Services = append(c.Services, s)
	}
	if j.Answer == nil {
		s.Unseen = append(s.Unseen, e.Vantage)
		return
	}
	s.places[e.Vantage] = true
	k := s.key(j)
	at := slices.IndexFunc(k.Seen, func(o *sighting) bool {
		return o.Vantage == e.Vantage && o.Address == e.Address && o.Hello == j.Answer.Hello
	})
	if at < 0 {
		k.Seen = append(k.Seen, &sighting{Vantage: e.Vantage, Address: e.Address, Hello: j.Answer.Hello, First: e.Seen, Last: e.Seen, Times: 1})
		return
	}
	o := k.Seen[at]
	o.Times++
	if e.Seen.Before(o.First) {
		o.First = e.Seen
	}
	if e.Seen.After(o.Last) {
		o.Last = e.Seen
	}
}

// key is the entry of the key that a subject showed, with what speaks for and
// against it: of several chains the gravest verdict and the best voucher.
func (s *seenService) key(j audit.Judged) *seenKey {
	leaf := j.Certificates[0]
	spki := cert.PinOf(j.Answer.Key)
	at := slices.IndexFunc(s.Keys, func(k *seenKey) bool { return k.SPKI == spki })
	if at < 0 {
		at = len(s.Keys)
		s.Keys = append(s.Keys, &seenKey{
			SPKI: spki, Anchor: j.Subject.Anchor, Verdict: j.Subject.Verdict, Subject: leaf.Subject, Issuer: leaf.Issuer,
			Logged: j.Answer.Logged, Certificates: []string{}, Rules: []string{}, Seen: []*sighting{},
		})
	}
	k := s.Keys[at]
	if j.Subject.Verdict.Worse(k.Verdict) {
		k.Verdict = j.Subject.Verdict
	}
	if j.Answer.Anchored {
		k.Anchor = j.Subject.Anchor
	}
	if j.Answer.Logged != nil && (k.Logged == nil || *j.Answer.Logged) {
		k.Logged = j.Answer.Logged
	}
	if !slices.Contains(k.Certificates, leaf.Hash) {
		k.Certificates = append(k.Certificates, leaf.Hash)
	}
	for _, f := range j.Subject.Findings {
		if f.Class.Accuses() && f.Waiver == nil && !slices.Contains(k.Rules, f.Rule) {
			k.Rules = append(k.Rules, f.Rule)
		}
	}
	return k
}

// finish counts places and sorts sightings. It says whether any service was seen
// from two places or showed two keys.
func (c *comparison) finish() (compared bool) {
	for _, s := range c.Services {
		s.Places = len(s.places)
		slices.Sort(s.Unseen)
		s.Unseen = slices.Compact(s.Unseen)
		compared = compared || s.Places > 1 || len(s.Keys) > 1
		for _, k := range s.Keys {
			slices.SortStableFunc(k.Seen, func(a, b *sighting) int { return a.First.Compare(b.First) })
		}
	}
	return compared
}

func (c *comparison) write(w io.Writer, format string) error {
	if format == "json" {
		enc := json.NewEncoder(w)
		enc.SetIndent("", " ")
		return enc.Encode(c)
	}
	return c.text(w)
}

// text writes the services, those with several keys first.
func (c *comparison) text(w io.Writer) error {
	var b strings.Builder
	list := slices.Clone(c.Services)
	slices.SortStableFunc(list, func(x, y *seenService) int { return cmp.Compare(min(len(y.Keys), 2), min(len(x.Keys), 2)) })
	for _, s := range list {
		s.text(&b)
	}
	for _, f := range c.Findings {
		fmt.Fprintf(&b, "%s  %s\n  %s\n", strings.ToUpper(f.Severity.String()), f.Rule, report.Escape(f.Message))
		if r, ok := c.explain(f.Rule); ok {
			fmt.Fprintf(&b, "  What to do: %s\n", strings.TrimSpace(r.Remediation))
		}
		b.WriteString("\n")
	}
	several := 0
	for _, s := range c.Services {
		if len(s.Keys) > 1 {
			several++
		}
	}
	fmt.Fprintf(&b, "Services: %d, from %d files; with several keys: %d. Findings of the comparison: %d.\n", len(c.Services), len(c.Sources), several, len(c.Findings))
	_, err := io.WriteString(w, b.String())
	return err
}

func (s *seenService) text(b *strings.Builder) {
	fmt.Fprintf(b, "%s  keys: %d, seen from: %d\n", report.Escape(s.Service), len(s.Keys), s.Places)
	for _, k := range s.Keys {
		fmt.Fprintf(b, "  %s\n    %s; root: %s; %s; issuer %s\n", k.SPKI, k.Verdict, k.Anchor, loggedText(k.Logged), report.Escape(k.Issuer))
		if len(k.Rules) > 0 {
			fmt.Fprintf(b, "    against it: %s\n", strings.Join(k.Rules, ", "))
		}
		for _, o := range k.Seen {
			how := ""
			if o.Hello != "" && o.Hello != "default" {
				how = " (" + o.Hello + ")"
			}
			fmt.Fprintf(b, "    %s  %s%s  %s\n", report.Escape(o.Vantage), report.Escape(o.Address), report.Escape(how), period(o.First, o.Last))
		}
	}
	for _, v := range s.Unseen {
		fmt.Fprintf(b, "  no certificate from %s\n", report.Escape(v))
	}
	b.WriteString("\n")
}

func loggedText(logged *bool) string {
	switch {
	case logged == nil:
		return "logged: could not be checked"
	case *logged:
		return "logged"
	}
	return "in no log"
}

// period writes when something was seen, to the minute.
func period(first, last time.Time) string {
	const layout = "2006-01-02 15:04"
	if first.IsZero() {
		return "at an unknown time"
	}
	if last.Sub(first) < time.Minute {
		return first.UTC().Format(layout)
	}
	return first.UTC().Format(layout) + " to " + last.UTC().Format(layout)
}
