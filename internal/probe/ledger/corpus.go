package ledger

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
)

const (
	// burst is how many certificates for the same names within burstTime are
	// more than servers need.
	burst     = 5
	burstTime = 24 * time.Hour
	// late is how long after its SCT a certificate has to be in the log: the
	// longest merge delay, and a day for lagging mirrors.
	late = 48 * time.Hour
	// maxClash bounds the certificates that are named.
	maxClash = 8
)

// Bursts gives the names for which many certificates were logged within a day. It
// is never nil.
func (l *Ledger) Bursts() []facts.Clash {
	out := []facts.Clash{}
	if l == nil {
		return out
	}
	groups, order := map[string][]*logged{}, []string{}
	for _, x := range l.order {
		if x.domain == nil || !x.inLog { // when it was logged is not known
			continue
		}
		k := strings.Join(x.names, " ")
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], x)
	}
	for _, k := range order {
		group, from, most := groups[k], 0, 0
		for i, begin := range group { // in order of time
			n := i
			for n < len(group) && group[n].first.Sub(begin.first) < burstTime {
				n++
			}
			if n-i > most {
				from, most = i, n-i
			}
		}
		if most < burst {
			continue
		}
		c := facts.Clash{What: fmt.Sprintf("%.200s within a day of %s", k, group[from].first.UTC().Format(time.DateOnly)), Count: int64(most)}
		for _, x := range group[from : from+min(most, maxClash)] {
			c.Certificates = append(c.Certificates, evidence.Hash(x.cert.SHA256()))
		}
		out = append(out, c)
	}
	return out
}

// Unlogged gives the certificates of servers that show an SCT of a log of which
// all was read of that time, and that are not in it. It is never nil.
func (l *Ledger) Unlogged() []facts.Clash {
	out := []facts.Clash{}
	if l == nil {
		return out
	}
	seen := map[[32]byte]bool{}
	for i := range l.book.Served {
		s := &l.book.Served[i]
		id := ct.Identity(s.Certificate.Raw, false)
		x := l.logged[id] // that an index shows it does not make it logged
		if seen[id] || x != nil && x.inLog || l.domain(Names(s.Certificate)) == nil {
			continue
		}
		seen[id] = true
		if at, ok := l.owed(s.Certificate); ok {
			out = append(out, facts.Clash{
				What: fmt.Sprintf("%.200s, by its SCT logged on %s", s.Host, at.UTC().Format(time.DateOnly)), Count: 1,
				Certificates: []string{evidence.Hash(s.Certificate.SHA256())},
			})
		}
	}
	return out
}

// owed says that a log that was read owes the certificate, and since when.
func (l *Ledger) owed(c *cert.Certificate) (at time.Time, ok bool) {
	list := c.SCTList()
	if !list.Present || list.Err != nil {
		return at, false
	}
	parts, err := ct.SplitList(list.Value)
	if err != nil {
		return at, false
	}
	i := slices.IndexFunc(parts, func(part []byte) bool {
		s, err := ct.ParseSCT(part)
		w := l.read[s.LogID]
		at = s.Time
		return err == nil && w != nil && w.From.Before(s.Time) && s.Time.Add(late).Before(w.To)
	})
	return at, i >= 0
}
