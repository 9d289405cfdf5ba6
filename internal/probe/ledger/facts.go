package ledger

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/facts"
)

// What explains a certificate, as the fact names it.
const (
	ByServed    = "served"
	ByServedKey = "served-key"
	ByPin       = "pin"
	ByRenewal   = "renewal"
)

// maxShown bounds the names and logs of a certificate that are shown.
const maxShown = 20

// Path is under what name the reason is left why it is unknown whether anything
// explains a certificate.
const Path = "ledger.explained"

// Facts gives what the ledgers say of an entry. It is never nil; of what the book
// does not hold, and for a nil Ledger, it says that nothing was reconciled.
func (l *Ledger) Facts(s *evidence.Subject, reasons map[string]string) *facts.Ledger {
	if l == nil || l.of[s] == nil {
		return &facts.Ledger{Names: []string{}, Logs: []string{}, Profile: []string{}, Hints: []string{}}
	}
	x := l.of[s]
	f := &facts.Ledger{
		Issuer: x.cert.Issuer.String(), Key: x.cert.Pin(), Names: clip(x.names), Issued: x.first, InLog: x.inLog, Logs: []string{}, Profile: []string{}, Hints: []string{},
	}
	for _, e := range x.entries[:min(len(x.entries), maxShown)] {
		where := e.Log.Name + " (not verified against a log)"
		if e.Log.Entry != nil {
			where = fmt.Sprintf("%s entry %d", e.Log.Name, e.Log.Entry.Index)
		}
		f.Logs = append(f.Logs, where)
	}
	pinned, owners := l.pinned(x)
	f.KeyPinned, f.HasPins = pinned, pinned != nil
	f.Stranger = x.domain == nil && owners
	f.Reconciled = x.domain != nil || f.Stranger
	if x.domain == nil {
		f.Explained = new(true)
		return f
	}
	f.Domain = x.domain.Name
	f.Because = l.because(x)
	f.Overlooked = l.overlooked(x)
	switch {
	case f.Because != "":
		f.Explained = new(true)
	case f.Overlooked == 0:
		f.Explained = new(false)
	default:
		reasons[Path] = fmt.Sprintf("%d listed servers of its names were not seen in this run, and may show it", f.Overlooked)
	}
	if x.inLog { // an index shows what it likes, and does not know when it was logged
		f.PrecertOnly = !x.final && !l.served[x.identity]
		hours(f, x)
		if f.Because == "" {
			l.early(f, x)
		}
	}
	if h := l.history(f, x); f.Because == "" {
		f.Hints = l.hints(x, h)
	}
	return f
}

func clip(list []string) []string { return append([]string{}, list[:min(len(list), maxShown)]...) }

// because says what explains a certificate: itself, or what it renews.
func (l *Ledger) because(x *logged) string {
	if why := l.known(x); why != "" {
		return why
	}
	if l.renews[x.identity] {
		return ByRenewal
	}
	return ""
}

// known says what of the certificate itself its owner knows.
func (l *Ledger) known(x *logged) string {
	if l.served[x.identity] {
		return ByServed
	}
	if sum, ok := x.cert.SPKISHA256(); ok && l.keys[sum] {
		return ByServedKey
	}
	if pinned, owners := l.pinned(x); owners || pinned != nil && *pinned {
		return ByPin
	}
	return ""
}

// pinned says whether the key is one of those that the owner pins for the names of
// the certificate, and whether it is one that the owner pins for any or shows.
func (l *Ledger) pinned(x *logged) (pinned *bool, owners bool) {
	prints := expect.Prints(x.cert.SPKI)
	matches := func(p expect.Pin) bool { return p.InForce(l.book.At) && prints.Match(p) }
	if sum, ok := x.cert.SPKISHA256(); ok {
		owners = l.keys[sum]
	}
	for i := range l.book.Targets {
		owners = owners || slices.ContainsFunc(l.book.Targets[i].Keys, matches)
	}
	for i := range l.book.Domains {
		owners = owners || slices.ContainsFunc(l.book.Domains[i].Keys, matches)
	}
	all, found, above := true, false, false
	for _, name := range x.names {
		lists := l.pinsFor(name)
		for _, pins := range lists {
			inForce := slices.ContainsFunc(pins, func(p expect.Pin) bool { return p.InForce(l.book.At) })
			all = all && inForce
			found = found || slices.ContainsFunc(pins, matches)
			above = above || l.above(x, pins)
		}
		all = all && len(lists) > 0
	}
	if len(x.names) == 0 || !found && (!all || above) {
		return nil, owners
	}
	return &found, owners
}

// pinsFor gives the pins that hold for a name: of each listed server that it leads
// to, or else of the domain. A name of nobody's has none.
func (l *Ledger) pinsFor(name string) (lists [][]expect.Pin) {
	for i := range l.book.Targets {
		if t := &l.book.Targets[i]; Covers(name, t.Host) {
			lists = append(lists, t.Keys)
		}
	}
	if len(lists) > 0 {
		return lists
	}
	if d := l.domain([]string{name}); d != nil {
		lists = append(lists, d.Keys)
	}
	return lists
}

// above says that a pin is that of a CA above the certificate, so that the pins
// are no list of its keys.
func (l *Ledger) above(x *logged, pins []expect.Pin) bool {
	for _, der := range x.entries[0].Certificates[1:] {
		prints := expect.Prints(cert.Parse(der).SPKI)
		if slices.ContainsFunc(pins, prints.Match) {
			return true
		}
	}
	return false
}

// overlooked counts the listed servers of its names that showed nothing in this
// run.
func (l *Ledger) overlooked(x *logged) (n int64) {
	for i := range l.book.Targets {
		t := &l.book.Targets[i]
		if !t.Seen && slices.ContainsFunc(x.names, func(name string) bool { return Covers(name, t.Host) }) {
			n++
		}
	}
	return n
}

// hours compares the time of logging with the owner's hours.
func hours(f *facts.Ledger, x *logged) {
	d := x.domain
	if d.Zone == nil {
		return
	}
	local := x.first.In(d.Zone)
	f.LocalTime = local.Format("2006-01-02 15:04 MST")
	if f.HoursSaid = d.From != d.To; !f.HoursSaid {
		return
	}
	at := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute
	within := at >= d.From && at < d.To
	if d.To < d.From {
		within = at >= d.From || at < d.To
	}
	f.OutsideHours = !within
}

// early looks for a served certificate for the same names that was far from its
// renewal when this one was logged.
func (l *Ledger) early(f *facts.Ledger, x *logged) {
	for i := range l.shown {
		c := l.shown[i].cert
		begin, life, ok := validity(c)
		past := x.first.Sub(begin)
		if !ok || past < 0 || !slices.Equal(l.shown[i].names, x.names) {
			continue
		}
		share := float64(past) / float64(life)
		if due := x.domain.due(); share < due/2 && (f.EarlyAgainst == "" || int64(100*share) > f.EarlyPercent) {
			f.Early, f.EarlyAgainst, f.EarlyPercent = true, evidence.Hash(c.SHA256()), int64(100*share)
		}
	}
}

// label is the operator of the issuing CA, as the issuer field names it: CAs have
// several issuing CAs, and take any.
func label(c *cert.Certificate) string {
	var organizations []string
	for _, o := range c.Issuer.Organizations() {
		organizations = append(organizations, cert.NormalText(o))
	}
	if len(organizations) == 0 {
		return c.Issuer.Normal()
	}
	return strings.Join(organizations, "\x00")
}

func validity(c *cert.Certificate) (begin time.Time, life time.Duration, ok bool) {
	if c.NotBeforeErr != nil || c.NotAfterErr != nil || !c.NotAfter.After(c.NotBefore) {
		return begin, 0, false
	}
	return c.NotBefore, c.NotAfter.Sub(c.NotBefore), true
}
