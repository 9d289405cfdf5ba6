package clock

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/probe/name"
)

// noPrecertSigners is the day from which the Baseline Requirements (7.1.2.4) know
// no Precertificate Signing CA.
var noPrecertSigners = date(2026, 3, 15)

// A certificate that lives no longer than this needs no revocation (Baseline
// Requirements 1.6.1, "Short-lived Subscriber Certificate").
const (
	shortLived      = 10 * day
	shortLivedSince = 7 * day // from 15 March 2026
)

// demands are what the CA/Browser Forum's Baseline Requirements (BR, with the
// section in version 2) asked of the certificate of a TLS server from a day on.
// has says that it is broken. CAs issue what breaks one by mistake, and a private
// CA is bound by none.
var demands = []trait{
	// BR 7.1.1, Appendix B of 1.0.
	{name: "version", from: date(2012, 7, 1), has: func(p *profile) bool { return p.c.VersionErr == nil && p.c.Version != 3 }},
	// BR 7.1.3.2; Appendix A of 1.0 knows no MD5; ballot 118 ended SHA-1.
	{name: "md5", from: date(2012, 7, 1), has: func(p *profile) bool { return p.sig.Hash == "md5" || p.sig.Hash == "md2" }},
	{name: "sha1", from: date(2016, 1, 1), has: func(p *profile) bool { return p.sig.Hash == "sha1" }},
	{name: "signature-algorithm", from: date(2020, 9, 30), has: (*profile).oddSignature},
	// BR 6.1.5 and 6.1.6.
	{name: "rsa-size", from: date(2014, 1, 1), has: func(p *profile) bool { return p.rsa() && p.c.Key.Bits < 2048 }},
	{name: "rsa-exponent", from: date(2013, 1, 1), has: func(p *profile) bool {
		return p.rsa() && len(p.c.Key.E) > 0 && (p.c.Key.E[len(p.c.Key.E)-1]&1 == 0 || p.c.Key.Exponent() == 1)
	}},
	{name: "key-algorithm", from: date(2014, 1, 1), has: (*profile).oddKey},
	// BR 7.1, ballot 164: 64 random bits are 32 or fewer once in four billion.
	{name: "serial", from: date(2016, 9, 30), has: func(p *profile) bool { return p.c.SerialErr == nil && len(p.c.Serial) <= 4 }},
	// BR 6.3.2; see limits.
	{name: "validity", from: date(2012, 7, 1), has: func(p *profile) bool {
		v := Validity(p.c, p.c.NotBefore)
		return v != nil && v.Days > v.Limit
	}},
	// BR 7.1.4.2.1: none from 1 November 2015 on.
	{name: "internal-name", from: date(2015, 11, 1), has: (*profile).internalName},
	// Ballot SC12.
	{name: "underscore", from: date(2019, 5, 1), has: func(p *profile) bool { return p.dns(func(s string) bool { return strings.Contains(s, "_") }) }},
	// Ballot SC48: only P-labels and non-reserved LDH labels.
	{name: "reserved-label", from: date(2021, 10, 1), has: func(p *profile) bool { return p.dns(reservedLabel) }},
	// Ballot SC-086.
	{name: "reverse-zone", from: date(2026, 3, 15), has: func(p *profile) bool { return p.dns(reverseZone) }},
	// Ballot SC47.
	{name: "organizational-unit", from: date(2022, 9, 1), has: func(p *profile) bool { return len(p.c.Subject.Units()) > 0 }},
	// Ballot SC-62, BR 7.1.2.7.10 and 7.1.2.7.6.
	{name: "no-eku", from: date(2023, 9, 15), has: func(p *profile) bool { return !p.c.ExtKeyUsage().Present }},
	{name: "any-eku", from: date(2023, 9, 15), has: func(p *profile) bool { return p.purpose(cert.OIDAnyPurpose) }},
	{name: "no-aki", from: date(2023, 9, 15), has: func(p *profile) bool { return !p.extension(cert.OIDAuthorityKeyID) }},
	// Appendix B of 1.0; BR 7.1.6.1, ballot SC31.
	{name: "no-policy", from: date(2012, 7, 1), has: func(p *profile) bool { return !p.extension(cert.OIDPolicies) }},
	{name: "no-cabf-policy", from: date(2020, 9, 30), has: func(p *profile) bool {
		return !p.policy(oidDV) && !p.policy(oidOV) && !p.policy(oidIV) && !p.policy(oidEV)
	}},
	// BR 7.1.2.3 until ballot SC-063; 7.1.2.11.2 since.
	{name: "no-ocsp", from: date(2013, 1, 1), until: date(2024, 3, 15), has: func(p *profile) bool { return len(p.c.AuthorityInfo().Value.OCSP) == 0 }},
	{name: "no-revocation", from: date(2024, 3, 15), has: (*profile).irrevocable},
	// BR 7.1.6.1 and 7.1.2.7.2: what is validated by domain alone names nobody.
	{name: "dv-organization", from: date(2012, 7, 1), has: func(p *profile) bool { return p.policy(oidDV) && len(p.c.Subject.Organizations()) > 0 }},
	// EV Guidelines 9.8.1.
	{name: "ev-wildcard", from: date(2012, 7, 1), has: func(p *profile) bool { return p.policy(oidEV) && p.dns(wildcard) }},
}

func (p *profile) rsa() bool { return p.c.Key.Algorithm == cert.RSA && p.c.Key.Bits > 0 }

// oddSignature says that the signature is by an algorithm that BR 7.1.3.2 does
// not list. SHA-1 and MD5 have traits of their own.
func (p *profile) oddSignature() bool {
	switch p.sig.Hash {
	case "sha256", "sha384", "sha512":
		return p.sig.Key != cert.RSA && p.sig.Key != cert.ECDSA
	case "sha1", "md5", "md2":
		return false
	}
	return true
}

// oddKey says that the key is neither RSA nor on one of NIST's three curves. DSA
// was allowed for long, and nobody used it. What could not be read is another
// probe's.
func (p *profile) oddKey() bool {
	switch k := &p.c.Key; k.Algorithm {
	case cert.RSA, cert.DSA, "":
		return false
	case cert.ECDSA:
		return k.Curve != "" && !slices.Contains([]string{"P-256", "P-384", "P-521"}, k.Curve)
	}
	return true
}

// internalName looks for a name or address that is not of the public Internet.
func (p *profile) internalName() bool {
	if p.dns(func(s string) bool { return !name.Public(strings.TrimPrefix(s, "*.")) }) {
		return true
	}
	return slices.ContainsFunc(p.names, func(n cert.GeneralName) bool {
		ip, ok := n.IP()
		return ok && n.Kind() == cert.IPName && !publicIP(ip)
	})
}

func publicIP(ip netip.Addr) bool { return name.Public(ip.String()) }

// reservedLabel looks for hyphens in the third and fourth place of a label that
// is no A-label (RFC 5890 section 2.3.1).
func reservedLabel(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if len(label) > 3 && label[2:4] == "--" && label[:2] != "xn" {
			return true
		}
	}
	return false
}

func reverseZone(s string) bool {
	return strings.HasSuffix(s, ".in-addr.arpa") || strings.HasSuffix(s, ".ip6.arpa")
}

func wildcard(s string) bool {
	return strings.HasPrefix(s, "*.") && !strings.HasSuffix(s, ".onion")
}

// irrevocable says that the certificate points to no revocation information, and
// lives too long to do without.
func (p *profile) irrevocable() bool {
	if len(p.c.AuthorityInfo().Value.OCSP) > 0 || p.extension(cert.OIDCRLDistribution) || p.c.NotAfterErr != nil {
		return false
	}
	limit := shortLived
	if !p.c.NotBefore.Before(date(2026, 3, 15)) {
		limit = shortLivedSince
	}
	return p.c.NotAfter.Sub(p.c.NotBefore)+time.Second > limit
}
