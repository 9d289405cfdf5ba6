package cli

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/logs"
	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/probe/ledger"
	"github.com/certassay/certassay/internal/report"
)

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
	fmt.Fprintf(c.Streams.Err, "certassay: note: %d certificates for %s were found in logs%s, %d of them are explained\n",
		r.told, report.Escape(strings.Join(names[:min(len(names), 5)], ", ")), also, r.explained)
	if r.unwatched > 0 {
		fmt.Fprintf(c.Streams.Err, "certassay: note: ct watch does not look for %d keys that servers show: whether somebody else has a certificate over one is not known of its logs\n", r.unwatched)
	}
	if r.unproven != "" {
		fmt.Fprintf(c.Streams.Err, "certassay: note: whether a log lacks what has to be logged (ct: required) cannot be said: %s\n", report.Escape(r.unproven))
	}
}

// loggedNow gives what the sources hold for the domains. What could not be read is
// a failure of the log that it is of.
func (c *command) loggedNow(ctx context.Context, s *session) (subjects []*evidence.Subject, err error) {
	r := s.owner.reconciled
	if r.sources.state != "" {
		if subjects, err = s.loggedInState(ctx, r); err != nil {
			return nil, exit.Failed(err)
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
		out = appendKey(out, s.Certificate.Pin())
	}
	return out
}

// owns says that a certificate is over a key that the owner pins or that a server
// showed.
func (r *reconciliation) owns(c *cert.Certificate) bool {
	if k := expect.Prints(c.SPKI); slices.ContainsFunc(r.pins, k.Match) {
		return true
	}
	key := c.Pin()
	return key != "" && slices.ContainsFunc(r.served, func(s ledger.Served) bool { return s.Certificate.Pin() == key })
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
		return nil, exit.Usage(err)
	}
	choices := s.chosen
	if len(choices) == 0 {
		for _, log := range s.logs.Logs() {
			if logs.Approved(log) {
				choices = append(choices, &logs.Choice{Log: log})
			}
		}
	}
	flags := &searchFlags{Flags: s.ctFlags, from: -1, to: -1, last: -1, sinceTime: r.sources.sinceTime, since: r.sources.since}
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
			log = ctlog.LogSubject(choices[i].Log, nil, nil, nil, now)
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
				fmt.Fprintf(c.Streams.Err, "certassay: note: read %d entries of %s, all since %s up to %s\n",
					l.To-l.From, report.Escape(l.Log), timeOf(r.sources.sinceTime), timeOf(l.head.Time))
			}
		}
		s.contactLog(choices[i].Log, choices[i].Address)
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
