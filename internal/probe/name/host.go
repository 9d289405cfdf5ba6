package name

import (
	"net/netip"
	"strings"
)

// privateSuffixes are the ends of names that only exist inside one network, or
// outside of DNS, so that no public CA vouches for them: RFC 6761 (localhost), RFC
// 6762 (local, and the others of its appendix G), RFC 8375 (home.arpa), ICANN's
// resolutions 2024.07.29.06 (internal) and 2018.02.04.12 (corp, home, mail), RFC
// 7686 (onion), and what Red Hat's installers called every host (localdomain).
//
// Other suffixes that nobody runs today are left public: one of them may be
// delegated tomorrow, and what intercepts its names must not be excused then. So
// are test, example and invalid: who audits such a name plays a public one.
var privateSuffixes = []string{
	"localhost", "local", "localdomain", "internal", "intranet", "private", "corp", "home", "home.arpa", "lan", "mail", "onion",
}

// Public says whether a DNS name or IP address is one of the public Internet,
// for which only a public CA, or one that the owner names, can vouch. A single
// label, a name under a private suffix, and addresses that are not globally
// routed are not.
func Public(host string) bool {
	// What neither ends in a digit nor holds a colon is no address: nearly all names.
	if n := len(host); n > 0 && (host[n-1] <= '9' || strings.HasSuffix(host, "]") || strings.HasSuffix(host, "[") || strings.Contains(host, ":")) {
		if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
			return publicIP(ip.Unmap())
		}
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if !strings.Contains(host, ".") {
		return false
	}
	for _, suffix := range privateSuffixes {
		if rest, ok := strings.CutSuffix(host, suffix); ok && strings.HasSuffix(rest, ".") {
			return false
		}
	}
	return true
}

// sharedSpace is the carrier-grade NAT range of RFC 6598.
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

func publicIP(ip netip.Addr) bool {
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !sharedSpace.Contains(ip)
}

// covers says whether a dNSName is valid for a host (RFC 9525 section 6.3): the
// same labels, or a wildcard that is the whole leftmost label and stands for one
// label. Case and a trailing dot do not count. A wildcard never stands for an
// A-label's part or directly above one label.
func covers(pattern, host string) bool {
	pattern, host = fold(pattern), fold(host)
	if pattern == "" || host == "" {
		return false
	}
	rest, wild := strings.CutPrefix(pattern, "*.")
	if !wild {
		return pattern == host && !strings.Contains(pattern, "*")
	}
	label, parent, ok := strings.Cut(host, ".")
	return ok && label != "" && parent == rest && strings.Contains(rest, ".") && !strings.Contains(rest, "*")
}

func fold(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }

// Match says whether a dNSName is valid for a host.
func Match(pattern, host string) bool { return covers(pattern, host) }
