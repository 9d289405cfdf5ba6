package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/probe/ledger"
	"github.com/certassay/certassay/internal/store"
)

// staleWatch is how long ago a watch may have asked a log last.
const staleWatch = 24 * time.Hour

// loggedInState reads what "ct watch" has found: of certificates that have not
// expired all that is known, and of each log how far it was read.
func (s *session) loggedInState(ctx context.Context, r *reconciliation) (out []*evidence.Subject, err error) {
	st, err := store.Read(ctx, r.sources.state)
	if err != nil {
		return nil, err
	}
	defer func() { err = closing(err, st.Close()) }()
	err = st.View(ctx, func(tx *store.Tx) error {
		watched, err := tx.Watched()
		if err != nil {
			return err
		}
		since := s.unwatched(r, watched)
		s.unwatchedKeys(r, watched)
		logs, err := tx.Logs()
		if err != nil {
			return err
		}
		for _, l := range logs {
			subject, whole, err := stateLog(tx, l)
			if err != nil {
				return err
			}
			out = append(out, subject)
			if whole && !since.IsZero() && l.Head != nil {
				subject.Log.Read = &evidence.Span{From: since, To: l.Head.Time}
			}
		}
		if len(logs) == 0 {
			s.incomplete = true
			s.warn(fmt.Sprintf("%s holds no log: nothing is known of what was logged", r.sources.state), "let \"certassay ct watch\" run on it")
		}
		kept, bare := map[[32]byte]bool{}, map[[32]byte]bool{}
		err = tx.EachEntry(func(e *store.Entry) error {
			if e.Evidence == nil {
				bare[e.Identity] = !kept[e.Identity]
				return nil // it stands at the first entry of the certificate
			}
			kept[e.Identity] = true
			delete(bare, e.Identity)
			subject := &evidence.Subject{}
			if err := json.Unmarshal(e.Evidence, subject); err != nil || subject.Log == nil || subject.Log.Entry == nil {
				return fmt.Errorf("entry %d of log %x: the evidence in the state cannot be read: %w", e.Number, e.Log, err)
			}
			if s.lives(r, subject) {
				out = append(out, subject)
			}
			return nil
		})
		maps.DeleteFunc(bare, func(id [32]byte, _ bool) bool { return kept[id] })
		if len(bare) > 0 {
			s.incomplete = true
			s.warn(fmt.Sprintf("%s: %d certificates were found before their evidence was kept, and are not reconciled", r.sources.state, len(bare)),
				"let ct watch begin on a new directory, with --start as far back as they may lie")
		}
		return err
	})
	return out, err
}

// lives says that an entry is of a domain of the inventory or over a key of its
// owner's, and its certificate has not expired. What cannot be read is kept.
func (s *session) lives(r *reconciliation, e *evidence.Subject) bool {
	var der evidence.DER
	switch {
	case len(e.Certificates) > 0:
		der = e.Certificates[0]
	case e.Log.Index != nil:
		der = e.Log.Index.Held
	default:
		return true
	}
	c := cert.Parse(der)
	if c.NotAfterErr == nil && c.NotAfter.Before(s.run.At) {
		return false
	}
	names := ledger.Names(c)
	return len(names) == 0 || r.find(names) != nil || r.owns(c)
}

// unwatched says which domains a watch did not look for, and gives the time since
// when it looked for all; zero where it did not.
func (s *session) unwatched(r *reconciliation, watched map[string]time.Time) (since time.Time) {
	all := true
	for _, d := range r.domains {
		at, ok := watchedSince(d.Name, watched)
		if !ok {
			all = false
			s.incomplete = true
			s.warn(fmt.Sprintf("%s: ct watch does not look for %s: its state says nothing about that domain", r.sources.state, d.Name),
				"add it to the names of ct watch")
		}
		if at.After(since) {
			since = at
		}
	}
	if !all {
		return time.Time{}
	}
	return since
}

// unwatchedKeys says which keys of the owner's a watch did not look for: that one is
// in a certificate for somebody else's name would not be known.
func (s *session) unwatchedKeys(r *reconciliation, watched map[string]time.Time) {
	var pins []string
	for _, p := range r.pins {
		pins = appendKey(pins, p.String())
	}
	pins = slices.DeleteFunc(pins, func(item string) bool { return !watched[item].IsZero() })
	if len(pins) > 0 {
		s.warn(fmt.Sprintf("%s: ct watch does not look for %d pinned keys, such as %s: that somebody else has a certificate over one would not be seen",
			r.sources.state, len(pins), strings.TrimPrefix(pins[0], "key:")), "give ct watch the inventory (--inventory), or the name "+pins[0])
	}
	for _, item := range r.items() {
		if strings.HasPrefix(item, "key:") && watched[item].IsZero() && !slices.Contains(pins, item) {
			r.unwatched++
		}
	}
}

// watchedSince finds the item that covers a domain and was looked for the longest.
func watchedSince(domain string, watched map[string]time.Time) (since time.Time, ok bool) {
	for item, at := range watched {
		item = strings.ToLower(strings.TrimSuffix(item, "."))
		covers := item == domain
		if below, tree := strings.CutPrefix(item, "."); tree {
			name := strings.TrimPrefix(domain, ".")
			covers = name == below || strings.HasSuffix(name, item)
		}
		if covers && (!ok || at.Before(since)) {
			since, ok = at, true
		}
	}
	return since, ok
}

// stateLog gives a watched log as evidence. whole says that all was read between
// its start and its head.
func stateLog(tx *store.Tx, l *store.Log) (subject *evidence.Subject, whole bool, err error) {
	address, monitor := l.URL, ""
	if l.Protocol == "static-ct" {
		address, monitor = "", l.URL
	}
	log := ct.NewLog(l.Name, l.Key, monitor != "", address, monitor)
	subject = ctlog.LogSubject(log, l.Head, nil, nil, l.Succeeded)
	gaps, err := tx.Gaps(l.ID)
	if err != nil {
		return nil, false, err
	}
	fail := func(f evidence.Failure) { subject.Failures = append(subject.Failures, f) }
	for _, g := range gaps {
		fail(unread(l.Name, g.From, g.To, g.Error))
	}
	if l.Head == nil {
		fail(logFailure(l.Name + " was never read"))
	} else if l.Position < l.Head.Size {
		fail(unread(l.Name, l.Position, l.Head.Size, "ct watch is behind"))
	}
	if now := audit.Now(); l.Failures > 0 && now.Sub(l.Succeeded) > staleWatch || now.Sub(l.Succeeded) > staleWatch && !l.Succeeded.IsZero() {
		fail(logFailure(fmt.Sprintf("%s was read last on %s; is ct watch running?", l.Name, l.Succeeded.Format(time.DateOnly))))
	}
	return subject, len(subject.Failures) == 0, nil
}
