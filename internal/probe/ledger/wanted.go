package ledger

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/facts"
)

// Required is what an owner says of logs. The zero value requires nothing.
type Required struct {
	// Logged says that every certificate is logged (ct: required).
	Logged bool
	// Life is the longest that a certificate may be valid; 0 where nobody knows.
	// What is valid now was issued no longer ago.
	Life time.Duration
	// Public says that a public CA may issue, so that the certificate is in logs
	// that browsers accept; Own that one of the owner's may, which logs to logs
	// that are in no list.
	Public, Own bool
}

// lately is how much of the last time of a log is left out: what was issued then
// may still be on its way.
const lately = late

// Wanted gives what the inventory requires to be in logs, and whether it is: for
// each listed server whose name is reconciled, and each domain without one, a
// certificate that is valid, over one of the pinned keys where there are such. It
// is never nil. why says for people why it is not known of some of them.
func (l *Ledger) Wanted() (out []facts.Wanted, why string) {
	out = []facts.Wanted{}
	if l == nil {
		return out, ""
	}
	add := func(name string, pins []expect.Pin, r Required) {
		if !r.Logged || slices.ContainsFunc(out, func(w facts.Wanted) bool { return w.Name == name }) {
			return
		}
		pins = slices.DeleteFunc(slices.Clone(pins), func(p expect.Pin) bool { return !p.InForce(l.book.At) })
		w := facts.Wanted{Name: name, Pinned: len(pins) > 0, What: "a certificate for " + name}
		if w.Pinned {
			w.What = "a certificate over a pinned key for " + name
		}
		logged, reason := l.inLogs(name, pins, r)
		if logged == nil && why == "" {
			why = reason
		}
		w.Logged = logged
		w.Absent = w.Logged != nil && !*w.Logged
		out = append(out, w)
	}
	for i := range l.book.Targets {
		if t := &l.book.Targets[i]; l.domain([]string{t.Host}) != nil {
			add(t.Host, t.Keys, t.Required)
		}
	}
	for i := range l.book.Domains {
		d := &l.book.Domains[i]
		if !slices.ContainsFunc(l.book.Targets, func(t Target) bool { return d.Covers(t.Host) }) {
			add(d.Name, d.Keys, d.Required)
		}
	}
	return out, why
}

// inLogs says whether a log has what is wanted; nil, and why, where that is not
// known.
func (l *Ledger) inLogs(name string, pins []expect.Pin, r Required) (*bool, string) {
	d := &Domain{Name: name}
	open := ""
	for _, x := range l.order {
		if !x.inLog || x.cert.NotAfterErr != nil || x.cert.NotAfter.Before(l.book.At) {
			continue
		}
		named := slices.ContainsFunc(x.names, func(n string) bool { return d.Covers(n) || Covers(n, name) })
		switch {
		case len(pins) == 0 && named, len(pins) > 0 && x.meets(pins):
			return new(true), ""
		case !named: // it is another's
		case !x.final && slices.ContainsFunc(pins, func(p expect.Pin) bool { return p.Of == expect.Certificate }):
			open = "of a certificate for " + name + " only the precertificate was found, which has another hash than the pinned one"
		case !x.rooted() && !l.leafPinned(name, pins):
			open = "a certificate for " + name + " was found without its root, which may be what is pinned"
		}
	}
	if open != "" {
		return nil, open
	}
	if why := l.uncovered(name, r); why != "" {
		return nil, why
	}
	return new(false), ""
}

// meets says that one of the pins is of the certificate, or of one above it.
func (x *logged) meets(pins []expect.Pin) bool {
	return slices.ContainsFunc(x.entries, func(s *evidence.Subject) bool {
		return slices.ContainsFunc(s.Certificates, func(der evidence.DER) bool {
			c := cert.Parse(der)
			key, sum := expect.Prints(c.SPKI), c.SHA256()
			return slices.ContainsFunc(pins, func(p expect.Pin) bool { return key.Match(p) || p.Matches(expect.Certificate, expect.SHA256, sum[:]) })
		})
	})
}

// rooted says that the chain was found up to its root.
func (x *logged) rooted() bool {
	chain := x.entries[0].Certificates
	return len(chain) > 1 && cert.Parse(chain[len(chain)-1]).SelfIssued()
}

// leafPinned says that a server shows a leaf for the name over one of the pinned
// keys: then the pins are of leaves.
func (l *Ledger) leafPinned(name string, pins []expect.Pin) bool {
	return slices.ContainsFunc(l.book.Served, func(s Served) bool {
		key := expect.Prints(s.Certificate.SPKI)
		return s.Host == name && slices.ContainsFunc(pins, key.Match)
	})
}

// uncovered says why a valid certificate may be in a log and was not found; empty
// where all logs that may have it were read of the whole time.
func (l *Ledger) uncovered(name string, r Required) string {
	if r.Life <= 0 {
		return "how long certificates for " + name + " may be valid is not said (max_validity), so that nobody knows how far back logs have to be read"
	}
	from, until := l.book.At.Add(-r.Life), l.book.At.Add(-lately)
	for i := range l.book.Served {
		s := &l.book.Served[i]
		if begin, _, ok := validity(s.Certificate); s.Host == name && ok && begin.After(until) {
			return "what " + name + " shows was issued too lately"
		}
	}
	covers := func(id [32]byte) bool {
		w := l.read[id]
		return w != nil && !w.From.After(from) && !w.To.Before(until)
	}
	days := int(r.Life / (24 * time.Hour))
	n := 0
	if r.Public {
		for _, log := range l.book.Approved {
			if !mayHold(log, l.book.At, r.Life) {
				continue
			}
			if n++; !covers(log.ID) {
				return fmt.Sprintf("%s was not read as far back as %d days", log.Name, days)
			}
		}
	}
	if r.Own {
		for _, s := range l.book.Logs {
			id := sha256.Sum256(s.Log.Key)
			if ct.Known().Log(id) != nil || len(s.Log.Key) == 0 {
				continue
			}
			if n++; !covers(id) {
				return fmt.Sprintf("%s was not read as far back as %d days", s.Log.Name, days)
			}
		}
	}
	if n == 0 {
		return "no log was read that certificates for " + name + " are in"
	}
	return ""
}

// mayHold says that a certificate that is valid at a time, and for no longer than
// life, may end within what the log accepts.
func mayHold(log *ct.Log, at time.Time, life time.Duration) bool {
	return (log.To.IsZero() || log.To.After(at)) && (log.From.IsZero() || !log.From.After(at.Add(life)))
}
