package cli

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/collect/ctindex"
	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/inventory"
	"github.com/certassay/certassay/internal/probe/dns"
	"github.com/certassay/certassay/internal/probe/ledger"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/store"
)

// ctSources say where an audit learns what was logged.
type ctSources struct {
	state, since string
	sinceTime    time.Time // zero where no log is to be read
	indexes      []string  // KIND=URL
	parsed       []*ctindex.Index
	tokenFile    string
	token        string // a secret
	via          string
	way          ctFlags // of which only where via leads to
}

func (f *ctSources) asked() bool { return f.state != "" || f.since != "" || len(f.indexes) > 0 }

// check refuses what cannot be done before anybody is contacted.
func (f *ctSources) check(ctx context.Context, cfg *config.Config, now time.Time) (err error) {
	if f.state != "" {
		st, err := store.Read(ctx, f.state)
		if err == nil {
			err = st.Close()
		}
		if err != nil {
			return fmt.Errorf("--ct-state: %w", err)
		}
	}
	for _, text := range f.indexes {
		x, err := ctindex.Parse(text)
		if err != nil {
			return fmt.Errorf("--ct-index: %w", err)
		}
		f.parsed = append(f.parsed, x)
	}
	if err := f.checkToken(); err != nil {
		return err
	}
	if len(f.indexes) > 0 && !cfg.Online.Has(config.OnlineCT) {
		return &hinted{errors.New("--ct-index tells a third party your domains, which --online ct has to allow"), "add --online ct"}
	}
	if f.since == "" {
		return nil
	}
	if f.sinceTime, err = timeOrAgo(f.since, now); err != nil {
		return fmt.Errorf("--ct-since: %w", err)
	}
	files := len(cfg.Logs) > 0 && !slices.ContainsFunc(cfg.Logs, func(l string) bool { return !strings.HasPrefix(l, "file://") })
	if !cfg.Online.Has(config.OnlineCT) && !files {
		return &hinted{errors.New("--ct-since reads logs, which --online ct has to allow"), "add --online ct, or name archives only: --log file://DIR=KEY"}
	}
	return nil
}

// checkToken reads the token, and refuses one that is nobody's.
func (f *ctSources) checkToken() (err error) {
	if f.tokenFile == "" {
		return nil
	}
	if f.token, err = config.ReadToken(f.tokenFile); err != nil {
		return fmt.Errorf("--ct-index-token: %w", err)
	}
	var takes *ctindex.Index
	var refused error
	for _, x := range f.parsed {
		switch err := x.TakesToken(); {
		case err != nil:
			refused = err
		case takes != nil && takes.Origin() != x.Origin():
			return &hinted{fmt.Errorf("--ct-index-token: whose is it, of the %s or of the %s?", takes, x), "name one certspotter index"}
		default:
			takes = x
		}
	}
	if takes == nil {
		return &hinted{fmt.Errorf("--ct-index-token: %w", cmp.Or(refused, errNoIndex)), "it belongs to --ct-index certspotter=https://…"}
	}
	return nil
}

var errNoIndex = errors.New("no index was named")

// checkVia finds the way to logs and indexes.
func (f *ctSources) checkVia(c *command, cfg *config.Config) error {
	if f.via == "" {
		return nil
	}
	via, err := config.ParseVantage(f.via)
	if err != nil {
		return fmt.Errorf("--ct-via: %w", err)
	}
	f.way = ctFlags{sshConfig: cfg.SSHConfig, timeout: logTimeout}
	if err := f.way.goVia(c, via); err != nil {
		return fmt.Errorf("--ct-via: %w", err)
	}
	return nil
}

// A reconciliation holds what was logged for the domains of an inventory against
// what its servers show.
type reconciliation struct {
	sources ctSources
	domains []reconciledDomain
	served  []ledger.Served
	pins    []expect.Pin // all that the owner names
	// bindings are what CAA records say, each name once.
	bindings []ledger.Binding
	// above are certificates that came behind those, by subject.
	above map[string][]*cert.Certificate
	hosts map[string]bool // listed servers that showed a certificate
	// listed are the entries by host, and by "*." and the domain above it.
	listed map[string][]*inventory.Entry
	// told counts the certificates that were found, explained those of them that
	// are left out of the report.
	explained, told int
	// unproven is why it is not known of what has to be logged whether it is.
	unproven string
	// unwatched counts the keys of servers that a watch did not look for.
	unwatched int
}

type reconciledDomain struct {
	ledger.Domain
	group *inventory.Group
	place int // of the domain in the group
}

// newReconciliation takes the domains of the groups that are audited; nil where
// there are none.
func newReconciliation(inv *inventory.Inventory, entries []*inventory.Entry, whole bool) *reconciliation {
	r := &reconciliation{hosts: map[string]bool{}, above: map[string][]*cert.Certificate{}, listed: map[string][]*inventory.Entry{}, pins: pinsOf(inv)}
	for _, e := range inv.Entries() {
		for _, host := range hostsOf(e) {
			r.listed[host] = append(r.listed[host], e)
			if _, parent, found := strings.Cut(host, "."); found {
				r.listed["*."+parent] = append(r.listed["*."+parent], e)
			}
		}
	}
	for _, g := range inv.Groups {
		meant := whole || slices.ContainsFunc(entries, func(e *inventory.Entry) bool { return e.Group == g })
		if !meant {
			continue
		}
		for i, name := range g.Domains {
			d := reconciledDomain{Domain: ledger.Domain{Name: name, Keys: g.Terms().Expect.Keys, Required: requiredOf(g.Terms())}, group: g, place: i}
			if x := g.Issuance; x != nil {
				d.Zone, d.From, d.To, d.RenewAfter = x.Zone, x.From, x.To, x.RenewAfter
			}
			r.domains = append(r.domains, d)
		}
	}
	if len(r.domains) == 0 {
		return nil
	}
	return r
}

// longestPublic is how long a certificate of a public CA may be valid: what is valid
// now may be from before the limit went down (CA/Browser Forum ballot SC-081v3).
const longestPublic = 398 * 24 * time.Hour

// requiredOf is what is said of logs.
func requiredOf(t inventory.Terms) ledger.Required {
	r := ledger.Required{Logged: t.Expect.CT, Life: t.Expect.MaxValidity, Public: !t.TrustSaid}
	for _, name := range t.Trust {
		r.Public, r.Own = r.Public || name == expect.PublicAnchors, r.Own || name != expect.PublicAnchors
	}
	if r.Life == 0 && !r.Own {
		r.Life = longestPublic
	}
	return r
}

// find gives the domain that a certificate is of, the most specific first; nil
// where it is of none.
func (r *reconciliation) find(names []string) (best *reconciledDomain) {
	for i := range r.domains {
		d := &r.domains[i]
		if slices.ContainsFunc(names, d.Covers) && (best == nil || len(d.Name) > len(best.Name)) {
			best = d
		}
	}
	return best
}

// logged is what the owner says of a logged certificate: which CAs may have issued
// it. All else that is expected is expected of servers.
func (o *owner) logged(e *evidence.Subject) *audit.Expected {
	if o.reconciled == nil || len(e.Certificates) == 0 {
		return nil
	}
	names := ledger.Names(cert.Parse(e.Certificates[0]))
	d := o.reconciled.find(names)
	if d == nil {
		return nil
	}
	terms := d.group.Terms()
	x := &audit.Expected{Trust: o.view(terms.Trust), Source: o.source(d.group.DomainPlaces[d.place])}
	x.Expectation = &expect.Expectation{
		Issuers: o.issuersFor(d, names), Group: d.group.Name, Owner: terms.Expect.Owner, Place: d.group.DomainPlaces[d.place],
	}
	return x
}

// issuersFor are the CAs that may issue for all of these names: those of the
// listed servers that the names lead to, or else of the group. It is empty where
// any may issue for one of the owner's names.
func (o *owner) issuersFor(d *reconciledDomain, names []string) (out []expect.Issuer) {
	for _, name := range names {
		if o.reconciled.find([]string{name}) == nil {
			continue
		}
		var lists [][]expect.Issuer
		for _, e := range o.reconciled.listed[name] {
			lists = append(lists, e.Terms().Expect.Issuers)
		}
		if len(lists) == 0 {
			lists = append(lists, d.group.Terms().Expect.Issuers)
		}
		for _, list := range lists {
			if len(list) == 0 {
				return nil
			}
			out = append(out, list...)
		}
	}
	return out
}

// hostsOf are the names of an entry; none for a range of addresses.
func hostsOf(e *inventory.Entry) (out []string) {
	if e.Spec.Prefix().IsValid() {
		return nil
	}
	for t := range e.Spec.All() {
		out = append(out, t.Host)
	}
	return out
}

// noteServed remembers what a listed server showed. What is forged or suspicious
// explains nothing, as who answers in a server's place shows what he had issued,
// and is not what the server shows: that has not been seen then.
func (s *session) noteServed(e *evidence.Subject, v finding.Verdict) {
	if s.owner == nil || s.owner.reconciled == nil || e.Kind != evidence.Endpoint || len(e.Certificates) == 0 ||
		v == finding.Forged || v == finding.Suspicious {
		return
	}
	r := s.owner.reconciled
	host := e.Host
	if host == "" {
		host = e.Name
	}
	r.hosts[host], r.hosts[e.Name] = true, true
	seen := map[[32]byte]bool{}
	leaf := func(der evidence.DER) {
		if sum := der.SHA256(); !seen[sum] {
			seen[sum] = true
			r.served = append(r.served, ledger.Served{Host: host, Certificate: cert.Parse(der)})
		}
	}
	for _, b := range dns.Bindings(e) {
		if !slices.ContainsFunc(r.bindings, func(o ledger.Binding) bool { return o.Name == b.Name }) {
			r.bindings = append(r.bindings, ledger.Binding(b))
		}
	}
	leaf(e.Certificates[0])
	r.noteAbove(e.Certificates[1:])
	for i := range e.Handshakes {
		if h := &e.Handshakes[i]; len(h.Certificates) > 0 {
			leaf(h.Certificates[0])
		}
	}
}

// book puts the three ledgers together.
func (s *session) book(entries, logs []*evidence.Subject) *ledger.Book {
	r := s.owner.reconciled
	b := &ledger.Book{Served: r.served, Entries: entries, Logs: logs, Bindings: r.bindings, At: s.run.At}
	for _, d := range r.domains {
		b.Domains = append(b.Domains, d.Domain)
	}
	for _, e := range s.owner.Entries() {
		for _, host := range hostsOf(e) {
			b.Targets = append(b.Targets, ledger.Target{Host: host, Seen: r.hosts[host], Keys: e.Terms().Expect.Keys, Required: requiredOf(e.Terms())})
		}
	}
	for _, log := range s.logs.Logs() {
		if log.StateAt(s.run.At).Approved() {
			b.Approved = append(b.Approved, log)
		}
	}
	return b
}

// reconcile judges what was logged, beside what was served. Subjects are entries,
// and the logs that they are of.
func (s *session) reconcile(ctx context.Context, subjects []*evidence.Subject) error {
	var entries, logs []*evidence.Subject
	for _, e := range subjects {
		if e.Log.Certificate() {
			entries = append(entries, e)
		} else {
			logs = append(logs, e)
		}
	}
	l := ledger.Open(s.book(entries, logs))
	_, s.owner.reconciled.unproven = l.Wanted()
	s.auditor.Reconcile(l)
	judged, others := l.Judged()
	inBook := map[*evidence.Subject]bool{}
	for _, e := range append(slices.Clone(judged), others...) {
		inBook[e] = true
	}
	for _, e := range entries { // what no certificate can be read from
		if !inBook[e] {
			judged = append(judged, e)
		}
	}
	for _, e := range others {
		if s.bundle != nil {
			if err := s.bundle.add(e); err != nil {
				return failed(err)
			}
		}
	}
	return s.auditor.Check(ctx, slices.Values(append(judged, logs...)), s.takeLogged)
}

// loggedLater says that a subject of a bundle is to be judged once all is known
// that servers showed.
func (s *session) loggedLater(e *evidence.Subject) bool {
	return s.owner != nil && s.owner.reconciled != nil && e.Kind == evidence.LogEntry && e.Log != nil && e.Log.Promise == nil
}

// takeLogged leaves out of the report what is as it should be: a certificate that
// is explained, a log that was read. All is in the evidence.
func (s *session) takeLogged(e *evidence.Subject, j audit.Judged) error {
	r := j.Subject
	if e.Log.Certificate() {
		s.owner.reconciled.told++
	}
	if len(r.Findings) == 0 && r.Verdict == finding.OK && r.Complete {
		if e.Log.Certificate() {
			s.owner.reconciled.explained++
		}
		if s.bundle == nil {
			return nil
		}
		if err := s.bundle.add(e); err != nil {
			return failed(err)
		}
		return nil
	}
	if names := shownNames(e); e.Log.Certificate() && len(names) > 0 {
		r.Target = strings.Join(names[:min(len(names), 3)], ", ") + " in " + r.Target
	}
	return s.take(e, j)
}

// auditLogged reconciles where an inventory has domains and no server.
func (c *command) auditLogged(ctx context.Context, cfg *config.Config, run evidence.Run, o *owner) error {
	run.Vantage = "none"
	s, err := c.newSession(ctx, cfg, run, 0, o)
	if err != nil {
		return err
	}
	if err = c.reconcileNow(ctx, s); err == nil {
		err = s.conclude()
	}
	return s.finish(cause(ctx, err), audit.Now())
}

// reconcileNow reads the sources and reconciles.
func (c *command) reconcileNow(ctx context.Context, s *session) error {
	if s.owner == nil || s.owner.reconciled == nil {
		return nil
	}
	r := s.owner.reconciled
	if !r.sources.asked() {
		return nil
	}
	subjects, err := c.loggedNow(ctx, s)
	if err != nil {
		return err
	}
	if err := s.reconcile(ctx, subjects); err != nil {
		return err
	}
	s.sayReconciled(c)
	return nil
}

func (s *session) sayReconciled(c *command) {
	r := s.owner.reconciled
	if s.cfg.Quiet {
		return
	}
	var names []string
	for _, d := range r.domains {
		names = append(names, d.Name)
	}
	also := ""
	if len(r.sources.parsed) > 0 {
		also = " and indexes"
	}
	fmt.Fprintf(c.streams.Err, "certassay: note: %d certificates for %s were found in logs%s, %d of them are explained\n",
		r.told, report.Escape(strings.Join(names[:min(len(names), 5)], ", ")), also, r.explained)
	if r.unwatched > 0 {
		fmt.Fprintf(c.streams.Err, "certassay: note: ct watch does not look for %d keys that servers show: whether somebody else has a certificate over one is not known of its logs\n", r.unwatched)
	}
	if r.unproven != "" {
		fmt.Fprintf(c.streams.Err, "certassay: note: whether a log lacks what has to be logged (ct: required) cannot be said: %s\n", report.Escape(r.unproven))
	}
}

// loggedNow gives what the sources hold for the domains. What could not be read is
// a failure of the log that it is of.
func (c *command) loggedNow(ctx context.Context, s *session) (subjects []*evidence.Subject, err error) {
	r := s.owner.reconciled
	if r.sources.state != "" {
		if subjects, err = s.loggedInState(ctx, r); err != nil {
			return nil, failed(err)
		}
	}
	if r.sources.since != "" {
		more, err := c.loggedSince(ctx, s, r)
		if err != nil {
			return nil, err
		}
		subjects = append(subjects, more...)
	}
	more, err := c.loggedInIndexes(ctx, s, r)
	if err != nil {
		return nil, err
	}
	subjects = append(subjects, more...)
	// A log may be both watched and read.
	seen := map[string]bool{}
	subjects = slices.DeleteFunc(subjects, func(e *evidence.Subject) bool {
		if !e.Log.Certificate() {
			return false
		}
		k := e.ID // of an index
		if e.Log.Entry != nil {
			k = fmt.Sprintf("%x/%d", sha256.Sum256(e.Log.Key), e.Log.Entry.Index)
		}
		twice := seen[k]
		seen[k] = true
		return twice
	})
	return subjects, nil
}

// items are what is looked for: the domains, and the keys that the owner pins or
// that servers showed.
func (r *reconciliation) items() (out []string) {
	for _, d := range r.domains {
		out = append(out, d.Name)
	}
	for _, p := range r.pins {
		out = appendKey(out, p.String())
	}
	for _, s := range r.served {
		out = appendKey(out, servedPin(s.Certificate))
	}
	return out
}

// servedPin is the pin of a certificate's key; empty where it could not be read.
func servedPin(c *cert.Certificate) string {
	sum, ok := c.SPKISHA256()
	if !ok {
		return ""
	}
	return expect.Pin{Of: expect.SPKI, Hash: expect.SHA256, Sum: string(sum[:])}.String()
}

// owns says that a certificate is over a key that the owner pins or that a server
// showed.
func (r *reconciliation) owns(c *cert.Certificate) bool {
	if k := expect.Prints(c.SPKI); slices.ContainsFunc(r.pins, k.Match) {
		return true
	}
	key := servedPin(c)
	return key != "" && slices.ContainsFunc(r.served, func(s ledger.Served) bool { return servedPin(s.Certificate) == key })
}

func appendKey(items []string, pin string) []string {
	if item := "key:" + pin; strings.HasPrefix(pin, "sha256/") && !slices.Contains(items, item) {
		return append(items, item)
	}
	return items
}

// loggedSince reads what logs took since a time.
func (c *command) loggedSince(ctx context.Context, s *session, r *reconciliation) ([]*evidence.Subject, error) {
	matcher, err := ctlog.NewMatcher(r.items())
	if err != nil {
		return nil, usage(err)
	}
	choices := s.chosen
	if len(choices) == 0 {
		for _, log := range s.logs.Logs() {
			if approved(log) {
				choices = append(choices, &ctChoice{log: log})
			}
		}
	}
	flags := &searchFlags{ctFlags: s.ctFlags, from: -1, to: -1, last: -1, sinceTime: r.sources.sinceTime, since: r.sources.since}
	run := &searchRun{judgedRun: judgedRun{command: c, cfg: s.cfg, session: s}, flags: flags, matcher: matcher}
	found := make([]*searchLog, len(choices))
	each(len(choices), func(i int) { found[i] = run.one(ctx, choices[i]) })
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var out []*evidence.Subject
	now := audit.Now()
	for i, l := range found {
		for _, h := range l.hits {
			out = append(out, h.subject)
		}
		log := l.subject
		if log == nil {
			log = ctlog.LogSubject(choices[i].log, nil, nil, nil, now)
		}
		for _, g := range l.Gaps {
			log.Failures = append(log.Failures, unread(l.Log, g.From, g.To, g.Error))
		}
		if !l.Complete && len(l.Gaps) == 0 {
			log.Failures = append(log.Failures, logFailure(fmt.Sprintf("%s was not read as far as was asked for: %s%s", l.Log, l.Error, l.Warning)))
		}
		if l.Complete && l.head != nil {
			log.Log.Read = &evidence.Span{From: r.sources.sinceTime.UTC(), To: l.head.Time.UTC()}
			if !s.cfg.Quiet {
				fmt.Fprintf(c.streams.Err, "certassay: note: read %d entries of %s, all since %s up to %s\n",
					l.To-l.From, report.Escape(l.Log), timeOf(r.sources.sinceTime), timeOf(l.head.Time))
			}
		}
		s.contactLog(choices[i].log, choices[i].address)
		out = append(out, log)
	}
	return out, nil
}

func (s *session) contactLog(log *ct.Log, address string) {
	for _, a := range []string{address, log.Monitor, log.URL} {
		if _, rest, ok := strings.Cut(a, "://"); ok && !strings.HasPrefix(a, "file://") {
			host, _, _ := strings.Cut(rest, "/")
			s.contact(host)
			return
		}
	}
}

func logFailure(text string) evidence.Failure {
	return evidence.Failure{Stage: evidence.StageLog, Error: text, Hint: "nothing is known of what was not read: it may hold certificates for your domains"}
}

func unread(log string, from, to uint64, cause string) evidence.Failure {
	return logFailure(fmt.Sprintf("entries %d to %d of %s were not read: %s", from, to-1, log, cause))
}
