package chain

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/probe/name"
	"github.com/certassay/certassay/internal/trust"
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
		if len(listed) == 0 || !name.HostLike(cn) || looseAddress(cn) || slices.Contains(listed, cn) {
			continue
		}
		if !slices.ContainsFunc(listed, func(l string) bool { return strings.HasSuffix(l, "."+cn) }) {
			out = append(out, cn)
		}
	}
	return out
}

// commonNameEnd is when the last browser stopped to read host names from common
// names: Chrome 58.
var commonNameEnd = time.Date(2017, 4, 19, 0, 0, 0, 0, time.UTC)

// certifiesCommonName says whether a root vouches for a host by the leaf's common
// name, as certificates without alternative names were meant: RFC 2818 section 3.1.
// Of a public CA that counts up to the day when it no longer served; an owner's CA
// may go on. It counts for nothing below a CA that is bound to certain names,
// which such a name would escape. ok is false where the leaf's names could not be
// reached.
func (v *verified) certifiesCommonName(host string) (certified, ok bool) {
	best := v.paths[0]
	leaf := best.steps[0].c
	covered, ok := name.CommonNameCovers(leaf, host)
	if !ok || !covered || v.anchor == trust.None || v.anchor == trust.Local {
		return false, ok
	}
	if v.anchor == trust.Public && (leaf.NotBeforeErr != nil || !leaf.NotBefore.Before(commonNameEnd)) {
		return false, true
	}
	return !slices.ContainsFunc(best.steps[1:], func(s step) bool { return s.c.NameConstraints().Present }), true
}

// commonNameCounts says whether what a common name alone certifies was read by
// browsers when it was certified. None does today, and there are devices older than
// that which nobody can give another certificate. A new one of an owner's CA is no
// proof of somebody in between, and none of the contrary.
func commonNameCounts(leaf *cert.Certificate, certified *bool, reasons map[string]string) *bool {
	if certified == nil || !*certified || leaf.NotBeforeErr == nil && leaf.NotBefore.Before(commonNameEnd) {
		return certified
	}
	reasons["chain.common_name_counts"] = "the name stands in the common name alone, which no browser has read since " + commonNameEnd.Format(time.DateOnly) +
		": they refuse the certificate, and only its owner knows what other clients do; have it reissued with alternative names"
	return nil
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
