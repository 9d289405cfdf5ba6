package ctlog

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

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
	ips      map[netip.Addr]string
}

// maxNames bounds the names that are looked for at once.
const maxNames = 1_000_000

// NewMatcher looks for these names: "example.org" is that name alone,
// ".example.org" that name and all below it, "*.example.org" all names one label
// below it, and an IP address itself. Names may be internationalised, in either
// form. A wildcard in a certificate matches every name that it covers. All names
// that are none are refused together.
func NewMatcher(names []string) (*Matcher, error) {
	if len(names) == 0 {
		return nil, errors.New("no name to look for")
	}
	if len(names) > maxNames {
		return nil, fmt.Errorf("%d names are more than %d", len(names), maxNames)
	}
	m := &Matcher{exact: map[string]int{}, below: map[string]int{}, one: map[string]int{}, parent: map[string][]int{}, ips: map[netip.Addr]string{}}
	var errs []error
	for _, name := range names {
		if ip, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
			m.ips[ip.Unmap().WithZone("")] = name
			continue
		}
		if err := m.add(name); err != nil {
			errs = append(errs, err)
		}
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
	name = strings.TrimSuffix(name, ".")
	if len(name) > 253 || name == "" {
		return fmt.Errorf("%.80q is no name to look for", text)
	}
	for _, l := range strings.Split(dots.Replace(name), ".") {
		a := aLabel(l)
		if a == anyLabel || len(a) > maxLabel {
			return fmt.Errorf("%.80q is no name to look for: %.80q is no label", text, l)
		}
		p.labels = append(p.labels, a)
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

// Match appends to hits why the entry matches, each name that was looked for
// once; nothing where it does not. The entry's bytes are not kept.
func (m *Matcher) Match(e *ct.LogEntry, hits []Hit) []Hit {
	s := search{m: m, hits: hits, budget: maxComparisons}
	if !identifiers(e, s.identifier) || s.budget < 0 {
		s.hit("", nil, true)
	}
	return s.hits
}

func (s *search) identifier(at place, value []byte) {
	switch at {
	case placeIP:
		s.address(value)
	case placeURI:
		s.name(hostOf(value), value)
	default:
		s.name(value, value)
	}
}

// address matches an iPAddress. One of neither 4 nor 16 octets could be any.
func (s *search) address(value []byte) {
	if len(s.m.ips) == 0 {
		return
	}
	ip, ok := netip.AddrFromSlice(value)
	if !ok {
		for _, text := range s.m.ips {
			s.hit(text, value, true)
		}
		return
	}
	if text, ok := s.m.ips[ip.Unmap()]; ok {
		s.hit(text, value, false)
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
	if len(s.m.ips) == 0 || len(name) > longest {
		return
	}
	if ip, err := netip.ParseAddr(string(bytes.Trim(name, "[] \t\r\n\x00"))); err == nil {
		if text, ok := s.m.ips[ip.Unmap().WithZone("")]; ok {
			s.hit(text, whole, false)
		}
	}
}

// plain matches a name without asterisks.
func (s *search) plain(b, whole []byte) {
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
	for _, i := range s.m.parent[string(base)] {
		s.hit(s.m.patterns[i].text, whole, false)
	}
	if i, ok := s.m.one[string(base)]; ok {
		s.hit(s.m.patterns[i].text, whole, false)
	}
	s.suffixes(base, whole)
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
	const longest = 256
	for i := range s.hits {
		if s.hits[i].Watched == watched {
			if s.hits[i].Unreadable && !unreadable {
				s.hits[i] = Hit{Watched: watched, Identifier: string(identifier[:min(len(identifier), longest)])}
			}
			return
		}
	}
	s.hits = append(s.hits, Hit{Watched: watched, Identifier: string(identifier[:min(len(identifier), longest)]), Unreadable: unreadable})
}
