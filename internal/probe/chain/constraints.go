package chain

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/certassay/certassay/internal/cert"
)

// maxComparisons bounds the pairs of names and subtrees that are compared on one
// path. A CA with 50 000 subtrees over a leaf with 50 000 names would otherwise
// cost minutes; browsers allow about as many.
const maxComparisons = 100_000

// A subtree is the base of a GeneralSubtree (RFC 5280 section 4.2.1.10).
type subtree struct {
	kind  cert.NameKind
	value []byte
	raw   []byte
}

// subtrees are what a certificate constrains names to.
type subtrees struct {
	present             bool
	permitted, excluded []subtree
	// err says what is malformed; what could be read is still there.
	err error
	// dotted is a DNS subtree that begins with a dot: RFC 5280 does not know it,
	// CAs have written it for decades, and OpenSSL and Go understand it alike.
	dotted string
}

var (
	errSubtree  = errors.New("a subtree that is no sequence of a general name")
	errNoTrees  = errors.New("neither permitted nor excluded subtrees")
	errEmptySeq = errors.New("an empty list of subtrees")
)

// constraintsOf reads every name constraints extension of c.
func constraintsOf(c *cert.Certificate) (s subtrees) {
	for i := range c.Extensions {
		if x := &c.Extensions[i]; string(x.OID) == cert.OIDNameConstraints {
			s.present = true
			s.read(x.Value)
		}
	}
	if s.present && s.err == nil && len(s.permitted)+len(s.excluded) == 0 {
		s.err = errNoTrees
	}
	return s
}

func (s *subtrees) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

func (s *subtrees) read(value []byte) {
	outer, rest, err := cert.Next(value)
	if err != nil || outer.ID != 0x30 || len(rest) > 0 {
		s.fail(errSubtree)
		return
	}
	for b := outer.Body; len(b) > 0; {
		var list cert.Element
		if list, b, err = cert.Next(b); err != nil {
			s.fail(err)
			return
		}
		switch list.ID {
		case 0xa0:
			s.permitted = s.list(list.Body, s.permitted)
		case 0xa1:
			s.excluded = s.list(list.Body, s.excluded)
		default:
			s.fail(errSubtree)
		}
	}
}

func (s *subtrees) list(b []byte, out []subtree) []subtree {
	if len(b) == 0 {
		s.fail(errEmptySeq)
	}
	for len(b) > 0 {
		var tree cert.Element
		var err error
		if tree, b, err = cert.Next(b); err != nil {
			s.fail(err)
			return out
		}
		base, rest, err := cert.Next(tree.Body)
		if err != nil || tree.ID != 0x30 {
			s.fail(errSubtree)
			continue
		}
		if len(rest) > 0 && !bytes.Equal(rest, []byte{0x80, 1, 0}) {
			s.fail(errors.New("a subtree with a minimum or maximum, which RFC 5280 forbids"))
		}
		t := subtree{cert.GeneralName{ID: base.ID, Value: base.Body}.Kind(), base.Body, base.Full}
		if err := t.check(); err != nil {
			s.fail(err)
		}
		if t.kind == cert.DNSName && strings.HasPrefix(string(t.value), ".") {
			s.dotted = string(t.value)
		}
		out = append(out, t)
	}
	return out
}

// check says what is wrong with the base of a subtree.
func (t *subtree) check() error {
	text := string(t.value)
	switch t.kind {
	case cert.DNSName:
		if strings.Contains(text, "*") {
			return fmt.Errorf("the DNS subtree %q is a wildcard", text)
		}
	case cert.IPName:
		if _, _, err := t.network(); err != nil {
			return err
		}
	case cert.OddName:
		return errors.New("a subtree that is of no known kind")
	}
	return nil
}

// network gives address and mask of an IP subtree.
func (t *subtree) network() (base, mask []byte, err error) {
	n := len(t.value) / 2
	if len(t.value) != 8 && len(t.value) != 32 {
		return nil, nil, fmt.Errorf("an address subtree of %d octets", len(t.value))
	}
	base, mask = t.value[:n], t.value[n:]
	ended := false
	for _, b := range mask {
		for bit := byte(0x80); bit > 0; bit >>= 1 {
			if b&bit != 0 && ended {
				return base, mask, fmt.Errorf("an address subtree with the mask %x, which has holes", mask)
			}
			ended = ended || b&bit == 0
		}
	}
	return base, mask, nil
}

// A constrained is one name that subtrees are held against.
type constrained struct {
	kind  cert.NameKind
	value []byte
}

// namesOf are the names of c that constraints bear on: its alternative names
// and its subject.
func namesOf(c *cert.Certificate) []constrained {
	alt := c.AltNames().Value
	out := make([]constrained, 0, len(alt)+1)
	for _, g := range alt {
		out = append(out, constrained{g.Kind(), g.Value})
	}
	if !c.Subject.Empty() {
		out = append(out, constrained{cert.DirectoryName, c.Subject.Raw})
	}
	for _, a := range c.Subject.Values(cert.OIDEmail) {
		if len(alt) == 0 {
			out = append(out, constrained{cert.EmailName, []byte(a)})
		}
	}
	return out
}

// errTooMany says that the comparisons of one path are used up.
var errTooMany = fmt.Errorf("more than %d comparisons of names with subtrees", maxComparisons)

// escape says why a name is outside of what s allows, nil where it is inside.
// left is how many comparisons remain.
func (s *subtrees) escape(n constrained, left *int) error {
	if *left -= len(s.permitted) + len(s.excluded); *left < 0 {
		return errTooMany
	}
	for i := range s.excluded {
		if t := &s.excluded[i]; t.kind == n.kind && t.meets(n) {
			return fmt.Errorf("%s is in the excluded subtree %s", n, t)
		}
	}
	same := false
	for i := range s.permitted {
		t := &s.permitted[i]
		if t.kind != n.kind {
			continue
		}
		same = true
		if t.holds(n) {
			return nil
		}
	}
	if same {
		return fmt.Errorf("%s is in none of the permitted subtrees", n)
	}
	return nil
}

// holds says that everything the name stands for is inside the subtree. What
// cannot be compared is not.
func (t *subtree) holds(n constrained) bool {
	switch t.kind {
	case cert.DNSName:
		name, ok := hostName(string(n.value))
		return ok && within(name, lower(t.value))
	default:
		return t.compare(n, false)
	}
}

// meets says that something the name stands for may be inside the subtree. What
// cannot be compared may be.
func (t *subtree) meets(n constrained) bool {
	switch t.kind {
	case cert.DNSName:
		name, ok := hostName(string(n.value))
		if !ok {
			return true
		}
		base := lower(t.value)
		if within(name, base) {
			return true
		}
		// A wildcard stands for names that the subtree may be one of
		// (CVE-2025-61727).
		parent, wild := strings.CutPrefix(name, "*.")
		_, above, _ := strings.Cut(base, ".")
		return wild && !strings.HasPrefix(base, ".") && above == parent
	default:
		return t.compare(n, true)
	}
}

// compare is for the kinds that have no wildcards; unsure is the answer where
// the two cannot be compared.
func (t *subtree) compare(n constrained, unsure bool) bool {
	switch t.kind {
	case cert.IPName:
		base, mask, err := t.network()
		if err != nil {
			return unsure
		}
		return inNetwork(n.value, base, mask)
	case cert.DirectoryName:
		have, want := (cert.Name{Raw: n.value}).Normal(), (cert.Name{Raw: t.value}).Normal()
		return strings.HasPrefix(have, want)
	case cert.EmailName:
		return inMailboxes(string(n.value), string(t.value), unsure)
	case cert.URIName:
		u, err := url.Parse(string(n.value))
		if err != nil || u.Hostname() == "" {
			return unsure
		}
		if _, err := netip.ParseAddr(u.Hostname()); err == nil {
			return unsure
		}
		return inDomain(u.Hostname(), string(t.value))
	}
	return unsure
}

func inNetwork(ip, base, mask []byte) bool {
	if len(ip) != len(base) {
		return false
	}
	for i := range ip {
		if (ip[i]^base[i])&mask[i] != 0 {
			return false
		}
	}
	return true
}

func lower(b []byte) string { return strings.ToLower(strings.TrimSuffix(string(b), ".")) }

// hostName folds a dNSName; it is false for what is none.
func hostName(s string) (string, bool) {
	s = lower([]byte(s))
	if s == "" || strings.HasPrefix(s, ".") || strings.Contains(s, "..") || strings.ContainsAny(s, " \x00/:@") {
		return "", false
	}
	return s, !strings.Contains(strings.TrimPrefix(s, "*."), "*")
}

// within says whether a folded name is under a DNS subtree. RFC 5280 knows no
// leading dot; who writes one means the names below, as OpenSSL and Go read it.
func within(name, base string) bool {
	if base == "" {
		return true
	}
	if strings.HasPrefix(base, ".") {
		return strings.HasSuffix(name, base)
	}
	return name == base || strings.HasSuffix(name, "."+base)
}

// inMailboxes is the comparison of rfc822Name: a mailbox, a host, or with a
// leading dot the hosts of a domain.
func inMailboxes(mailbox, base string, unsure bool) bool {
	at := strings.LastIndexByte(mailbox, '@')
	if at < 0 {
		return unsure
	}
	local, host := mailbox[:at], mailbox[at+1:]
	if at := strings.LastIndexByte(base, '@'); at >= 0 {
		return local == base[:at] && strings.EqualFold(host, base[at+1:])
	}
	return inDomain(host, base)
}

// inDomain is the comparison of hosts in mailboxes and URIs: the same host, or
// with a leading dot any below it.
func inDomain(host, base string) bool {
	host, base = strings.ToLower(host), strings.ToLower(base)
	if strings.HasPrefix(base, ".") {
		return strings.HasSuffix(host, base)
	}
	return base == "" || host == base
}

var kindNames = map[cert.NameKind]string{
	cert.OtherName: "otherName", cert.EmailName: "email", cert.DNSName: "DNS", cert.X400Name: "x400Address",
	cert.DirectoryName: "directory", cert.EDIPartyName: "ediPartyName", cert.URIName: "URI", cert.IPName: "address",
	cert.RegisteredID: "registeredID", cert.OddName: "odd",
}

func (n constrained) String() string {
	return "the " + kindNames[n.kind] + " name " + nameText(n.kind, n.value)
}

func (t *subtree) String() string {
	if t.kind == cert.IPName && len(t.value)%2 == 0 {
		n := len(t.value) / 2
		base, _ := netip.AddrFromSlice(t.value[:n])
		return fmt.Sprintf("%s/%x", base, t.value[n:])
	}
	return nameText(t.kind, t.value)
}

func nameText(kind cert.NameKind, value []byte) string {
	switch kind {
	case cert.DNSName, cert.EmailName, cert.URIName:
		return string(value)
	case cert.IPName:
		if ip, ok := netip.AddrFromSlice(value); ok {
			return ip.String()
		}
	case cert.DirectoryName:
		return cert.Name{Raw: value}.String()
	}
	return fmt.Sprintf("%x", value)
}
