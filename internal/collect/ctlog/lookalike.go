package ctlog

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"go.mau.fi/util/confusable"
	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/unicode/norm"
)

// A look is a domain that others may imitate.
type look struct {
	text   string // as given
	label  string // "example" of example.org
	suffix string // "org"
	fold   string // of label
}

// looks are all of them, with the hashes of the labels that imitations of them
// have. A name is taken apart, and compared by rules, only where a label of it has
// one of these hashes, so that all others cost a look-up or two for each label.
// It is made of all variants, not of deletions alone: a label is looked up once,
// and a thousand domains need some 20 MB.
type looks struct {
	list   []look
	domain map[string]bool // the domains themselves
	seen   map[uint64]struct{}
}

// Shortest labels for the rules that find much that is innocent: of four letters
// most neighbours are words or names of somebody else.
const (
	minEdit = 5
	minFold = 4
	minWord = 4
)

// words are added to names of companies by those who imitate them. With a hyphen
// any word counts.
var words = []string{
	"login", "signin", "logon", "secure", "security", "account", "accounts", "verify", "verification", "auth", "online", "mail",
	"webmail", "portal", "support", "help", "service", "services", "update", "updates", "pay", "payment", "payments", "bank",
	"wallet", "shop", "store", "app", "apps", "web", "my", "team", "group", "official", "id", "sso", "vpn", "admin", "cloud", "www",
}

const labelRunes = "abcdefghijklmnopqrstuvwxyz0123456789-"

func (m *Matcher) addLook(item, name string) error {
	labels, err := watchedLabels(item, strings.TrimPrefix(name, "."))
	if err != nil {
		return err
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(strings.Join(labels, "."))
	if err != nil {
		return fmt.Errorf("%.80q: look-alikes are those of a domain such as example.org", item)
	}
	if m.looks == nil {
		m.looks = &looks{domain: map[string]bool{}, seen: map[uint64]struct{}{}}
	}
	if m.looks.domain[domain] {
		return nil
	}
	if len(m.looks.list) == maxLooks {
		return fmt.Errorf("%.80q: more than %d names whose look-alikes are looked for", item, maxLooks)
	}
	label, suffix, _ := strings.Cut(domain, ".")
	l := look{item, label, suffix, foldLabel(label)}
	m.looks.domain[domain] = true
	m.looks.list = append(m.looks.list, l)
	m.looks.learn(&l)
	return nil
}

// learn notes the hashes of all labels that can be an imitation.
func (s *looks) learn(l *look) {
	note := func(label string) { s.seen[hashOf([]byte(label))] = struct{}{} }
	note(l.label)
	note(l.fold)
	for _, w := range words {
		note(l.label + w)
		note(w + l.label)
	}
	if len(l.label) < minEdit {
		return
	}
	b := []byte(l.label)
	for i := range len(b) + 1 {
		for _, r := range []byte(labelRunes) {
			note(string(slices.Insert(slices.Clone(b), i, r)))
			if i < len(b) {
				note(string(b[:i]) + string(r) + string(b[i+1:]))
			}
		}
		if i < len(b) {
			note(string(b[:i]) + string(b[i+1:]))
		}
		if i+1 < len(b) {
			note(string(b[:i]) + string([]byte{b[i+1], b[i]}) + string(b[i+2:]))
		}
	}
}

// FNV-1a, written out because it runs over each name that is read. It need not
// resist anybody: what has a hash by chance, or on purpose, is compared by rules.
const (
	hashStart = 14695981039346656037
	hashPrime = 1099511628211
)

func hashOf(b []byte) uint64 {
	h := uint64(hashStart)
	for _, c := range b {
		h = (h ^ uint64(c)) * hashPrime
	}
	return h
}

// suspect says whether a name in lower case needs a closer look.
func (s *looks) suspect(name []byte) bool {
	whole, folded, token := uint64(hashStart), uint64(hashStart), uint64(hashStart)
	start, hyphen := 0, false
	for i, c := range name {
		switch c {
		case '.':
			if s.has(whole) || folded != whole && s.has(folded) || hyphen && s.has(token) {
				return true
			}
			if bytes.HasPrefix(name[start:i], []byte("xn--")) {
				return true
			}
			whole, folded, token, start, hyphen = hashStart, hashStart, hashStart, i+1, false
			continue
		case '-':
			if s.has(token) {
				return true
			}
			token, hyphen = hashStart, true
		default:
			token = (token ^ uint64(c)) * hashPrime
		}
		whole = (whole ^ uint64(c)) * hashPrime
		switch c {
		case '0':
			folded = (folded ^ 'o') * hashPrime
		case '1':
			folded = (folded ^ 'l') * hashPrime
		case 'm':
			folded = ((folded^'r')*hashPrime ^ 'n') * hashPrime
		case 'w':
			folded = ((folded^'v')*hashPrime ^ 'v') * hashPrime
		default:
			folded = (folded ^ uint64(c)) * hashPrime
		}
	}
	return false
}

func (s *looks) has(h uint64) bool {
	_, ok := s.seen[h]
	return ok
}

// lookalike matches a name in lower case against the domains that it may imitate.
func (s *search) lookalike(name, whole []byte) {
	if s.m.looks == nil || len(name) > maxName || !s.m.looks.suspect(name) {
		return
	}
	labels := strings.Split(string(name), ".")
	suffix, _ := publicsuffix.PublicSuffix(string(name))
	at := len(labels) - 2 - strings.Count(suffix, ".") // of the label that was registered
	if at < 0 || s.m.looks.domain[strings.Join(labels[at:], ".")] {
		return
	}
	for i := range s.m.looks.list {
		if s.budget--; s.budget < 0 {
			return
		}
		l := &s.m.looks.list[i]
		if why := l.imitated(labels, at); why != "" {
			s.note(Hit{Watched: l.text, Identifier: cut(whole), Why: why})
		}
	}
}

// imitated says how a name imitates the domain; empty where it does not.
func (l *look) imitated(labels []string, at int) string {
	own := labels[at]
	switch {
	case own == l.label:
		return "another top-level domain"
	case len(l.label) >= minFold && foldLabel(own) == l.fold:
		return "letters that look alike"
	case len(l.label) >= minEdit && oneOff(own, l.label):
		return "one letter off"
	case len(l.label) >= minWord && (slices.Contains(strings.Split(own, "-"), l.label) || slices.ContainsFunc(words, func(w string) bool { return own == l.label+w || own == w+l.label })):
		return "with other words"
	}
	for i, label := range labels[:at] {
		behind := strings.Join(labels[i+1:], ".")
		if label == l.label && (strings.HasPrefix(behind, l.suffix+".") || strings.HasPrefix(behind, l.suffix+"-")) ||
			strings.HasSuffix("-"+label, "-"+l.label+"-"+strings.ReplaceAll(l.suffix, ".", "-")) {
			return "in front of another domain"
		}
	}
	return ""
}

// foldLabel is a label in the letters of its skeleton: that of UTS #39, in lower
// case and without marks, so that é is like e. A label of the IDNA is decoded.
func foldLabel(label string) string {
	if strings.HasPrefix(label, "xn--") && len(label) <= maxLabel {
		if u, err := idna.Punycode.ToUnicode(label); err == nil {
			label = u
		}
	}
	return fold(label)
}

func fold(text string) string {
	skeleton := strings.ToLower(confusable.Skeleton(strings.ToLower(text)))
	out := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(skeleton))
	// Once more, because a letter in lower case has a skeleton of its own.
	return strings.ToLower(confusable.Skeleton(out))
}

// oneOff says whether one letter more, less, other, or two in another order make
// a of b.
func oneOff(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 || a == b {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	return a[i+1:] == b[i+1:] || i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}
