package clock

import (
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/facts"
)

// Limits on what is looked at in one certificate; honest ones stay far below.
const (
	maxSCTs  = 32   // embedded SCTs whose log is looked up
	maxNames = 4096 // subject alternative names that are held against the rules
)

// A trait is something about a certificate that its notBefore can contradict.
type trait struct {
	name string
	// from is the day on which it began: before it a certificate cannot have
	// the trait, or may.
	from time.Time
	// until is the day from which the rule no longer held; zero where it holds.
	until time.Time
	has   func(*profile) bool
}

// A profile is a certificate with what several traits ask of it.
type profile struct {
	c        *cert.Certificate
	sig      cert.Algorithm
	policies []cert.OID
	purposes []cert.OID
	names    []cert.GeneralName
	lower    []string // the dNSNames among names, in lower case
	scts     []ct.SCT
	logs     *ct.LogList
}

// Profile holds a certificate against the dates of what public CAs could, and had
// to, put into one. Logs say when a log was first heard of, and so have to be a
// list with history: one that browsers publish knows a log's present state alone.
// Nil knows none. It is nil where the notBefore or the
// extensions cannot be read: then nothing can be said of what is missing.
func Profile(c *cert.Certificate, issuer bool, logs *ct.LogList) *facts.Profile {
	if c.SPKI == nil || c.NotBeforeErr != nil || c.ExtensionsErr != nil {
		return nil
	}
	p := &profile{
		c: c, sig: c.SignatureAlgorithm(), policies: c.Policies().Value, purposes: c.ExtKeyUsage().Value, logs: logs,
	}
	f := &facts.Profile{TooNew: []string{}, Broken: []string{}}
	if issuer || c.BasicConstraints().Value.CA {
		if !c.NotBefore.Before(noPrecertSigners) && p.purpose(oidPrecertSigning) {
			f.Broken = append(f.Broken, "precertificate-signer")
		}
		return f
	}
	p.names = c.AltNames().Value
	p.names = p.names[:min(len(p.names), maxNames)]
	for i := range p.names {
		if n := &p.names[i]; n.Kind() == cert.DNSName {
			p.lower = append(p.lower, strings.ToLower(string(n.Value)))
		}
	}
	p.readSCTs()
	for i := range novelties {
		if t := &novelties[i]; c.NotBefore.Before(t.from) && t.has(p) {
			f.TooNew = append(f.TooNew, t.name)
		}
	}
	f.Server = p.server()
	if !f.Server || c.SelfIssued() {
		return f
	}
	for i := range demands {
		if t := &demands[i]; t.inForce(c.NotBefore) && t.has(p) {
			f.Broken = append(f.Broken, t.name)
		}
	}
	return f
}

func (t *trait) inForce(at time.Time) bool {
	return !at.Before(t.from) && (t.until.IsZero() || at.Before(t.until))
}

// readSCTs reads what is embedded. What cannot be read is a matter of other
// probes.
func (p *profile) readSCTs() {
	parts, err := ct.SplitList(p.c.SCTList().Value)
	if err != nil {
		return
	}
	for _, part := range parts[:min(len(parts), maxSCTs)] {
		if s, err := ct.ParseSCT(part); err == nil {
			p.scts = append(p.scts, s)
		}
	}
}

// server says that it can be a TLS server's. Without key purposes it can be
// anything, and is one where it names a host.
func (p *profile) server() bool {
	if !p.c.ExtKeyUsage().Present {
		return len(p.lower) > 0
	}
	return p.purpose(cert.OIDServerAuth) || p.purpose(cert.OIDAnyPurpose)
}

func (p *profile) purpose(oid string) bool { return holds(p.purposes, oid) }
func (p *profile) policy(oid string) bool  { return holds(p.policies, oid) }

func holds(oids []cert.OID, oid string) bool {
	return slices.ContainsFunc(oids, func(o cert.OID) bool { return string(o) == oid })
}

func (p *profile) extension(oid string) bool { return p.c.Extension(oid) != nil }

// dns says whether any dNSName, in lower case, is so.
func (p *profile) dns(is func(string) bool) bool {
	return slices.ContainsFunc(p.lower, is)
}
