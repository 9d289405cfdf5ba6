package localfile

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/evidence"
)

// subjects applies the rule of the package comment: one subject for each chain,
// or for each certificate of a bundle. Failures go with the first.
func (c *content) subjects() []*evidence.Subject {
	var out []*evidence.Subject
	named := map[string]bool{}
	add := func(name string, kind evidence.Kind, certs []evidence.DER) {
		s := &evidence.Subject{ID: c.path, Target: c.path, Kind: kind, Certificates: certs}
		switch {
		case name != "" && !named[name]:
			named[name] = true
			s.ID += "#" + name
			s.Target = s.ID
		case len(out) > 0:
			s.ID = fmt.Sprintf("%s#%d", c.path, len(out)+1)
		}
		out = append(out, s)
	}
	for _, e := range c.parts() {
		if !bundle(e.certs) {
			add(e.name, kindOf(e.certs), e.certs)
			continue
		}
		for i := range e.certs {
			add("", evidence.Certificate, e.certs[i:i+1:i+1])
		}
	}
	out[0].Failures = c.failures
	return out
}

// parts are the entries, with names where there are several; at least one, which
// may be empty.
func (c *content) parts() []entry {
	if len(c.entries) == 0 {
		return []entry{{certs: c.certs}}
	}
	if len(c.entries) == 1 {
		return []entry{{certs: c.entries[0].certs}}
	}
	return c.entries
}

func kindOf(certs []evidence.DER) evidence.Kind {
	if len(certs) == 1 {
		return evidence.Certificate
	}
	return evidence.Chain
}

// bundle says whether certificates are a collection rather than a chain.
func bundle(certs []evidence.DER) bool {
	if len(certs) <= MaxChain {
		return false
	}
	leaf := cert.Parse(certs[0])
	if leaf.Issuer.Raw == nil || leaf.SelfIssued() {
		return true
	}
	for _, der := range certs[1:] {
		if bytes.Equal(cert.Parse(der).Subject.Raw, leaf.Issuer.Raw) {
			return false
		}
	}
	return true
}

// maxName is how much of a name in a file goes into the name of a subject.
const maxName = 100

// nameOf is a name that a subject can be called by, or nothing: a number serves
// better than one that is endless or not printable, or looks like a number.
func nameOf(name string) string {
	plain := strings.ContainsFunc(name, unicode.IsLetter) && !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar })
	if !plain || len(name) > maxName {
		return ""
	}
	return name
}
