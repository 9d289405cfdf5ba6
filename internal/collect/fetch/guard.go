package fetch

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// ErrPrivate says that a name leads to an address that is not of the public
// Internet.
var ErrPrivate = errors.New("the address is not public")

// Hint says what a person can do about a fetch that failed; empty for nothing.
func Hint(err error) string {
	switch {
	case errors.Is(err, ErrPrivate):
		return "an internal CA's addresses are followed with --allow-private-urls"
	case errors.Is(err, ErrNotKept):
		return "fill the cache with a run that asks: --cache DIR --online aia,ocsp,crl"
	}
	return ""
}

// Guard refuses every address that is not public. It is for [net.Dialer]'s
// Control: that looks at the address after the name was resolved and just before
// it is connected to, so that no name, no redirect and no second answer of a name
// server leads to the inside of a network.
func Guard(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%s: %w", address, ErrPrivate)
	}
	if !Public(ap.Addr()) {
		return fmt.Errorf("%s: %w", ap.Addr(), ErrPrivate)
	}
	return nil
}

// Public says whether an address is a host's on the public Internet. Addresses
// that carry an IPv4 address within them are as public as that one.
func Public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsValid() || a.Zone() != "" || !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	if slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(a) }) {
		return false
	}
	b := a.As16()
	for _, e := range embedding {
		if e.prefix.Contains(a) {
			return Public(netip.AddrFrom4([4]byte(b[e.at : e.at+4])))
		}
	}
	return a.Is4() || assigned.Contains(a)
}

// assigned is all of IPv6 that has been given out for hosts (RFC 4291 section 2.4,
// IANA's registry of unicast addresses): what lies outside is nobody's, or some
// translator's, as ::ffff:0:10.0.0.1 is (RFC 2765).
var assigned = netip.MustParsePrefix("2000::/3")

// special are the blocks that the registries of RFC 6890 do not call globally
// reachable and that package netip takes for ordinary.
var special = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10",
)

// embedding are the prefixes of IPv6 whose addresses a gateway turns into IPv4
// ones: NAT64 (RFC 6052) and 6to4 (RFC 3056).
var embedding = []struct {
	prefix netip.Prefix
	at     int // of the four octets
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},
	{netip.MustParsePrefix("2002::/16"), 2},
}

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}
