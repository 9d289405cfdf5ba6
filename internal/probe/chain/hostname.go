package chain

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/certassay/certassay/internal/cert"
)

// unfit says why browsers or the Baseline Requirements refuse a dNSName as
// written; empty where they do not.
func unfit(dns string) string {
	f := cert.CheckDNSName(dns)
	switch {
	case f.Empty, f.Space, f.NonASCII, f.Character:
		return "it is no host name"
	case f.IP:
		return "it is an address"
	case strings.Contains(dns, "_"):
		// Forbidden since 1 October 2019 by the Baseline Requirements.
		return "it holds an underscore"
	case f.Wildcard:
		return "its wildcard is not the whole first label"
	}
	parent, wild := strings.CutPrefix(strings.ToLower(strings.TrimSuffix(dns, ".")), "*.")
	if suffix, icann := publicsuffix.PublicSuffix(parent); wild && icann && suffix == parent {
		return "its wildcard stands for every name of a registry"
	}
	return ""
}

// commonNames are the host names among the common names that the alternative
// names do not list letter for letter (Baseline Requirements section 7.1.4.3).
// The parent domain of a listed name deceives nobody and is left out, and where
// no host name is listed there is nothing to compare with.
func commonNames(c *cert.Certificate) (out []string) {
	listed := c.DNSNames()
	for _, cn := range c.Subject.CommonNames() {
		if len(listed) == 0 || !hostLike(cn) || looseAddress(cn) || slices.Contains(listed, cn) {
			continue
		}
		if !slices.ContainsFunc(listed, func(l string) bool { return strings.HasSuffix(l, "."+cn) }) {
			out = append(out, cn)
		}
	}
	return out
}

// commonAddresses are the addresses among the common names that are not written
// in the usual form: 192.168.010.001 and 0xC0A80A01 are one address to some
// software and another, or none, to other.
func commonAddresses(c *cert.Certificate) (out []string) {
	for _, cn := range c.Subject.CommonNames() {
		ip, err := netip.ParseAddr(cn)
		if looseAddress(cn) && (err != nil || ip.String() != cn) {
			out = append(out, cn)
		}
	}
	return out
}

// hostLike says whether a common name is meant as a host name.
func hostLike(cn string) bool {
	return strings.Contains(cn, ".") && !strings.ContainsAny(cn, " /@:")
}

// looseAddress says whether a text is an address in any form that some software
// reads as one.
func looseAddress(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	if digits, ok := strings.CutPrefix(strings.ToLower(s), "0x"); ok {
		return len(digits) == 8 && strings.Trim(digits, "0123456789abcdef") == ""
	}
	return strings.Count(s, ".") == 3 && strings.Trim(s, "0123456789.") == ""
}
