package ledger

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/expect"
)

// A Domain is what an owner says of the names below a domain, or of that one name.
type Domain struct {
	// Name begins with a dot where all below it are meant, and it itself.
	Name string
	// Zone, From and To are when certificates are issued; a nil Zone means that
	// nothing was said. To may be before From: then the time between goes over
	// midnight.
	Zone     *time.Location
	From, To time.Duration
	// RenewAfter is the part of a certificate's life after which it is renewed; 0
	// where nothing was said.
	RenewAfter float64
	// Keys are pins for names that no Target has.
	Keys     []expect.Pin
	Required Required
}

// Covers says whether the domain is that of a name, which may be a wildcard.
func (d *Domain) Covers(name string) bool {
	name = strings.TrimPrefix(plain(name), "*.")
	if below, ok := strings.CutPrefix(d.Name, "."); ok {
		return name == below || strings.HasSuffix(name, d.Name)
	}
	return name == d.Name
}

// A Target is a listed server.
type Target struct {
	Host string
	// Seen says that it showed a certificate in this run.
	Seen     bool
	Keys     []expect.Pin
	Required Required
}

// A Served is a leaf that a listed server showed.
type Served struct {
	Host        string
	Certificate *cert.Certificate
}

// A Book is the three ledgers of a run.
type Book struct {
	Domains []Domain
	Targets []Target
	Served  []Served
	// Entries are what logs recorded. Those that hold no certificate are passed
	// over.
	Entries []*evidence.Subject
	// Logs are the logs that were read. What was read in part has no Read.
	Logs []*evidence.Subject
	// Bindings are what CAA records say of the names of listed servers, where it was
	// asked.
	Bindings []Binding
	// Approved are the logs that browsers accept at that time, read or not.
	Approved []*ct.Log
	// At is the time of judgement.
	At time.Time
}

// A Ledger is a book that was gone through. It never changes once opened.
type Ledger struct {
	book   *Book
	logged map[[32]byte]*logged // by identity
	order  []*logged            // by the time when they were first logged
	of     map[*evidence.Subject]*logged
	served map[[32]byte]bool // identities
	keys   map[[32]byte]bool // of served leaves, by SHA-256 of the SPKI
	// renews are the identities of what renews a certificate that is known, or
	// was renewed by one.
	renews map[[32]byte]bool
	shown  []shown
	read   map[[32]byte]*evidence.Span // by id of the log
}

// A logged certificate, and everywhere it was found.
type logged struct {
	identity [32]byte
	cert     *cert.Certificate
	names    []string // sorted, each once
	first    time.Time
	label    string
	profile  map[string]string
	entries  []*evidence.Subject // the representative first
	final    bool
	// inLog says that a log has it. Where only an index shows it, first is when
	// its validity begins: nobody knows when it was logged, or that it was.
	inLog  bool
	domain *Domain
}

// A shown leaf, with what is asked of it for each entry.
type shown struct {
	cert    *cert.Certificate
	names   []string
	label   string
	profile map[string]string
}

// Open goes through a book.
func Open(b *Book) *Ledger {
	l := &Ledger{
		book: b, logged: map[[32]byte]*logged{}, of: map[*evidence.Subject]*logged{}, served: map[[32]byte]bool{}, keys: map[[32]byte]bool{},
		renews: map[[32]byte]bool{}, read: map[[32]byte]*evidence.Span{},
	}
	for _, s := range b.Logs {
		if s.Log != nil && s.Log.Read != nil {
			l.read[sha256.Sum256(s.Log.Key)] = s.Log.Read
		}
	}
	for i := range b.Served {
		c := b.Served[i].Certificate
		id := ct.Identity(c.Raw, false)
		if !l.served[id] {
			l.shown = append(l.shown, shown{c, Names(c), label(c), profile(c)})
		}
		l.served[id] = true
		if sum, ok := c.SPKISHA256(); ok {
			l.keys[sum] = true
		}
	}
	for _, s := range b.Entries {
		l.enter(s)
	}
	for _, x := range l.order {
		slices.SortStableFunc(x.entries, better)
		x.cert = cert.Parse(x.entries[0].Certificates[0])
		x.names, x.label, x.profile = Names(x.cert), label(x.cert), profile(x.cert)
		x.domain = l.domain(x.names)
	}
	slices.SortStableFunc(l.order, func(a, b *logged) int { return a.first.Compare(b.first) })
	l.findRenewals()
	return l
}

func (l *Ledger) enter(s *evidence.Subject) {
	if s.Log == nil || len(s.Certificates) == 0 {
		return
	}
	if s.Log.Entry == nil {
		if s.Log.Index != nil {
			l.enterIndexed(s)
		}
		return
	}
	e, _, err := ct.ParseLeaf(s.Log.Entry.Leaf, nil)
	if err != nil {
		return
	}
	id := ct.Identity(e.Signed, e.Precert)
	x := l.logged[id]
	if x == nil {
		x = &logged{identity: id, first: e.Time()}
		l.logged[id], l.order = x, append(l.order, x)
	}
	if at := e.Time(); !x.inLog || at.Before(x.first) {
		x.first = at // where a log has it, an index has no say in when
	}
	x.inLog = true
	x.final = x.final || !e.Precert
	x.entries = append(x.entries, s)
	l.of[s] = x
}

// enterIndexed enters what only an index vouches for.
func (l *Ledger) enterIndexed(s *evidence.Subject) {
	c := cert.Parse(s.Certificates[0])
	precert, id := c.Poison().Present, ct.Identity(c.Raw, false)
	if precert {
		var signer *cert.Certificate
		if len(s.Certificates) > 1 {
			if above := cert.Parse(s.Certificates[1]); ct.IsPrecertSigner(above) {
				signer = above
			}
		}
		tbs, err := ct.PrecertificateTBS(c, signer)
		if err != nil {
			return
		}
		id = ct.Identity(tbs, true)
	}
	x := l.logged[id]
	if x == nil {
		x = &logged{identity: id, first: c.NotBefore}
		l.logged[id], l.order = x, append(l.order, x)
	}
	x.final = x.final || !precert
	x.entries = append(x.entries, s)
	l.of[s] = x
}

// better puts first what is judged of a certificate that was found several times:
// the certificate before its precertificate, one with its chain, one that was
// verified, and the earliest.
func better(a, b *evidence.Subject) int {
	rank := func(s *evidence.Subject) (n int) {
		if s.Log.Entry == nil {
			return -1 // an index knows less than any log
		}
		for _, good := range []bool{!s.Log.Entry.Precert, len(s.Certificates) > 1, s.Log.Entry.Verified} {
			if n *= 2; good {
				n++
			}
		}
		return n
	}
	if d := rank(b) - rank(a); d != 0 {
		return d
	}
	if a.Log.Entry == nil {
		return strings.Compare(a.ID, b.ID)
	}
	if d := a.Log.Entry.Time.Compare(b.Log.Entry.Time); d != 0 {
		return d
	}
	return strings.Compare(a.ID, b.ID)
}

// Judged gives the entries to be judged, one for each certificate, in the order of
// time; and Others those that stand behind them.
func (l *Ledger) Judged() (judged, others []*evidence.Subject) {
	for _, x := range l.order {
		judged = append(judged, x.entries[0])
		others = append(others, x.entries[1:]...)
	}
	return judged, others
}

// Identity is what an entry has in common with all others of its certificate; see
// [ct.Identity]. ok is false for what the book does not hold.
func (l *Ledger) Identity(s *evidence.Subject) (id [32]byte, ok bool) {
	if l == nil || l.of[s] == nil {
		return id, false
	}
	return l.of[s].identity, true
}

// domain is the most specific one of which a name is.
func (l *Ledger) domain(names []string) (best *Domain) {
	for i := range l.book.Domains {
		d := &l.book.Domains[i]
		if slices.ContainsFunc(names, d.Covers) && (best == nil || len(d.Name) > len(best.Name)) {
			best = d
		}
	}
	return best
}

// Names are those of a certificate, sorted and each once. A common name counts
// where it may be a name on the Internet: some programs still compare it.
func Names(c *cert.Certificate) (out []string) {
	for _, n := range c.DNSNames() {
		out = append(out, plain(n))
	}
	for _, ip := range c.IPAddresses() {
		out = append(out, ip.String())
	}
	for _, cn := range c.Subject.CommonNames() {
		if strings.Contains(cn, ".") && !strings.Contains(cn, " ") {
			out = append(out, plain(cn))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func plain(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// Covers says whether a name in a certificate stands for a host.
func Covers(name, host string) bool {
	if rest, ok := strings.CutPrefix(name, "*."); ok {
		_, parent, found := strings.Cut(plain(host), ".")
		return found && parent == rest
	}
	return name == plain(host)
}
