package intercept

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/trust"
)

// A sample is a certificate with the facts that shapes are recognised by.
type sample struct {
	c               *cert.Certificate
	subject, issuer trust.DN
	valid           *facts.Valid
	ext             *facts.Ext
}

// A shape is what a program's code writes into every leaf, whatever its
// configuration. No public CA issues leaves with any of these sets of
// extensions: all lack the pointers (AIA, CRLDP, policies) that the Baseline
// Requirements ask for.
type shape struct {
	product string
	// sets are the extensions in order, as facts.Ext.Set writes them, with
	// "SAN" also standing for a critical one.
	sets []string
	// days is the validity rounded up, 0 for any.
	days int64
	// also is a further condition, nil for none.
	also func(*sample) bool
}

// shapes were measured on certificates that each program made, November 2026.
var shapes = []shape{
	{product: "mitmproxy", sets: []string{"EKU SAN"}, days: 367},
	{product: "sslsplit", sets: []string{"SKI AKI BC! KU EKU SAN", "SKI AKI BC! KU EKU CRLDP SAN"}, also: akiNamesSerial},
	{product: "haproxy", sets: []string{"BC nsComment SKI AKI KU SAN"}, also: akiNamesSerial},
	{product: "privoxy", sets: []string{"BC SKI AKI SAN"}, also: privoxyName},
	{product: "bettercap", sets: []string{"KU! EKU BC! AKI SAN"}, also: func(s *sample) bool { return s.c.Key.Algorithm == cert.RSA && s.c.Key.Bits == 1024 }},
	{product: "goproxy", sets: []string{"KU! EKU BC! AKI SAN"}, days: 395, also: func(s *sample) bool { return len(s.c.Serial) <= 8 }},
	{product: "e2guardian", sets: []string{"SAN"}, days: 3652},
	{product: "Martian", sets: []string{"KU! EKU BC! SKI AKI SAN"}, also: func(s *sample) bool { return s.valid.Seconds <= 2*3600+1 }},
	{product: "http-mitm-proxy", sets: []string{"BC KU EKU nsCertType SKI SAN"}},
	{product: "AnyProxy", sets: []string{"BC SAN"}, days: 825},
	{product: "whistle", sets: []string{"BC KU EKU SAN AKI"}, days: 50},
	{product: "hoxy", sets: []string{"SAN SKI AKI"}, days: 500},
	{product: "squid", sets: []string{"SAN KU! EKU BC! AKI"}},
	{product: "Metasploit impersonate_ssl", sets: []string{"BC SKI", "BC! SKI"}, also: impersonated},
	{product: "Ettercap", sets: []string{"AKI"}, also: ettercapKeyID},
}

func toolShape(s *sample) string {
	set := strings.ReplaceAll(s.ext.Set, "SAN!", "SAN")
	for _, sh := range shapes {
		for _, want := range sh.sets {
			if set == want && (sh.days == 0 || sh.days == s.valid.Days || sh.days+1 == s.valid.Days) && (sh.also == nil || sh.also(s)) {
				return sh.product
			}
		}
	}
	return ""
}

func akiNamesSerial(s *sample) bool { return s.ext.AKISerial }

// privoxyName is subject CN=O=OU=host, C=CZ.
func privoxyName(s *sample) bool {
	d := s.subject
	return len(d.CN) == 1 && len(d.O) == 1 && len(d.OU) == 1 && d.CN[0] == d.O[0] && d.O[0] == d.OU[0]
}

// impersonated says whether the key is as Metasploit's and the name one that
// somebody would imitate: Dahua's cameras have the same key and extensions, under a
// CA of their own and with a private address as common name.
func impersonated(s *sample) bool {
	if s.c.Key.Algorithm != cert.RSA || s.c.Key.Bits != 1024 {
		return false
	}
	return s.c.SelfIssued() || !slices.ContainsFunc(s.subject.CN, func(cn string) bool {
		ip, err := netip.ParseAddr(cn)
		return err == nil && ip.IsPrivate()
	})
}

// ettercapKeyID says whether octets 7 and 8 of the authority key identifier are
// the ones that ettercap overwrites.
func ettercapKeyID(s *sample) bool {
	return len(s.ext.AKI) == 40 && s.ext.AKI[14:18] == "e77e"
}

// packedName says whether a name is one countryName attribute that holds a whole
// name as text, as Metasploit's rex-socket makes it.
func packedName(n *cert.Name) bool {
	all := n.Attributes()
	return len(all) == 1 && string(all[0].Type) == cert.OIDCountry && strings.Contains(all[0].Text, "/CN=")
}
