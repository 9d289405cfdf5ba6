package target

import (
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits on what is written.
const (
	// MaxLength bounds one target in bytes: the longest DNS name is 253 and
	// the rest is a URL path that is ignored. It stops a binary file that was
	// given as a list from being echoed whole.
	MaxLength = 2048
	// MaxAddresses bounds what one CIDR stands for: a /16 of IPv4, a /112 of
	// IPv6. It stops a slip of one digit from becoming a scan of the Internet.
	MaxAddresses = 1 << 16
)

// Defaults fill in what a target does not say. The zero value is the usual one.
type Defaults struct {
	// Port is that of targets that name none; 0 means the scheme's own, and
	// 443 without a scheme.
	Port uint16
}

// A Spec is one target as written: a single host, or a range of addresses that
// is expanded only when walked. Parse makes them.
type Spec struct {
	target Target
	prefix netip.Prefix // masked; invalid for a single host
}

// All yields the targets meant, in order of address. Of a range it yields
// every address, also those that by convention number a network or broadcast:
// something may answer there.
func (s Spec) All() iter.Seq[Target] {
	return func(yield func(Target) bool) {
		if !s.prefix.IsValid() {
			yield(s.target)
			return
		}
		t := s.target
		for addr := s.prefix.Addr(); addr.IsValid() && s.prefix.Contains(addr); addr = addr.Next() {
			t.Host = addr.String()
			if !yield(t) {
				return
			}
		}
	}
}

// Len is the number of targets that All yields.
func (s Spec) Len() int {
	if !s.prefix.IsValid() {
		return 1
	}
	return 1 << (s.prefix.Addr().BitLen() - s.prefix.Bits())
}

// Parse reads one target. It refuses what it does not understand whole, with
// a sentence that quotes it and says what to write instead.
func Parse(s string, d Defaults) (Spec, error) {
	spec, err := parse(s, d)
	if err != nil {
		return Spec{}, fmt.Errorf("target %s: %w", quote(s), err)
	}
	spec.target.Raw = s
	return spec, nil
}

func parse(s string, d Defaults) (Spec, error) {
	if err := checkText(s); err != nil {
		return Spec{}, err
	}
	name, rest, hasScheme := strings.Cut(s, "://")
	if !hasScheme {
		return parseBare(s, d)
	}
	scheme, ok := LookupScheme(strings.ToLower(name))
	if !ok {
		return Spec{}, fmt.Errorf("unknown scheme %q; %s", name, hintFor(strings.ToLower(name)))
	}
	return parseURL(scheme, rest, d)
}

// parseBare reads what has no scheme.
func parseBare(s string, d Defaults) (Spec, error) {
	port := d.Port
	if port == 0 {
		port = 443
	}
	if strings.ContainsRune(s, '/') {
		prefix, err := parsePrefix(s)
		return Spec{Target{Scheme: bareScheme(port), Port: port}, prefix}, err
	}
	if addr, err := netip.ParseAddr(s); err == nil {
		host, err := addrHost(addr)
		return Spec{target: Target{Scheme: bareScheme(port), Host: host, Port: port}}, err
	}
	host, port, err := parseHostPort(s, port)
	return Spec{target: Target{Scheme: bareScheme(port), Host: host, Port: port}}, err
}

func bareScheme(port uint16) string {
	if port == 443 {
		return "https"
	}
	return "tls"
}

// parseURL reads what follows "scheme://".
func parseURL(scheme Scheme, rest string, d Defaults) (Spec, error) {
	port := d.Port
	if port == 0 {
		port = scheme.Port
	}
	if strings.ContainsAny(rest, "?#") {
		return Spec{}, errors.New("has a query or fragment; write only scheme, host and port")
	}
	authority, path, hasPath := strings.Cut(rest, "/")
	if strings.ContainsRune(authority, '@') {
		return Spec{}, errors.New("has a user name; certassay never logs in, write only scheme, host and port")
	}
	if hasPath && path != "" {
		if prefix, err := netip.ParsePrefix(strings.NewReplacer("[", "", "]", "").Replace(rest)); err == nil {
			return urlPrefix(scheme, prefix, port)
		}
		if scheme.Name != "https" {
			return Spec{}, fmt.Errorf("has a path, which %s:// does not have", scheme.Name)
		}
	}
	host, port, err := parseHostPort(authority, port)
	return Spec{target: Target{Scheme: scheme.Name, Host: host, Port: port}}, err
}

// urlPrefix is scheme://ADDRESS/BITS, which for https could as well be a path.
func urlPrefix(scheme Scheme, prefix netip.Prefix, port uint16) (Spec, error) {
	if scheme.Name == "https" {
		return Spec{}, fmt.Errorf("could mean a path or a range; write tls://%s for the range", prefix)
	}
	prefix, err := checkPrefix(prefix)
	return Spec{Target{Scheme: scheme.Name, Port: port}, prefix}, err
}

func parsePrefix(s string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(s)
	if err == nil {
		return checkPrefix(prefix)
	}
	address, bits, _ := strings.Cut(s, "/")
	if _, aerr := netip.ParseAddr(strings.Trim(address, "[]")); aerr != nil {
		return netip.Prefix{}, errors.New(`has a path but no scheme; write https:// before it, or use "certassay check" for a file`)
	}
	if strings.ContainsAny(bits, ":]") || strings.HasPrefix(address, "[") {
		return netip.Prefix{}, errors.New("is not ADDRESS/BITS; name the port of a range with --port")
	}
	return netip.Prefix{}, fmt.Errorf("%q is no prefix length", bits)
}

func checkPrefix(prefix netip.Prefix) (netip.Prefix, error) {
	if prefix.Addr().Is4In6() {
		return netip.Prefix{}, errors.New("is an IPv4-mapped range; write it as IPv4")
	}
	if free := prefix.Addr().BitLen() - prefix.Bits(); free > 16 {
		return netip.Prefix{}, fmt.Errorf("stands for 2^%d addresses; the limit is %d, split it or write a longer prefix", free, MaxAddresses)
	}
	return prefix.Masked(), nil
}

// parseHostPort reads "host", "host:port", "[v6]" and "[v6]:port".
func parseHostPort(s string, port uint16) (string, uint16, error) {
	host, portText, hasPort := s, "", false
	if inner, ok := strings.CutPrefix(s, "["); ok {
		inside, after, closed := strings.Cut(inner, "]")
		if !closed {
			return "", 0, errors.New("has an opening bracket without a closing one")
		}
		if after != "" && after[0] != ':' {
			return "", 0, fmt.Errorf("has %q after the bracket where only a port can stand", after)
		}
		addr, err := netip.ParseAddr(inside)
		if err != nil || !addr.Is6() {
			return "", 0, fmt.Errorf("%q in brackets is not an IPv6 address", inside)
		}
		host, portText, hasPort = inside, strings.TrimPrefix(after, ":"), after != ""
	} else if i := strings.LastIndexByte(s, ':'); i >= 0 {
		if strings.IndexByte(s, ':') != i {
			return "", 0, errors.New("has more than one colon; write an IPv6 address as [ADDRESS]:PORT")
		}
		host, portText, hasPort = s[:i], s[i+1:], true
	}
	host, err := parseHost(host)
	if err != nil || !hasPort {
		return host, port, err
	}
	port, err = parsePort(portText)
	return host, port, err
}

func parsePort(s string) (uint16, error) {
	port, err := strconv.ParseUint(s, 10, 16)
	if err != nil || port == 0 || s[0] == '+' {
		return 0, fmt.Errorf("port %q is not a number from 1 to 65535", s)
	}
	return uint16(port), nil
}

// checkText refuses what no target is written with, before anything is cut.
func checkText(s string) error {
	switch {
	case s == "":
		return errors.New("is empty")
	case len(s) > MaxLength:
		return fmt.Errorf("has %d bytes; the limit is %d", len(s), MaxLength)
	case !utf8.ValidString(s):
		return errors.New("is not UTF-8")
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d' {
			return fmt.Errorf("has the invisible character %U", r)
		}
		if unicode.IsSpace(r) {
			return errors.New("has a space in it; write one target at a time")
		}
	}
	return nil
}

// quote shortens what a person wrote for a sentence, and hides what could be a
// password: the sentence may end in a public CI log.
func quote(s string) string {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		start := strings.Index(s, "://")
		if start += 3; start < 3 || start > i {
			start = 0
		}
		s = s[:start] + "..." + s[i:]
	}
	if len(s) <= 80 {
		return strconv.Quote(s)
	}
	return strconv.Quote(s[:80]) + "..."
}

// Prefix is the range of addresses that is meant; it is invalid for a single
// host.
func (s Spec) Prefix() netip.Prefix { return s.prefix }

// Raw is what was written.
func (s Spec) Raw() string { return s.target.Raw }

// Covers says whether t is one of the targets that All yields.
func (s Spec) Covers(t Target) bool {
	if !s.prefix.IsValid() {
		return s.target.ID() == t.ID()
	}
	addr, ok := t.Addr()
	return ok && s.prefix.Contains(addr) && s.target.Port == t.Port && s.target.idScheme() == t.idScheme()
}

// Same says whether two specs stand for the same targets.
func (s Spec) Same(o Spec) bool {
	return s.prefix == o.prefix && s.target.ID() == o.target.ID()
}

// Line is the number of the line of the list that the spec was read from, 0 where
// it came from none.
func (s Spec) Line() int {
	i := strings.LastIndexByte(s.target.Origin, ':')
	line, err := strconv.Atoi(s.target.Origin[i+1:])
	if i < 0 || err != nil {
		return 0
	}
	return line
}
