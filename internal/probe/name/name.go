// Package name turns the names in a certificate into facts: whom it says it is
// for, who it says issued it, and what in these names deceives.
package name

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
)

// Distinguished gives the facts about a subject or issuer; nil where the walk
// did not get there.
func Distinguished(n *cert.Name) *facts.Name {
	if n.Raw == nil {
		return nil
	}
	flaws := n.Check()
	return &facts.Name{
		Text: n.String(), Empty: n.Empty(),
		CommonNames: known(n.CommonNames()), Organizations: known(n.Organizations()),
		Units: known(n.Units()), Countries: known(n.Countries()),
		NUL: flaws.NUL, Control: flaws.Control, Bidi: flaws.Bidi, MixedScript: flaws.MixedScript,
		Malformed: flaws.Malformed,
	}
}

// known makes an empty list of none: nil would mean unknown.
func known(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// Alternative gives the facts about the subject alternative names; nil where
// the extensions could not be reached.
func Alternative(c *cert.Certificate) *facts.Names {
	if c.SPKI == nil {
		return nil
	}
	alt := c.AltNames()
	flaws := c.CheckNames()
	f := &facts.Names{
		Present: alt.Present, Readable: alt.Err == nil && !c.Quirks.Has(cert.OddGeneralName),
		IP:  []string{},
		NUL: flaws.NUL, Control: flaws.Control || flaws.Space, Bidi: flaws.Bidi, MixedScript: flaws.MixedScript,
		NonASCII: flaws.NonASCII, IPAsDNS: flaws.IP, BadWildcard: flaws.Wildcard,
	}
	for _, g := range alt.Value {
		if g.Kind() != cert.DNSName {
			continue
		}
		d := strings.ToLower(string(g.Value))
		if f.DNS == nil {
			f.DNS = make([]string, 0, len(alt.Value))
		}
		f.DNS = append(f.DNS, d)
		f.Public = f.Public || Public(strings.TrimPrefix(d, "*."))
		f.BadWildcard = f.BadWildcard || overSuffix(d)
		f.WildSuffix = f.WildSuffix || overRegistry(d)
	}
	f.DNS = known(f.DNS)
	for _, ip := range c.IPAddresses() {
		f.IP = append(f.IP, ip.String())
		f.Public = f.Public || publicIP(ip.Unmap())
	}
	for _, cn := range c.Subject.CommonNames() {
		f.CNNotInSAN = f.CNNotInSAN || HostLike(cn) && !covered(f, cn)
	}
	return f
}

// overSuffix says whether a wildcard stands directly over a public suffix that
// ICANN delegates, where it would cover the names of strangers.
func overSuffix(dns string) bool {
	parent, ok := strings.CutPrefix(dns, "*.")
	if !ok {
		return false
	}
	suffix, icann := publicsuffix.PublicSuffix(strings.TrimSuffix(parent, "."))
	return icann && suffix == strings.TrimSuffix(parent, ".")
}

// openSuffixes are top-level domains, and second labels under those of countries,
// where anybody may register a name. There are more; of others, such as a brand's
// own top-level domain or gov.uk, one owner may hold every name.
var openSuffixes = []string{"biz", "co", "com", "info", "ne", "net", "or", "org"}

// overRegistry says whether a wildcard covers every name under a registry where
// anybody may register, so that no one owner can have asked for it.
func overRegistry(dns string) bool {
	if !overSuffix(dns) {
		return false
	}
	labels := strings.Split(strings.TrimSuffix(dns, "."), ".")[1:]
	country := len(labels[len(labels)-1]) == 2
	switch len(labels) {
	case 1:
		return country || slices.Contains(openSuffixes, labels[0])
	case 2:
		return country && slices.Contains(openSuffixes, labels[0])
	}
	return false
}

// HostLike says whether a commonName is meant as a host name.
func HostLike(cn string) bool {
	return strings.Contains(cn, ".") && !strings.ContainsAny(cn, " /@:")
}

func covered(f *facts.Names, host string) bool {
	return slices.Contains(f.IP, host) || slices.ContainsFunc(f.DNS, func(d string) bool { return fold(d) == fold(host) })
}

// Covers says whether the leaf is valid for a host name or IP address by its
// subject alternative names (RFC 9525 section 6.3; commonName does not count).
// ok is false where the names could not be reached.
func Covers(c *cert.Certificate, host string) (valid, ok bool) {
	if c.SPKI == nil {
		return false, false
	}
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return slices.ContainsFunc(c.IPAddresses(), func(a netip.Addr) bool { return a.Unmap() == ip.Unmap() }), true
	}
	return slices.ContainsFunc(c.DNSNames(), func(d string) bool { return covers(d, host) }), true
}

// CommonNameCovers says whether a leaf without any alternative name bears a host
// name or IP address as its common name. Where there are several common names, no
// one of them counts: software disagrees on which. ok is false where the names
// could not be reached.
func CommonNameCovers(c *cert.Certificate, host string) (valid, ok bool) {
	if c.SPKI == nil {
		return false, false
	}
	list := c.Subject.CommonNames()
	if c.AltNames().Present || len(list) != 1 {
		return false, true
	}
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		cn, err := netip.ParseAddr(list[0])
		return err == nil && cn.Unmap() == ip.Unmap(), true
	}
	return covers(list[0], host), true
}
