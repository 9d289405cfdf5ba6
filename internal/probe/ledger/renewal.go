package ledger

import (
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/cert"
)

const (
	// usualRenewal is the part of a certificate's life after which it is renewed
	// where the owner does not say: clients renew between half and two thirds.
	usualRenewal = 0.5
	// tolerance is how much of that a renewal may come sooner.
	tolerance = 0.2
	// grace is how long after its end a certificate may still be renewed.
	grace = 30 * 24 * time.Hour
)

// due is the part of a certificate's life after which its renewal is due; of no
// domain, the usual one.
func (d *Domain) due() float64 {
	if d != nil && d.RenewAfter > 0 {
		return d.RenewAfter
	}
	return usualRenewal
}

// A link of a chain of renewals: a logged certificate, or a served one that was
// not found in a log.
type link struct {
	cert   *cert.Certificate
	names  []string
	first  time.Time
	logged *logged // nil for one that is served
	known  bool
	// after and before are what renews it and what it renews, once that is settled.
	after, before *link
}

// findRenewals goes along chains of renewals, from what the owner knows onward and
// back: of each certificate one renews it, the first after it, and one it renews,
// the last before it. Several machines with a certificate each, or one with a key
// of two kinds, are chains side by side: each known certificate has one renewal of
// its own, which no other has, and what is known goes before what is not.
func (l *Ledger) findRenewals() {
	var links []*link
	// One certificate on eight machines was shown once: eight links would explain
	// eight others.
	for i := range l.shown {
		s := &l.shown[i]
		if begin, _, ok := validity(s.cert); ok {
			links = append(links, &link{cert: s.cert, names: s.names, first: begin, known: true})
		}
	}
	for _, x := range l.order {
		if x.domain != nil && !l.served[x.identity] {
			links = append(links, &link{cert: x.cert, names: x.names, first: x.first, logged: x, known: l.known(x) != ""})
		}
	}
	groups := map[string][]*link{}
	for _, n := range links {
		k := strings.Join(n.names, " ")
		groups[k] = append(groups[k], n)
	}
	for _, group := range groups {
		l.renewalsAmong(group)
	}
}

// renewalsAmong goes through certificates for the same names. What is known is
// paired first, so that nothing unknown takes the place of it.
func (l *Ledger) renewalsAmong(links []*link) {
	slices.SortStableFunc(links, func(a, b *link) int { return a.first.Compare(b.first) })
	for i, n := range links {
		if n.known {
			l.onward(links, i, true)
		}
	}
	for i, n := range links {
		if n.known {
			l.onward(links, i, false)
		}
	}
	for i := len(links) - 1; i >= 0; i-- {
		if links[i].known {
			l.back(links, i)
		}
	}
}

// onward finds what renews a certificate, among what is known or what is not. What
// it finds comes later in links, so that its own renewal is found in the same pass.
func (l *Ledger) onward(links []*link, i int, known bool) {
	if links[i].after != nil {
		return
	}
	for _, n := range links[i+1:] {
		if n.known == known && n.before == nil && l.renewed(links[i], n) {
			l.pair(links[i], n)
			return
		}
	}
}

// back finds what a certificate renews.
func (l *Ledger) back(links []*link, i int) {
	if links[i].before != nil {
		return
	}
	for k := i - 1; k >= 0; k-- {
		if n := links[k]; !n.known && n.after == nil && l.renewed(n, links[i]) {
			l.pair(n, links[i])
			return
		}
	}
}

// pair settles that b renews a; whichever was not known is now.
func (l *Ledger) pair(a, b *link) {
	a.after, b.before = b, a
	l.take(a)
	l.take(b)
}

func (l *Ledger) take(n *link) {
	if n.known {
		return
	}
	n.known = true
	l.renews[n.logged.identity] = true
}

// renewed says whether b is what a renewal of a looks like.
func (l *Ledger) renewed(a, b *link) bool {
	begin, life, ok := validity(a.cert)
	if !ok || a == b || label(a.cert) != label(b.cert) || len(a.names) == 0 || !slices.Equal(a.names, b.names) {
		return false
	}
	soonest := begin.Add(time.Duration(l.domain(a.names).due() * (1 - tolerance) * float64(life)))
	return !b.first.Before(soonest) && b.first.Before(begin.Add(life+grace))
}
