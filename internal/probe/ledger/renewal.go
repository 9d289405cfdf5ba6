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

// due is the part of a certificate's life after which its renewal is due.
func (d *Domain) due() float64 {
	if d.RenewAfter > 0 {
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
	logged *logged // nil for one that was not found
	known  bool
}

// findRenewals goes along chains of renewals, from what the owner knows onward and
// back: of each certificate one renews it, the first after it, and one it renews,
// the last before it. Where one of these is known no other takes its place.
func (l *Ledger) findRenewals() {
	var links []*link
	for i := range l.book.Served {
		c := l.book.Served[i].Certificate
		if begin, _, ok := validity(c); ok {
			links = append(links, &link{cert: c, names: Names(c), first: begin, known: true})
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

// renewalsAmong goes through certificates for the same names.
func (l *Ledger) renewalsAmong(links []*link) {
	slices.SortStableFunc(links, func(a, b *link) int { return a.first.Compare(b.first) })
	for i, n := range links {
		if n.known {
			l.onward(links, i)
		}
	}
	for i := len(links) - 1; i >= 0; i-- {
		if links[i].known {
			l.back(links, i)
		}
	}
}

// onward finds what renews a certificate. What it finds comes later in links, so
// that its own renewal is found in the same pass.
func (l *Ledger) onward(links []*link, i int) {
	var next *link
	for _, n := range links[i+1:] {
		if !l.renewed(links[i], n) {
			continue
		}
		if n.known {
			return
		}
		if next == nil {
			next = n
		}
	}
	l.take(next)
}

func (l *Ledger) back(links []*link, i int) {
	var before *link
	for k := i - 1; k >= 0; k-- {
		if !l.renewed(links[k], links[i]) {
			continue
		}
		if links[k].known {
			return
		}
		if before == nil {
			before = links[k]
		}
	}
	l.take(before)
}

func (l *Ledger) take(n *link) {
	if n == nil || n.logged == nil {
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
	due := usualRenewal
	if d := l.domain(a.names); d != nil {
		due = d.due()
	}
	soonest := begin.Add(time.Duration(due * (1 - tolerance) * float64(life)))
	return !b.first.Before(soonest) && b.first.Before(begin.Add(life+grace))
}
