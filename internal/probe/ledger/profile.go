package ledger

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/facts"
)

// What is compared of a certificate. The one who orders chooses the former, by the
// account's settings, its client and the key; the latter come from the part of the
// CA that served the account, and are compared only where one CA certificate
// issued. Each stands for a choice of its own: what always changes together is one.
var (
	ordered = []string{"validity", "key", "validation", "purposes", "common name", "must-staple", "order of names"}
	issued  = []string{"extensions", "pointers", "serial", "begins"}
)

// few is how many earlier certificates make a habit.
const few = 3

// A peer is an earlier certificate of the same CA for the same domain.
type peer struct {
	profile map[string]string
	issuing string // issuer field, in normal form
}

// A habit is what earlier certificates of the CA for the domain have in common and
// a certificate has not.
type habit struct {
	peers   int
	differs []string // in words
}

// compare looks for features of x that no earlier certificate has, where at least
// few of them, and most, share another value: all of these features at once, or
// they are no habit.
func compare(x *logged, peers []peer) habit {
	h := habit{peers: len(peers)}
	usual, words := map[string]string{}, []string{}
	for _, what := range slices.Concat(ordered, issued) {
		among := peers
		if slices.Contains(issued, what) {
			among = slices.DeleteFunc(slices.Clone(peers), func(p peer) bool { return p.issuing != x.cert.Issuer.Normal() })
		}
		mine, ok := x.profile[what]
		value, n := most(among, what)
		if !ok || n < few || 2*n <= len(among) || slices.ContainsFunc(among, func(p peer) bool { return p.profile[what] == mine }) {
			continue
		}
		usual[what] = value
		words = append(words, fmt.Sprintf("%s %.200s where %d others have %.200s", what, mine, n, value))
	}
	together := 0
	for _, p := range peers {
		all := true
		for what, value := range usual {
			all = all && p.profile[what] == value
		}
		if all {
			together++
		}
	}
	if together >= few {
		h.differs = words
	}
	return h
}

// most gives the value that most have, the first of equals in order.
func most(peers []peer, what string) (value string, n int) {
	count := map[string]int{}
	for _, p := range peers {
		if v, ok := p.profile[what]; ok {
			count[v]++
		}
	}
	for v, k := range count {
		if k > n || k == n && v < value {
			value, n = v, k
		}
	}
	return value, n
}

// history compares with earlier certificates for the domain.
func (l *Ledger) history(f *facts.Ledger, x *logged) habit {
	any, same := false, false
	var peers []peer
	note := func(c *cert.Certificate, by string, p map[string]string) {
		any, same = true, same || by == x.label
		if by == x.label {
			peers = append(peers, peer{p, c.Issuer.Normal()})
		}
	}
	for _, y := range l.order {
		if y != x && y.domain == x.domain && y.first.Before(x.first) {
			note(y.cert, y.label, y.profile)
		}
	}
	for i := range l.shown {
		s := &l.shown[i]
		begin, _, ok := validity(s.cert)
		if ok && begin.Before(x.first) && l.logged[ct.Identity(s.cert.Raw, false)] == nil && slices.ContainsFunc(s.names, x.domain.Covers) {
			note(s.cert, s.label, s.profile)
		}
	}
	f.NewIssuer = any && !same
	h := compare(x, peers)
	f.Profile = append(f.Profile, h.differs...)
	return h
}

// profile is what certificates are compared in. What cannot be told of one is left
// out.
func profile(c *cert.Certificate) map[string]string {
	p := map[string]string{
		"key":         strings.TrimSpace(fmt.Sprint(c.Key.Algorithm, " ", c.Key.Bits)),
		"validation":  "policies " + cmp.Or(oids(c.Policies().Value), "none") + " and organization " + cmp.Or(strings.Join(c.Subject.Organizations(), " "), "none"),
		"purposes":    cmp.Or(strings.Join(named(strings.Fields(oids(c.ExtKeyUsage().Value))), " "), "none"),
		"common name": "absent", "must-staple": "no",
		"serial":   fmt.Sprintf("of %d octets from %.1x", len(c.Serial), c.Serial),
		"pointers": pointers(c),
	}
	if begin, life, ok := validity(c); ok {
		p["validity"] = fmt.Sprintf("%d days", (life+12*time.Hour)/(24*time.Hour))
		p["begins"] = "at any time"
		if begin.Equal(begin.Truncate(24 * time.Hour)) {
			p["begins"] = "at midnight"
		}
	}
	if len(c.Subject.CommonNames()) > 0 {
		p["common name"] = "present"
	}
	var order []cert.OID
	for i := range c.Extensions {
		switch id := c.Extensions[i].OID; string(id) {
		case cert.OIDSCTList, cert.OIDPoison: // of one and the same certificate now this, now that
		case cert.OIDMustStaple:
			p["must-staple"] = "yes"
		default:
			order = append(order, id)
		}
	}
	p["extensions"] = oids(order)
	if names := c.DNSNames(); len(names) > 1 {
		p["order of names"] = "not sorted"
		if slices.IsSorted(names) {
			p["order of names"] = "sorted"
		}
	}
	return p
}

// named gives the purposes of servers the names that people know.
func named(ids []string) []string {
	for i, id := range ids {
		switch id {
		case "1.3.6.1.5.5.7.3.1":
			ids[i] = "serverAuth"
		case "1.3.6.1.5.5.7.3.2":
			ids[i] = "clientAuth"
		}
	}
	return ids
}

func oids(list []cert.OID) string {
	out := make([]string, len(list))
	for i, id := range list {
		out[i] = id.String()
	}
	return strings.Join(out, " ")
}

// pointers are where the CA says that its answers are: hosts of OCSP and issuer,
// and the list of revoked certificates, of which large CAs have several.
func pointers(c *cert.Certificate) string {
	info := c.AuthorityInfo().Value
	return fmt.Sprintf("OCSP %s and issuer %s and CRL %s", hosts(info.OCSP), hosts(info.Issuers), cmp.Or(strings.Join(c.CRLDistribution().Value, " "), "none"))
}

func hosts(urls []string) string {
	var out []string
	for _, u := range urls {
		if parsed, err := url.Parse(u); err == nil {
			out = append(out, parsed.Hostname())
		}
	}
	return cmp.Or(strings.Join(out, " "), "none")
}
