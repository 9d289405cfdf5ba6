package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/finding"
)

// What the templates see of a subject. Texts have been escaped for eyes; the
// templates escape them for HTML.
type (
	htmlView struct {
		Class, Word, Name, Group, Reason, InWords, More string
		Open                                            bool
		Facts                                           []labelled
		Notes                                           []string
		Path                                            *htmlNode
		Others                                          []*htmlNode
		Elsewhere                                       []htmlNodes
		Timeline                                        *htmlTimeline
		Paths                                           *htmlPaths
		Findings                                        []htmlFinding
		Gaps, Errors                                    []labelled
	}
	// htmlNodes are certificates that are not of the chain.
	htmlNodes struct {
		Heading, More string
		Nodes         []*htmlNode
	}
	// htmlNode is a certificate; Child is the one that is drawn as its issuer.
	htmlNode struct {
		Index               int
		Subject, About, PEM string
		Notes               []string
		Signer, Facts       []labelled
		Child               *htmlNode
		hash                string
	}
	htmlFinding struct {
		Class, Word, Title, About, Sure, Waived, Message string
		Status                                           string // new, known or waived
		Pressing                                         bool
		Details                                          []labelled
		Rule                                             *htmlRule
	}
	htmlRule struct {
		Why, Remediation string
		Benign           []string
		References       []labelled
	}
)

func (h *htmlWriter) view(s *Subject, certs []Certificate) *htmlView {
	v := &htmlView{Class: verdictClass(s.Verdict), Word: verdictWord(s.Verdict), Name: subjectName(s), Group: outside(s.Group),
		Reason: cmp.Or(worst(s), unsettled(s)), InWords: inWords(s), Facts: subjectFacts(s)}
	if n := len(s.Findings) - 1; n > 0 && worst(s) != "" {
		v.Reason += ", and " + count(n, "more finding")
	}
	for _, note := range firstOf(s.Notes) {
		v.Notes = append(v.Notes, outside(note))
	}
	v.chain(s, byHash(certs))
	v.elsewhere("Delivered by other handshakes only", s.AlsoSeen, byHash(certs))
	v.elsewhere("Fetched, and not served", s.Fetched, byHash(certs))
	v.Paths = pathGraph(s)
	v.Timeline = timeline(h.at, s, byHash(certs))
	for i, f := range byGravity(s.Findings) {
		if i == maxItems {
			v.More = fmt.Sprintf("… and %s; the JSON report has all of them.", count(len(s.Findings)-i, "more finding"))
			break
		}
		v.Findings = append(v.Findings, h.finding(s, &f))
	}
	for _, g := range firstOf(s.Inconclusive) {
		needed := ""
		if g.Needed {
			needed = "(needed for the verdict) "
		}
		v.Gaps = append(v.Gaps, labelled{Label: outside(g.Rule), Text: needed + outside(inPlainWords(g.Reason))})
	}
	for _, e := range firstOf(s.Errors) {
		v.Errors = append(v.Errors, labelled{Label: outside(e.Stage), Text: outside(e.Error), Hint: outside(e.Hint)})
	}
	return v
}

// verdictClass is the verdict as a class of the style sheet: no text from outside.
func verdictClass(v finding.Verdict) string {
	if slices.Contains(finding.Verdicts, v) {
		return string(v)
	}
	return "none"
}

func subjectFacts(s *Subject) []labelled {
	facts := []labelled{{Label: "Subject", Text: s.ID}, {Label: "Name", Text: s.Name}, {Label: "Address", Text: s.Address}, {Label: "Listed", Text: listed(s)}}
	if !s.Seen.IsZero() {
		facts = append(facts, labelled{Label: "Seen", Text: s.Seen.UTC().Format("2006-01-02 15:04:05 UTC")})
	}
	facts = append(facts, labelled{Label: "Anchor", Text: strings.Join(append([]string{s.Anchor}, firstOf(s.Programs)...), ", ")},
		labelled{Label: "No path", Text: s.VerifyError})
	if h := s.Handshake; h != nil {
		possession := "the server did NOT prove that it holds the key"
		if h.Possession {
			possession = "the server proved that it holds the key"
		}
		parts := []string{"TLS " + h.Version, h.Cipher, h.Group, h.ALPN, possession, fmt.Sprintf("%d ms", h.ElapsedMS)}
		parts = slices.DeleteFunc(parts, func(p string) bool { return p == "" })
		facts = append(facts, labelled{Label: "Connection", Text: strings.Join(parts, ", ")}, labelled{Label: "", Text: h.Reset})
	}
	return present(facts)
}

// chain draws the path from the leaf as nested nodes, and what is on no path.
func (v *htmlView) chain(s *Subject, certs map[string]Certificate) {
	links, revoked := links(s), revokedOn(s.Paths)
	if len(links) == 0 {
		return
	}
	path := pathOf(links)
	next := &v.Path
	for depth, i := range path {
		if depth == maxChain {
			break
		}
		*next = node(&links[i], certs).mark(revoked)
		next = &(*next).Child
	}
	for i := range links {
		if !slices.Contains(path, i) && len(v.Others) < maxChain {
			v.Others = append(v.Others, node(&links[i], certs).mark(revoked))
		}
	}
}

// elsewhere shows certificates that belong to the subject and not to its chain.
func (v *htmlView) elsewhere(heading string, hashes []string, certs map[string]Certificate) {
	if len(hashes) == 0 {
		return
	}
	n := htmlNodes{Heading: heading}
	for i, hash := range hashes {
		if i == maxChain {
			n.More = "… and " + count(len(hashes)-i, "more certificate") + "."
			break
		}
		plain := node(&Link{Index: -1, Certificate: hash}, certs)
		plain.Signer = nil // nobody looked
		n.Nodes = append(n.Nodes, plain)
	}
	v.Elsewhere = append(v.Elsewhere, n)
}

func node(l *Link, certs map[string]Certificate) *htmlNode {
	c := certs[l.Certificate]
	n := &htmlNode{Index: l.Index, hash: l.Certificate, Subject: cmp.Or(outside(c.Subject), "(no subject)"), About: describe(&c), PEM: pemText(c.PEM)}
	for _, note := range firstOf(l.Notes) {
		n.Notes = append(n.Notes, outside(note))
	}
	n.Signer = signers(l, &c)
	n.Facts = present([]labelled{
		{Label: "SHA-256", Text: l.Certificate}, {Label: "Issuer", Text: c.Issuer}, {Label: "Serial", Text: c.Serial},
		{Label: "Not before", Text: c.NotBefore}, {Label: "Not after", Text: c.NotAfter},
		{Label: "Names", Text: strings.Join(firstOf(slices.Concat(c.DNSNames, c.IPAddresses)), ", ")},
		{Label: "SPKI", Text: c.SPKISHA256}, {Label: "Key", Text: c.Key}, {Label: "Signature", Text: c.Signature},
		{Label: "Parsers", Text: fmt.Sprintf("stdlib: %s, zcrypto: %s, ctgo: %s", c.Parsers.Stdlib, c.Parsers.ZCrypto, c.Parsers.CTGo)},
		{Label: "Quirks", Text: strings.Join(firstOf(c.Quirks), ", ")}, {Label: "Disagree on", Text: strings.Join(firstOf(c.Disagreements), ", ")},
	})
	return n
}

// mark adds that a certificate of the chain is revoked.
func (n *htmlNode) mark(revoked map[string]labelled) *htmlNode {
	if mark, ok := revoked[n.hash]; ok {
		n.Signer = append(n.Signer, mark)
	}
	return n
}

// pemText passes what can be a certificate in PEM, and else says what is wrong.
func pemText(s string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=- \n"
	switch {
	case len(s) > maxPEM:
		return fmt.Sprintf("%d bytes; the JSON report has them", len(s))
	case strings.Trim(s, alphabet) != "":
		return outside(s)
	}
	return strings.TrimSpace(s)
}

func (h *htmlWriter) finding(s *Subject, f *finding.Finding) htmlFinding {
	v := htmlFinding{Class: f.Severity.String(), Word: strings.ToUpper(f.Severity.String()), Title: prose(cmp.Or(f.Title, f.Rule)),
		About: about(s, f), Sure: sure(f.Confidence), Message: outside(f.Message), Pressing: pressing(f)}
	v.Status = string(finding.New)
	if f.Status == finding.Known {
		v.Status = string(finding.Known)
	} else if f.Standing {
		v.Status = "standing"
	}
	if w := f.Waiver; w != nil {
		v.Status = "waived"
		v.Waived = outside(fmt.Sprintf("until %s by %s: %s", w.Expires, w.Owner, w.Reason))
	}
	for i, key := range sortedKeys(f.Details) {
		if i == maxItems {
			break
		}
		v.Details = append(v.Details, labelled{Label: outside(key), Text: outside(value(f.Details[key]))})
	}
	if r, ok := h.o.Rule(f.Rule); ok {
		v.Rule = &htmlRule{Why: prose(r.Why), Remediation: prose(r.Remediation)}
		for _, b := range firstOf(r.Benign) {
			v.Rule.Benign = append(v.Rule.Benign, prose(b))
		}
		for _, link := range firstOf(r.References) {
			v.Rule.References = append(v.Rule.References, labelled{Text: prose(link), Link: plainLink(link)})
		}
	}
	return v
}
