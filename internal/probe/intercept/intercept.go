// Package intercept looks for the identities and habits of software that makes
// certificates on the fly, and of attack tools.
package intercept

import (
	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/trust"
)

// Known gives what is known of the names, key and shape of a certificate. It
// is nil where the walk did not get to the key. valid and ext are the
// certificate's other facts and may be nil.
func Known(c *cert.Certificate, valid *facts.Valid, ext *facts.Ext) *facts.Known {
	if c.SPKI == nil {
		return nil
	}
	subject, issuer := attributes(&c.Subject), attributes(&c.Issuer)
	f := &facts.Known{}
	if id, ok := interceptor(c, subject, issuer); ok {
		f.Interceptor, f.Sure = id.Product, id.Sure
	}
	f.AttackTool = attackTool(c, subject, issuer)
	if valid != nil && ext != nil {
		f.ToolShape = toolShape(&sample{c, subject, issuer, valid, ext})
	}
	for _, dn := range []trust.DN{subject, issuer} {
		if id, ok := trust.ExampleName(dn); ok && f.DefaultValues == "" {
			f.DefaultValues = id.Product
		}
	}
	return f
}

func interceptor(c *cert.Certificate, subject, issuer trust.DN) (trust.Identity, bool) {
	if id, ok := trust.Interceptor(issuer); ok {
		return id, true
	}
	if c.BasicConstraints().Value.CA {
		return trust.Interceptor(subject)
	}
	return trust.InterceptedLeaf(subject)
}

func attackTool(c *cert.Certificate, subject, issuer trust.DN) string {
	for _, dn := range []trust.DN{issuer, subject} {
		if id, ok := trust.AttackTool(dn); ok {
			return id.Product
		}
	}
	if packedName(&c.Subject) && packedName(&c.Issuer) {
		return "Metasploit"
	}
	return ""
}

func attributes(n *cert.Name) trust.DN {
	return trust.DN{
		CN: n.CommonNames(), O: n.Organizations(), OU: n.Units(),
		L: n.Values(cert.OIDLocality), ST: n.Values(cert.OIDState),
	}
}
