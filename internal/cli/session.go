package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/given"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/cli/logs"
	"github.com/certassay/certassay/internal/cli/stream"
	"github.com/certassay/certassay/internal/cli/version"
	"github.com/certassay/certassay/internal/collect/aia"
	"github.com/certassay/certassay/internal/collect/dns"
	"github.com/certassay/certassay/internal/collect/fetch"
	"github.com/certassay/certassay/internal/collect/localfile"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/probe/key/known"
	"github.com/certassay/certassay/internal/probe/vantage"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/rule"
	"github.com/certassay/certassay/internal/trust"
	"github.com/certassay/certassay/internal/waive"
)

// A session is one run of scan or check: what it judges by and where its
// reports go. Everything a user can get wrong is found while it is made, before
// the first packet or certificate.
type session struct {
	cfg     *config.Config
	rules   *rule.Set
	leftOut []string        // rules that the selection leaves out
	active  map[string]bool // rules that run, where there is a baseline
	trust   *trust.Store
	logs    *ct.LogList
	// chosen are the logs that --log names, asked by ctFlags.
	chosen  []*logs.Choice
	ctFlags logs.Flags
	// promises are what logs did not keep, each once; by id.
	promises map[string]*evidence.Subject
	known    known.Tables
	waivers  *waive.List
	baseline *waive.Baseline
	// met are the CA certificates of all files or servers, to complete chains with.
	met      aia.Pool
	held     *holder                    // what waits for others
	offers   map[string][]vantage.Offer // what services agreed to in the baseline
	owner    *owner                     // nil without an inventory
	auditor  *audit.Auditor
	resolver *dns.Resolver // nil where DNS is not asked
	cache    *fetch.Cache  // nil where nothing is kept
	run      evidence.Run
	out      *outputs
	bundle   *bundleFile // nil where none is written
	observer *observer   // nil where nothing is kept
	summary  report.Summary
	// compared counts against the baseline; sources are where its subjects are
	// listed now. Both are nil without one.
	compared *report.Baseline
	sources  map[string]*report.Source
	warnings []report.Warning
	// aged says that evidence was met that is older or newer than At.
	aged bool
	// passwords open key stores.
	passwords []string
	// references are the chains that the run is compared with.
	references [][]evidence.DER
	// What the exit code depends on.
	atBar, incomplete bool
	concluded         bool // all certificates of the run were compared
	contacted         map[string]bool
	unasked           atomic.Int64 // subjects that third parties were not asked about
	stderr            io.Writer
	terminal          bool // stderr is one, and may show progress
}

// newSession checks everything and opens every output. at is the time of
// judgement where none was asked for; subjects is how many are expected, 0 for
// unknown. o is the inventory to judge by, or nil.
func (c *command) newSession(ctx context.Context, cfg *config.Config, run evidence.Run, subjects int, o *owner) (*session, error) {
	_, watched := stream.Terminal(c.Streams.Err)
	s := &session{cfg: cfg, run: run, owner: o, contacted: map[string]bool{}, stderr: c.Streams.Err, terminal: watched && !cfg.Quiet}
	if !cfg.At.IsZero() {
		s.run.At = cfg.At
	}
	if err := s.load(ctx, c); err != nil {
		if ctx.Err() != nil { // nothing that was written is wrong
			return nil, exit.With(exit.Interrupted, exit.ErrInterrupted)
		}
		return nil, exit.Usage(err)
	}
	var expected func(*evidence.Subject) *audit.Expected
	if o != nil {
		expected = o.expected
	}
	s.held = newHolder(s)
	s.auditor = audit.New(audit.Options{
		Expect: expected, Completer: s.held,
		Enrichers: s.enrichers(), Rules: s.rules, Trust: s.trust, Logs: s.logs, KnownKeys: s.known, At: s.run.At, Waivers: s.waivers, Baseline: s.baseline,
	})
	for _, chain := range s.references {
		s.auditor.Refer(chain)
	}
	s.references = nil
	for service, list := range s.offers {
		for _, o := range list {
			s.auditor.ReferOffer(service, o)
		}
	}
	var err error
	if s.out, err = c.openOutputs(cfg, s.targetsFile(), s.auditor.Explain, subjects); err != nil {
		return nil, exit.Usage(err)
	}
	if cfg.Evidence != "" {
		if s.bundle, err = createBundle(cfg.Evidence); err != nil {
			return nil, exit.Usage(err)
		}
	}
	if cfg.Store != "" {
		if s.observer, err = newObserver(ctx, cfg.Store); err != nil {
			s.out.discard()
			return nil, exit.Failed(err)
		}
	}
	return s, s.out.begin(s.tool(), s.run)
}

func (s *session) warn(message, hint string) {
	s.warnings = append(s.warnings, report.Warning{Message: message, Hint: hint})
}

// warnRead takes what reading files gave to be known.
func (s *session) warnRead(w localfile.Warning) { s.warn(w.Text, w.Hint) }

func (s *session) tool() report.Tool {
	data := map[string]string{"roots": trust.MozillaDate, "log_list": given.LogListDate(s.logs), "revoked_cas": s.trust.RevokedDate()}
	if date := s.trust.CADataDate(); date != "" {
		data["ca_data"] = date
	}
	return report.Tool{
		Version: version.String(), RulesDigest: s.rules.Digest(),
		Data:         data,
		RulesLeftOut: s.leftOut, LeastSeverity: leastSeverity(s.cfg),
	}
}

// leastSeverity is the severity below which findings are not shown; none where
// all are.
func leastSeverity(cfg *config.Config) finding.Severity {
	if cfg.Severity <= finding.Info {
		return finding.NoSeverity
	}
	return cfg.Severity
}

// leftOut are the rules that would have run and that the selection leaves out.
func leftOut(all, selected *rule.Set) (ids []string) {
	asked := map[string]bool{}
	for _, r := range selected.Active() {
		asked[r.ID] = true
	}
	for _, r := range all.Active() {
		if !asked[r.ID] {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// compare notes what the baseline needs to know of a subject that was judged.
func (s *session) compare(r *report.Subject) {
	if s.baseline == nil {
		return
	}
	if s.active == nil {
		s.active = map[string]bool{}
		for _, r := range s.rules.Active() {
			s.active[r.ID] = true
		}
	}
	s.compared.Count(r)
	if r.Source != nil {
		s.sources[r.ID] = r.Source
	}
	s.baseline.Saw(r.ID, r.Whole(), func(id string) bool { return s.active[id] && r.Decided(id) })
}

// settle tells what became of the baseline's findings. whole says that all
// subjects were compared with each other.
func (s *session) settle(whole bool) {
	if s.baseline == nil {
		return
	}
	whole = whole && s.baseline.Whole(audit.Corpus)
	s.baseline.Saw(audit.Corpus, whole, func(id string) bool { return s.active[id] })
	changes := func(list []waive.Past) []report.Change {
		out := make([]report.Change, len(list))
		for i, p := range list {
			out[i] = report.Change{Subjects: p.Subjects, Finding: p.Finding}
			for _, id := range p.Subjects {
				if out[i].Source == nil {
					out[i].Source = s.sources[id]
				}
			}
		}
		return out
	}
	resolved, unchecked := s.baseline.Settle()
	s.compared.Resolved, s.compared.Unchecked = changes(resolved), changes(unchecked)
}

// take is the sink of the pipeline.
func (s *session) take(e *evidence.Subject, j audit.Judged) error {
	if s.bundle != nil {
		if err := s.bundle.add(e); err != nil {
			return exit.Failed(err)
		}
	}
	if s.observer != nil {
		if err := s.observer.add(e, j); err != nil {
			return exit.Failed(err)
		}
	}
	for i := range e.Handshakes {
		s.contact(e.Handshakes[i].Address)
	}
	for i := range e.Fetches {
		s.contact(e.Fetches[i].Address)
	}
	s.contactIndex(e)
	s.notePromises(e)
	s.noteServed(e, j.Subject.Verdict)
	for _, server := range askedOf(e) {
		s.contact(server)
	}
	return s.write(e, j)
}

// contact notes who was contacted.
func (s *session) contact(address string) {
	if address != "" && !s.contacted[address] {
		s.contacted[address] = true
		s.run.Contacted = append(s.run.Contacted, address)
	}
}

// write weighs a subject and adds it to the reports.
func (s *session) write(e *evidence.Subject, j audit.Judged) error {
	s.weigh(e, j)
	j.Subject.Findings = slices.DeleteFunc(j.Subject.Findings, func(f finding.Finding) bool { return f.Severity < s.cfg.Severity })
	s.compare(j.Subject)
	s.summary.Add(j.Subject)
	return s.out.subject(j.Subject, j.Certificates)
}

// weigh notes what the exit code depends on. It looks at all findings, also at
// those that are not shown.
func (s *session) weigh(e *evidence.Subject, j audit.Judged) {
	r := j.Subject
	var fresh []finding.Finding
	for _, f := range r.Findings {
		if f.Waiver == nil && f.Status == finding.New {
			fresh = append(fresh, f)
		}
	}
	bar := s.failOn(e)
	for _, f := range fresh {
		s.atBar = s.atBar || bar.Severity != finding.NoSeverity && f.Severity >= bar.Severity
	}
	verdict := verdictOf(e, fresh, r.Inconclusive, j.Collected)
	s.atBar = s.atBar || bar.Verdict != "" && !bar.Verdict.Worse(verdict)
	// Two weak signs, neither of them at the bar, make a subject suspicious
	// together: an exit code of 0 would call that clean.
	if bar.Severity != finding.NoSeverity && bar.Severity <= finding.High && accused(r.Verdict) {
		s.atBar = s.atBar || accused(verdict) || len(fresh) > 0 && !accused(verdictOf(e, inBaseline(r.Findings), nil, true))
	}
	if !s.cfg.AllowUnreachable || !unreachable(e) {
		s.incomplete = s.incomplete || !r.Complete || r.Verdict == finding.Undetermined
	}
}

// verdictOf is the verdict that some findings of a subject give.
func verdictOf(e *evidence.Subject, findings []finding.Finding, gaps []finding.Gap, collected bool) finding.Verdict {
	if e.Kind == evidence.Corpus {
		return finding.JudgeTogether(findings, gaps)
	}
	return finding.Judge(findings, gaps, collected)
}

func accused(v finding.Verdict) bool { return v == finding.Forged || v == finding.Suspicious }

// inBaseline are the findings that the baseline has and nobody waived.
func inBaseline(findings []finding.Finding) (out []finding.Finding) {
	for _, f := range findings {
		if f.Waiver == nil && f.Status == finding.Known {
			out = append(out, f)
		}
	}
	return out
}

// unreachable says that nobody was there: no address, or no connection. Who takes
// the connection and then is silent, talks nonsense or offers no TLS may do so to
// hide, and is there.
func unreachable(e *evidence.Subject) bool {
	return e.Kind == evidence.Endpoint && !e.Collected() && len(e.Failures) > 0 &&
		!slices.ContainsFunc(e.Failures, func(f evidence.Failure) bool {
			return f.Stage != evidence.StageResolve && f.Stage != evidence.StageDial
		})
}

// notable says whether a subject is worth a look among many: its verdict accuses,
// or a finding is at the bar.
func (s *session) notable(r *report.Subject) bool {
	if accused(r.Verdict) {
		return true
	}
	bar := s.cfg.FailOn.Severity
	return slices.ContainsFunc(r.Findings, func(f finding.Finding) bool {
		return f.Waiver == nil && f.Status == finding.New && bar != finding.NoSeverity && f.Severity >= bar
	})
}

// barred says that a finding of the rule is at the bar.
func (s *session) barred(r *rule.Rule) bool {
	bar := s.cfg.FailOn.Severity
	return bar != finding.NoSeverity && r.Severity >= bar
}

// conclude judges all certificates of the run together.
func (s *session) conclude() error {
	j, ok := s.auditor.Conclude(s.comparing)
	s.concluded = !ok || j.Subject.Complete
	if s.terminal {
		fmt.Fprint(s.stderr, "\r\x1b[K")
	}
	if !ok {
		return nil
	}
	return s.write(&evidence.Subject{Kind: evidence.Corpus}, j)
}

// comparing shows how far the search for shared primes is: with 100 000 keys it
// takes a minute.
func (s *session) comparing(done, total int) {
	if s.terminal {
		fmt.Fprintf(s.stderr, "\rcomparing keys: %d %%", done*100/max(total, 1))
	}
}

// finish completes bundle and reports, and gives the exit code. cause is why the
// run ended early, or nil. now is when it ended.
func (s *session) finish(cause error, now time.Time) error {
	s.run.Finished = now
	s.sayUnasked()
	s.sayHeld()
	s.incomplete = s.incomplete || s.owner != nil && s.run.Command == "audit" && len(s.owner.Empty) > 0
	s.run.Complete = cause == nil && !s.incomplete
	s.settle(s.concluded)
	s.ownWarnings()
	var errs []error
	if s.bundle != nil {
		errs = append(errs, s.bundle.close(s.run))
	}
	if s.observer != nil {
		errs = append(errs, s.observer.close())
	}
	errs = append(errs, s.out.end(report.Ending{Run: s.run, Summary: s.summary, Warnings: s.warnings, Baseline: s.compared}))
	if !s.out.textShown {
		hint.Warn(s.stderr, s.warnings)
	}
	if err := errors.Join(errs...); err != nil {
		return exit.Failed(err)
	}
	return s.exitCode(cause)
}

func (s *session) exitCode(cause error) error {
	switch {
	case errors.Is(cause, exit.ErrInterrupted):
		return exit.With(exit.Interrupted, hint.With(errors.New("interrupted"), "the report holds what was finished, and says that it is incomplete"))
	case cause != nil:
		return exit.Failed(cause)
	case s.cfg.ExitZero:
		return nil
	case s.atBar:
		return exit.With(exit.Findings, nil)
	case s.incomplete:
		return exit.With(exit.Incomplete, nil)
	}
	return nil
}

// ownWarnings says which lists are empty, and which waivers have no effect any
// more.
func (s *session) ownWarnings() {
	if s.owner != nil && s.run.Command == "audit" {
		for _, p := range s.owner.Empty {
			s.warn(fmt.Sprintf("%s: the list holds no target", p), "nothing of it was checked; look at what writes it")
		}
	}
	if s.waivers == nil {
		return
	}
	for _, w := range s.waivers.Expired(s.run.At) {
		s.warn("expired, and no longer in effect: "+w.String(), "renew it with a new reason and date, or remove it")
	}
	whole := s.owner == nil || s.owner.whole && s.run.Command == "audit"
	for _, w := range s.waivers.Unused(s.run.At) {
		if w.TooWide() {
			s.warn("covers no certificate that is accused: "+w.String(), "name the key instead, spki: whoever answers there next would be accepted, too")
			continue
		}
		if !whole {
			continue // what it is for may be among what was left out
		}
		s.warn("waives nothing in this run: "+w.String(), "remove it if what it accepted is gone")
	}
}

// tellUnused says which flags of the command line nothing comes of.
func (c *command) tellUnused(cfg *config.Config) {
	for _, x := range cfg.Unused {
		hint.Warn(c.Streams.Err, []report.Warning{{Message: x.Error(), Hint: x.Hint()}})
	}
}
