package report

import (
	"fmt"
	"slices"
	"strings"
)

// chain draws who signed whom: from the leaf along the signatures, then whatever
// else was served.
func (p *page) chain(s *Subject, certs []Certificate) {
	if len(s.Chain) == 0 {
		return
	}
	p.blank()
	p.heading("Chain")
	byHash := map[string]*Certificate{}
	for i := range certs {
		byHash[certs[i].Hash] = &certs[i]
	}
	links, revoked := links(s), revokedOn(s.Paths)
	path := pathOf(links)
	for depth, i := range path {
		if depth == maxChain {
			p.para(4, "", "…")
			break
		}
		p.link(depth, &links[i], byHash[links[i].Certificate], revoked)
	}
	if len(path) < len(links) {
		p.para(4, "", "Also there, on no path from #0:")
	}
	for i, drawn := 0, 0; i < len(links); i++ {
		if slices.Contains(path, i) {
			continue
		}
		if drawn++; drawn > maxChain {
			p.para(4, "", fmt.Sprintf("… %s in all", count(len(links), "certificate")))
			break
		}
		p.link(0, &links[i], byHash[links[i].Certificate], revoked)
	}
	trust := "anchor: " + outside(s.Anchor)
	if len(s.Programs) > 0 {
		trust += " (" + names(s.Programs) + ")"
	}
	p.para(4, "", trust)
	if s.VerifyError != "" {
		p.para(4, "", "the standard library accepts no path: "+outside(s.VerifyError))
	}
	if n := len(s.AlsoSeen); n > 0 {
		p.para(4, "! ", fmt.Sprintf("other handshakes delivered %s that are not in this chain", count(n, "certificate")))
	}
	for _, hash := range firstOf(s.Fetched) {
		subject := "(no subject)"
		if c := byHash[hash]; c != nil && c.Subject != "" {
			subject = outside(c.Subject)
		}
		p.para(4, "+ ", "fetched, and not served: "+subject)
	}
}

// links gives the links of a subject, one for each certificate and with places
// that exist, whatever the report says.
func links(s *Subject) []Link {
	out := make([]Link, len(s.Chain))
	for i, hash := range s.Chain {
		out[i] = Link{Index: i, Certificate: hash}
		if len(s.Links) == len(s.Chain) {
			out[i] = s.Links[i]
			out[i].Index, out[i].Certificate = i, hash
		}
		for _, ref := range []**int{&out[i].SignedBy, &out[i].NamesIssuer} {
			if *ref != nil && (**ref < 0 || **ref >= len(s.Chain)) {
				*ref = nil
			}
		}
	}
	return out
}

// pathOf follows signatures from the leaf, and names where no signature fits.
func pathOf(links []Link) (path []int) {
	for at := 0; !slices.Contains(path, at); {
		path = append(path, at)
		switch l := links[at]; {
		case l.SignedBy != nil:
			at = *l.SignedBy
		case l.NamesIssuer != nil:
			at = *l.NamesIssuer
		}
	}
	return path
}

// link draws one certificate.
func (p *page) link(depth int, l *Link, c *Certificate, revoked map[string]labelled) {
	indent, label := 4+3*max(depth-1, 0), ""
	if depth > 0 {
		label = "└─ "
	}
	label += fmt.Sprintf("#%d  ", l.Index)
	under := indent + columns(label)
	if c == nil {
		c = &Certificate{}
	}
	subject := outside(c.Subject)
	if subject == "" {
		subject = "(no subject)"
	}
	if len(l.Notes) > 0 {
		subject += " [" + names(l.Notes) + "]"
	}
	p.para(indent, label, subject)
	if about := describe(c); about != "" {
		p.para(under, "", about)
	}
	p.para(under, "", outside(l.Certificate))
	p.marks(under, signers(l, c))
	if mark, ok := revoked[l.Certificate]; ok {
		p.marks(under, []labelled{mark})
	}
}

// describe gives key and validity of a certificate.
func describe(c *Certificate) string {
	var parts []string
	if c.Key != "" {
		parts = append(parts, outside(c.Key))
	}
	if c.NotBefore != "" || c.NotAfter != "" {
		parts = append(parts, fmt.Sprintf("valid %s to %s", day(c.NotBefore), day(c.NotAfter)))
	}
	return strings.Join(parts, ", ")
}

// day gives the date of a time in RFC 3339.
func day(s string) string {
	date, _, _ := strings.Cut(outside(s), "T")
	if date == "" {
		return "(unreadable)"
	}
	return date
}

// marks writes what is good, bad or open about a certificate, a line each.
func (p *page) marks(indent int, list []labelled) {
	marks := map[string]string{"good": p.o.paint(green, "✓"), "bad": p.o.paint(red, "✗"), "open": "?"}
	for _, s := range list {
		p.para(indent, marks[s.Label]+" ", s.Text)
	}
}

// signers says who signed a certificate. A label is good, bad or open.
func signers(l *Link, c *Certificate) (out []labelled) {
	say := func(label, format string, args ...any) {
		out = append(out, labelled{Label: label, Text: outside(fmt.Sprintf(format, args...))})
	}
	switch {
	case l.SignedBy != nil && *l.SignedBy == l.Index:
		say("good", "signed by its own key")
	case l.SignedBy != nil:
		say("good", "signed by #%d", *l.SignedBy)
	case l.NamesIssuer != nil && *l.NamesIssuer == l.Index:
		say("bad", "names itself as issuer, but its own key does not verify it")
	case l.NamesIssuer != nil:
		say("bad", "names #%d as issuer, but the key of #%d does not verify it", *l.NamesIssuer, *l.NamesIssuer)
	}
	if l.SignedByRoot != "" {
		say("good", "signed by a known CA: %s", l.SignedByRoot)
	}
	if len(l.Anchor) > 0 {
		say("good", "is a root of: %s", strings.Join(firstOf(l.Anchor), ", "))
	}
	if l.SignedBy == nil && l.NamesIssuer == nil && l.SignedByRoot == "" {
		text := "nothing here, and no known CA, is seen to have signed it"
		if c.Issuer != "" {
			text += "; it names as issuer: " + c.Issuer
		}
		say("open", "%s", text)
	}
	return out
}

// names joins a list from outside.
func names(list []string) string { return outside(strings.Join(firstOf(list), ", ")) }
