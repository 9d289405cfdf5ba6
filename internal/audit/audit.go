package audit

import (
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/probe/chain"
	"github.com/certassay/certassay/internal/probe/corpus"
	"github.com/certassay/certassay/internal/probe/key"
	"github.com/certassay/certassay/internal/probe/key/known"
	"github.com/certassay/certassay/internal/probe/ledger"
	"github.com/certassay/certassay/internal/probe/log"
	"github.com/certassay/certassay/internal/probe/revocation"
	"github.com/certassay/certassay/internal/probe/sct"
	"github.com/certassay/certassay/internal/probe/signature"
	"github.com/certassay/certassay/internal/probe/vantage"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/rule"
	"github.com/certassay/certassay/internal/trust"
	"github.com/certassay/certassay/internal/waive"
)

// Options are what an Auditor judges by.
type Options struct {
	Rules *rule.Set
	Trust *trust.Store
	// Logs are the CT logs whose SCTs can be verified; nil means the embedded
	// list.
	Logs *ct.LogList
	// KnownKeys are where keys are looked up whose private half is public; the
	// zero value holds those that the program carries.
	KnownKeys known.Tables
	// At is the time of judgement; it must not be zero.
	At time.Time
	// Waivers and Baseline may be nil.
	Waivers  *waive.List
	Baseline *waive.Baseline
	// Enrichers add to evidence before it is judged, in this order. Evidence that
	// is replayed needs none: it holds what they added.
	Enrichers []Enricher
	// Completer, if not nil, completes chains of a scan with what other servers
	// showed.
	Completer Completer
	// Expect gives what an owner says of a subject, nil where nobody says
	// anything. It decides by what the subject was asked for, never by what was
	// seen, and gives the same answer when evidence is replayed. It may be nil,
	// and is called by several goroutines.
	Expect func(*evidence.Subject) *Expected
}

// Expected is what an owner says of one subject.
type Expected struct {
	// Expectation is what has to hold; nil where nothing was said. Group and
	// owner of it are passed on to reports.
	*expect.Expectation
	// Trust is what vouches for this subject: a view of [Options].Trust; nil
	// means all of it.
	Trust *trust.Store
	// Source is where the target was written, for reports; nil where that is
	// not known.
	Source *report.Source
}

// An Auditor judges subjects. It is safe for concurrent use.
type Auditor struct {
	rules      *rule.Set
	trust      *trust.Store
	logs       *ct.LogList
	at         time.Time
	waivers    *waive.List
	baseline   *waive.Baseline
	expect     func(*evidence.Subject) *Expected
	set        corpus.Set
	answers    vantage.Set
	references sct.Index // what SCTs may have been copied from
	memory     memory
	checker    signature.Checker
	points     cert.Points
	scts       sct.Verifier
	keys       key.Memory
	lists      revocation.Lists
	heads      log.Heads
	ledger     *ledger.Ledger // nil where nothing is reconciled
	screened   screenedChains
	sums       sums
	profiling  []*rule.Rule

	knownKeys known.Tables
	enrichers []Enricher
	completer Completer // nil where chains stay as they are
}

// New makes an Auditor.
func New(o Options) *Auditor {
	if o.Logs == nil {
		o.Logs = ct.Known()
	}
	if o.Expect == nil {
		o.Expect = func(*evidence.Subject) *Expected { return nil }
	}
	return &Auditor{
		rules: o.Rules, trust: o.Trust, logs: o.Logs, at: o.At.UTC(), waivers: o.Waivers, baseline: o.Baseline,
		expect: o.Expect, knownKeys: o.KnownKeys, enrichers: o.Enrichers, completer: o.Completer, profiling: profiling(o.Rules),
	}
}

// A judgement is what the rules say of one subject, before waivers.
type judgement struct {
	expected *Expected    // never nil
	trust    *trust.Store // what vouches for this subject
	certs    []*certificate
	// fetches are attempts to get issuers that were not served; issuers are all
	// certificates that may be one, served or fetched.
	fetches  []chain.Fetch
	issuers  []*cert.Certificate
	record   *facts.Log // nil where the subject is not of a log
	facts    *facts.Facts
	findings []finding.Finding
	gaps     []finding.Gap
	// behindLeaf says, for each gap, that it is about a certificate other than
	// the leaf alone.
	behindLeaf []bool
}

// judge turns evidence into facts and has the rules speak.
func (a *Auditor) judge(s *evidence.Subject) *judgement {
	j := &judgement{expected: a.expect(s), trust: a.trust}
	if j.expected == nil {
		j.expected = &Expected{}
	}
	if j.expected.Trust != nil {
		j.trust = j.expected.Trust
	}
	seen := map[[32]byte]bool{}
	for i, der := range s.Certificates {
		role := roleIssuer
		switch {
		case i == 0 && s.Kind == evidence.LogEntry:
			role = roleLogged
		case i == 0:
			role = roleLeaf
		}
		j.certs = append(j.certs, a.certificate(der, role, j.trust))
	}
	served := make([]*cert.Certificate, len(j.certs))
	for i, c := range j.certs {
		served[i] = c.parsed
	}
	record := log.Facts(&log.Input{Subject: s, Certificates: served, Logs: a.logs, Heads: &a.heads, At: a.at})
	// What a log hands out beside an entry is judged as the entry's only where
	// it belongs to it.
	belong := log.Belongs(record, len(j.certs))
	j.certs, j.issuers = j.certs[:belong], slices.Clone(served[:belong])
	j.fetches = a.fetches(s, j.trust)
	for _, f := range j.fetches {
		j.issuers = append(j.issuers, f.Certificates...)
	}
	for i, c := range j.certs {
		j.certs[i] = a.judged(c, j.issuers, j.trust)
	}
	j.record = record
	j.facts = a.chainFacts(s, j)
	j.facts.Log = record
	if record != nil {
		j.facts.Ledger = a.ledger.Facts(s, j.facts.Reasons)
		j.logged(a, s)
	}
	if len(j.certs) == 0 {
		j.silent(a, s)
		return j
	}
	for i, c := range j.certs {
		if seen[c.sha256] {
			continue
		}
		seen[c.sha256] = true
		results := c.results
		if i == 0 && len(j.facts.SCTs) > len(c.scts) {
			results = a.rules.Notable(nil, rule.ScopeCertificate, c.alone(&a.at, j.facts.SCTs))
		}
		j.add(results, c, "certificate "+hexOf(c.sha256))
	}
	j.judgeFetched(a, s, seen)
	leaf := j.certs[0]
	j.add(a.rules.Notable(nil, rule.ScopeChain, j.facts), leaf, leafIdentity(leaf))
	if s.Kind == evidence.Endpoint {
		j.add(a.rules.Notable(nil, rule.ScopeEndpoint, j.facts), leaf, "endpoint "+s.ID)
	}
	return j
}

// silent has the rules speak of an endpoint that showed no certificate: what came
// before TLS may tell. What they cannot decide is no news; nothing was collected.
func (j *judgement) silent(a *Auditor, s *evidence.Subject) {
	if s.Kind != evidence.Endpoint || len(s.Handshakes) == 0 {
		return
	}
	for _, r := range a.rules.Notable(nil, rule.ScopeEndpoint, j.facts) {
		if r.Outcome == finding.Found {
			f := r.Finding()
			f.Fingerprint = finding.Fingerprint(f.Rule, "endpoint "+s.ID)
			j.findings = append(j.findings, f)
		}
	}
}

// logged has the rules speak of a log, or of an entry of it.
func (j *judgement) logged(a *Auditor, s *evidence.Subject) {
	for _, r := range a.rules.Notable(nil, rule.ScopeLogEntry, j.facts) {
		switch r.Outcome {
		case finding.Inconclusive:
			j.gaps, j.behindLeaf = append(j.gaps, r.Gap()), append(j.behindLeaf, false)
		case finding.Found:
			f := r.Finding()
			identity := "log " + s.ID
			// What is said of a certificate holds in whatever log it is met, and
			// whether as precertificate or not.
			if issued, ok := a.ledger.Identity(s); ok && len(j.certs) > 0 && slices.ContainsFunc(r.Rule.Reads(), ofLedger) {
				identity, f.Certificate = "issued "+hexOf(issued), evidence.Hash(j.certs[0].sha256)
			}
			f.Fingerprint = finding.Fingerprint(f.Rule, identity)
			j.findings = append(j.findings, f)
		}
	}
}

func ofLedger(path string) bool { return strings.HasPrefix(path, "ledger.") }

// leafIdentity is the leaf's key where it has one: the identity of a chain
// finding survives a renewal with the same key, and never covers another key.
func leafIdentity(c *certificate) string {
	if c.facts.SPKISHA256 != nil {
		return "key " + *c.facts.SPKISHA256
	}
	return "certificate " + hexOf(c.sha256)
}

func (j *judgement) add(results []rule.Result, c *certificate, identity string) {
	for i := range results {
		r := &results[i]
		if r.Outcome == finding.Inconclusive {
			j.gaps = append(j.gaps, r.Gap())
			j.behindLeaf = append(j.behindLeaf, c != j.certs[0])
			continue
		}
		f := r.Finding()
		f.Certificate = evidence.Hash(c.sha256)
		f.Fingerprint = finding.Fingerprint(f.Rule, identity)
		j.findings = append(j.findings, f)
	}
}
