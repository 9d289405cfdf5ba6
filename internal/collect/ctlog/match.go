package ctlog

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
)

// A Hit is why an entry matches.
type Hit struct {
	// Watched is what was looked for, as given; empty where Unreadable says
	// that nothing can be ruled out.
	Watched string
	// Identifier is what stands in the certificate, as written and of any
	// octets, cut to 256 of them.
	Identifier string
	// Why says in words what makes an identifier that is not the name itself a
	// match; empty where it is the name, or below it.
	Why string
	// Unreadable says that the match is wider than what was looked for: part of
	// the identifier, or of the certificate, could not be read.
	Unreadable bool
}

// A pattern is one name that is looked for.
type pattern struct {
	text   string
	labels []string
	below  bool // the name and all below it
	one    bool // all names one label below
}

// A Matcher finds names in log entries. It never changes once made and is safe
// for concurrent use.
type Matcher struct {
	patterns []pattern
	exact    map[string]int   // whole names
	below    map[string]int   // names whose suffix counts
	one      map[string]int   // names below which one label counts
	parent   map[string][]int // exact and below, by the name one label up
	tails    tails            // of all patterns
	ips      map[netip.Addr]string
	nets     []watchedNet
	orgs     map[string]string // by normalOrg
	orgFolds map[string]string // by the fold of that
	issuers  map[[32]byte]string
	keys     map[[32]byte]string
	serials  map[string]string
	looks    *looks // nil where none are looked for

	// issuerOf are the keys of issuers by the hash of their certificates.
	issuerOf sync.Map
}

// maxNames bounds the names that are looked for at once.
const maxNames = 1_000_000

// NewMatcher looks for what [WatchSyntax] says. Names may be internationalised, in
// either form. All items that are none are refused together.
func NewMatcher(names []string) (*Matcher, error) {
	if len(names) == 0 {
		return nil, errors.New("no name to look for")
	}
	if len(names) > maxNames {
		return nil, fmt.Errorf("%d names are more than %d", len(names), maxNames)
	}
	below := 0 // most lists are of one kind
	for _, name := range names {
		if strings.HasPrefix(name, ".") {
			below++
		}
	}
	m := &Matcher{
		patterns: make([]pattern, 0, len(names)), exact: make(map[string]int, len(names)-below), below: make(map[string]int, below),
		one: map[string]int{}, parent: make(map[string][]int), ips: map[netip.Addr]string{},
		orgs: map[string]string{}, orgFolds: map[string]string{}, issuers: map[[32]byte]string{}, keys: map[[32]byte]string{}, serials: map[string]string{},
	}
	var errs []error
	for _, name := range names {
		if err := m.watch(name); err != nil {
			errs = append(errs, err)
		}
	}
	for i := range m.patterns {
		m.tails.add(m.patterns[i].labels, len(m.patterns))
	}
	return m, errors.Join(errs...)
}

func (m *Matcher) add(text string) error {
	p := pattern{text: text}
	name := text
	switch {
	case strings.HasPrefix(name, "*."):
		p.one, name = true, name[2:]
	case strings.HasPrefix(name, "."):
		p.below, name = true, name[1:]
	}
	var err error
	if p.labels, err = watchedLabels(text, name); err != nil {
		return err
	}
	i := len(m.patterns)
	m.patterns = append(m.patterns, p)
	key := strings.Join(p.labels, ".")
	switch {
	case p.one:
		m.one[key] = i
	case p.below:
		m.below[key] = i
	default:
		m.exact[key] = i
	}
	if !p.one {
		_, up, _ := strings.Cut(key, ".")
		m.parent[up] = append(m.parent[up], i)
	}
	return nil
}

// watchedLabels are the labels of a name that is looked for; text is the item as
// given.
func watchedLabels(text, name string) (labels []string, err error) {
	name = strings.TrimSuffix(name, ".")
	if len(name) > 253 || name == "" {
		return nil, fmt.Errorf("%.80q is no name to look for", text)
	}
	if !plainASCII([]byte(name)) {
		name = dots.Replace(name)
	}
	labels = make([]string, 0, 1+strings.Count(name, "."))
	for l := range strings.SplitSeq(name, ".") {
		a := aLabel(l)
		if a == anyLabel || len(a) > maxLabel {
			return nil, fmt.Errorf("%.80q is no name to look for: %.80q is no label", text, l)
		}
		labels = append(labels, a)
	}
	return labels, nil
}

// maxComparisons bounds the comparisons of unreadable identifiers with patterns
// for one certificate, which can hold 100 000 of them. Beyond it the certificate
// counts as unreadable.
const maxComparisons = 1_000_000

// A search is the matching of one entry.
type search struct {
	m      *Matcher
	hits   []Hit
	budget int
	buffer [maxName]byte
}

// Match appends to hits why the entry matches, each item that was looked for
// once; nothing where it does not. The entry's bytes are not kept. It is
// [Matcher.MatchChain] without a chain.
func (m *Matcher) Match(e *ct.LogEntry, hits []Hit) []Hit { return m.MatchChain(e, hits, nil) }

// MatchChain is [Matcher.Match] that can tell the issuers of certificates.
//
// chain gives the certificates behind the entry's own, as [Source.Chain] does. It
// is called only where the issuer's key is looked for and the entry does not say
// it, and once for each issuer; it may be nil: then a certificate of a tiled log
// matches no issuer.
func (m *Matcher) MatchChain(e *ct.LogEntry, hits []Hit, chain func() ([][]byte, error)) []Hit {
	s := search{m: m, hits: hits, budget: maxComparisons}
	if !identifiers(e, s.identifier) || s.budget < 0 {
		s.hit("", nil, true)
	}
	if len(m.issuers) > 0 {
		s.issuer(e, chain)
	}
	return s.hits
}

// issuer matches the key of the issuer. A precertificate's entry names it; for a
// certificate it is that of the chain, which nothing protects: the rules that judge
// what was found say whether it signed.
func (s *search) issuer(e *ct.LogEntry, chain func() ([][]byte, error)) {
	key := e.IssuerKeyHash
	if !e.Precert {
		var known bool
		if key, known = s.m.issuerKey(e, chain); !known {
			return
		}
	}
	if text, ok := s.m.issuers[key]; ok {
		s.hit(text, nil, false)
	}
}

// issuerKey is the hash of the key of the first certificate of the chain.
func (m *Matcher) issuerKey(e *ct.LogEntry, chain func() ([][]byte, error)) (key [32]byte, known bool) {
	var print [32]byte
	switch {
	case len(e.Chain) > 0:
		print = sha256.Sum256(e.Chain[0])
	case len(e.Fingerprints) > 0:
		print = e.Fingerprints[0]
	default:
		return key, false
	}
	if k, ok := m.issuerOf.Load(print); ok {
		return k.([32]byte), true
	}
	certs := e.Chain
	if len(certs) == 0 && chain != nil {
		certs, _ = chain() // what cannot be had is asked for again with the next entry
	}
	if len(certs) == 0 {
		return key, false
	}
	if key, known = cert.Parse(certs[0]).SPKISHA256(); known {
		m.issuerOf.Store(print, key)
	}
	return key, known
}

func (s *search) identifier(at place, value []byte) {
	switch at {
	case placeIP:
		s.address(value)
	case placeURI:
		s.name(hostOf(value), value)
	case placeOrg:
		s.organisation(value)
	case placeSerial:
		if text, ok := s.m.serials[plainSerial(value)]; ok {
			s.hit(text, value, false)
		}
	case placeKey:
		s.key(value)
	default:
		s.name(value, value)
	}
}

// address matches an iPAddress. One of neither 4 nor 16 octets could be any.
func (s *search) address(value []byte) {
	if len(s.m.ips)+len(s.m.nets) == 0 {
		return
	}
	ip, ok := netip.AddrFromSlice(value)
	if ok {
		s.ip(ip, value)
		return
	}
	for _, text := range s.m.ips {
		s.hit(text, value, true)
	}
	for i := range s.m.nets {
		s.hit(s.m.nets[i].text, value, true)
	}
}

// ip matches an address itself and the ranges that it is in.
func (s *search) ip(ip netip.Addr, whole []byte) {
	ip = ip.Unmap().WithZone("")
	if text, ok := s.m.ips[ip]; ok {
		s.hit(text, whole, false)
	}
	if s.budget -= len(s.m.nets); s.budget < 0 {
		return
	}
	for i := range s.m.nets {
		if s.m.nets[i].prefix.Contains(ip) {
			s.hit(s.m.nets[i].text, whole, false)
		}
	}
}

// organisation matches an organisationName.
func (s *search) organisation(value []byte) {
	const longest = 1024
	if len(s.m.orgs) == 0 {
		return
	}
	if len(value) > longest {
		s.budget = -1 // too long to be read, and so not to be ruled out
		return
	}
	key := normalOrg(string(value))
	if text, ok := s.m.orgs[key]; ok {
		s.hit(text, value, false)
	} else if text, ok := s.m.orgFolds[fold(key)]; ok {
		s.note(Hit{Watched: text, Identifier: cut(value), Why: "letters that look alike"})
	}
}

// key matches a SubjectPublicKeyInfo.
func (s *search) key(spki []byte) {
	if len(s.m.keys) == 0 {
		return
	}
	if text, ok := s.m.keys[sha256.Sum256(spki)]; ok {
		s.hit(text, nil, false)
	}
}

// name matches what stands for a name.
func (s *search) name(name, whole []byte) {
	s.addressText(name, whole)
	if b, stars, ok := plainName(name, &s.buffer); ok {
		switch {
		case stars == 0:
			s.plain(b, whole)
			return
		case stars == 1 && len(b) > 2 && b[0] == '*' && b[1] == '.':
			s.wildcard(b[2:], whole)
			return
		}
	}
	for _, labels := range readings(name) {
		s.labels(labels, whole)
	}
}

// addressText matches an IP address that stands where a name should.
func (s *search) addressText(name, whole []byte) {
	const longest = 64
	if len(s.m.ips)+len(s.m.nets) == 0 || len(name) > longest {
		return
	}
	if ip, err := netip.ParseAddr(string(bytes.Trim(name, "[] \t\r\n\x00"))); err == nil {
		s.ip(ip, whole)
	}
}

// plain matches a name without asterisks.
func (s *search) plain(b, whole []byte) {
	if s.m.tails.may(b) {
		s.watched(b, whole)
	}
	s.lookalike(b, whole)
}

// watched looks a name up.
func (s *search) watched(b, whole []byte) {
	if i, ok := s.m.exact[string(b)]; ok {
		s.hit(s.m.patterns[i].text, whole, false)
	}
	if i := bytes.IndexByte(b, '.'); i >= 0 && len(s.m.one) > 0 {
		if i, ok := s.m.one[string(b[i+1:])]; ok {
			s.hit(s.m.patterns[i].text, whole, false)
		}
	}
	s.suffixes(b, whole)
}

// suffixes matches the name and what it lies below.
func (s *search) suffixes(b, whole []byte) {
	if len(s.m.below) == 0 {
		return
	}
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] == '.' {
			if i, ok := s.m.below[string(b[i+1:])]; ok {
				s.hit(s.m.patterns[i].text, whole, false)
			}
		}
	}
	if i, ok := s.m.below[string(b)]; ok {
		s.hit(s.m.patterns[i].text, whole, false)
	}
}

// wildcard matches "*." and base: all names one label below base.
func (s *search) wildcard(base, whole []byte) {
	if s.m.tails.may(base) {
		for _, i := range s.m.parent[string(base)] {
			s.hit(s.m.patterns[i].text, whole, false)
		}
		if i, ok := s.m.one[string(base)]; ok {
			s.hit(s.m.patterns[i].text, whole, false)
		}
		s.suffixes(base, whole)
	}
	s.lookalike(base, whole)
}

// labels compares a name that has labels which stand for any with all patterns.
// A name that is one such label stands for all names where it is an asterisk.
func (s *search) labels(labels []string, whole []byte) {
	if !slices.Contains(labels, anyLabel) {
		s.plain([]byte(strings.Join(labels, ".")), whole)
		return
	}
	everything := string(bytes.Trim(whole, ". \x00")) == "*"
	for i := range s.m.patterns {
		if s.budget--; s.budget < 0 {
			return
		}
		if p := &s.m.patterns[i]; everything || p.matches(labels) {
			s.hit(p.text, whole, true)
		}
	}
}

func (p *pattern) matches(labels []string) bool {
	switch n := len(labels) - len(p.labels); {
	case n < 0, n > 0 && !p.below && !p.one, n != 1 && p.one:
		return false
	default:
		labels = labels[n:]
	}
	for i, l := range labels {
		if l != anyLabel && l != p.labels[i] {
			return false
		}
	}
	return true
}

// hit notes a match, once for each name that was looked for; one that could be
// read wins over one that could not.
func (s *search) hit(watched string, identifier []byte, unreadable bool) {
	s.note(Hit{Watched: watched, Identifier: cut(identifier), Unreadable: unreadable})
}

func (s *search) note(h Hit) {
	for i := range s.hits {
		if s.hits[i].Watched == h.Watched {
			if s.hits[i].Unreadable && !h.Unreadable {
				s.hits[i] = h
			}
			return
		}
	}
	s.hits = append(s.hits, h)
}

// cut is an identifier as it is shown.
func cut(identifier []byte) string {
	const longest = 256
	return string(identifier[:min(len(identifier), longest)])
}
