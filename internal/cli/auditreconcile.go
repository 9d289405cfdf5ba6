package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/inventory"
	"github.com/certassay/certassay/internal/probe/dns"
	"github.com/certassay/certassay/internal/probe/ledger"
)

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
				return exit.Failed(err)
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
			return exit.Failed(err)
		}
		return nil
	}
	if names := shownNames(e); e.Log.Certificate() && len(names) > 0 {
		r.Target = strings.Join(names[:min(len(names), 3)], ", ") + " in " + r.Target
	}
	return s.take(e, j)
}
