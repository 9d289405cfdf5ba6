package report

import (
	"fmt"
	"slices"
	"strings"
)

// Path is one way from the leaf to a root, and what becomes of it.
type Path struct {
	// Certificates are the hashes, the leaf first. Those of roots and of
	// certificates that were not served are not in Document.Certificates.
	Certificates []string `json:"certificates"`
	// Subjects are the subjects of the certificates.
	Subjects []string `json:"subjects"`
	// Anchor is why the last certificate is trusted: public, inventory or none.
	Anchor string `json:"anchor"`
	// Programs accept the path for TLS servers at the time of judgement.
	Programs []string `json:"programs"`
	// AtIssue are the programs that accepted it at the leaf's notBefore.
	AtIssue []string `json:"programs_at_issue,omitempty"`
	// Reason is why no program accepts it, in one word; absent where one does.
	Reason string `json:"reason,omitempty"`
	// FailedAt is the index of the first certificate that fails; absent where
	// none does.
	FailedAt *int `json:"failed_at,omitempty"`
	// Detail is the reason as a sentence.
	Detail string `json:"detail,omitempty"`
	// Revoked are the certificates of the path, the root aside, that lists of revoked
	// ones hold.
	Revoked []PathRevoked `json:"revoked,omitempty"`
}

// PathRevoked is a revoked certificate of a path.
type PathRevoked struct {
	// Index is its index on the path.
	Index int `json:"index"`
	// List is the list of revoked certificates and its date, such as "OneCRL 2026-10-28".
	List string `json:"list"`
	// Listed is a day on which it stood there, 2006-01-02; absent where the list does
	// not say.
	Listed string `json:"listed,omitempty"`
	// InForce says that it is known to have been on the list at the time of judgement.
	InForce bool `json:"in_force"`
}

// revocations says which certificates of a path are revoked, or empty text.
func (path *Path) revocations() string {
	var out []string
	for _, r := range firstOf(path.Revoked) {
		text := "revoked: " + r.List
		if !r.InForce {
			text = "revoked later: " + r.List
		}
		if r.Index >= 0 && r.Index < len(path.Subjects) {
			text += ": " + path.Subjects[r.Index]
		}
		if r.Listed != "" {
			text += " (listed by " + r.Listed + ")"
		}
		out = append(out, outside(text))
	}
	return strings.Join(out, "; ")
}

// revokedOn says of the certificates of all paths, by hash, which of them lists of
// revoked ones hold: bad, or open where it was not listed yet at the time of judgement.
func revokedOn(paths []Path) map[string]labelled {
	out := map[string]labelled{}
	for i := range paths {
		for _, r := range paths[i].Revoked {
			if r.Index < 0 || r.Index >= len(paths[i].Certificates) {
				continue
			}
			mark := labelled{Label: "bad", Text: "revoked: " + r.List}
			if !r.InForce {
				mark = labelled{Label: "open", Text: "revoked later: " + r.List}
			}
			if r.Listed != "" {
				mark.Text += " (listed by " + r.Listed + ")"
			}
			mark.Text = outside(mark.Text)
			if had, ok := out[paths[i].Certificates[r.Index]]; !ok || had.Label == "open" {
				out[paths[i].Certificates[r.Index]] = mark
			}
		}
	}
	return out
}

// anyRevoked says that a path leads through a revoked certificate.
func anyRevoked(paths []Path) bool {
	return slices.ContainsFunc(paths, func(p Path) bool { return len(p.Revoked) > 0 })
}

// A branch is a certificate on one or more paths, drawn once.
type branch struct {
	hash, subject string
	next          []*branch
	ends          []*Path // paths whose last certificate it is
}

// paths draws the ways to roots as a graph, where there is more than one, or one
// leads through a revoked certificate.
func (p *page) paths(s *Subject) {
	if len(s.Paths) < 2 && !anyRevoked(s.Paths) {
		return
	}
	root := &branch{}
	for i := range firstOf(s.Paths) {
		root.add(&s.Paths[i])
	}
	p.blank()
	p.heading(fmt.Sprintf("Paths (%d)", len(s.Paths)))
	for _, b := range root.next {
		p.branch(b, "    ", "    ")
	}
	if more := len(s.Paths) - maxItems; more > 0 {
		p.para(4, "", fmt.Sprintf("… and %s", count(more, "more path")))
	}
}

func (b *branch) add(path *Path) {
	at := b
	for i, hash := range path.Certificates {
		k := slices.IndexFunc(at.next, func(n *branch) bool { return n.hash == hash })
		if k < 0 {
			subject := ""
			if i < len(path.Subjects) {
				subject = path.Subjects[i]
			}
			at.next, k = append(at.next, &branch{hash: hash, subject: subject}), len(at.next)
		}
		at = at.next[k]
	}
	at.ends = append(at.ends, path)
}

// branch draws one certificate and what is above it.
func (p *page) branch(b *branch, first, rest string) {
	p.hang(first, rest, outside(b.subject))
	for _, path := range b.ends {
		p.hang(rest+"   ", rest+"     ", p.outcome(path))
	}
	for i, n := range b.next {
		if i == len(b.next)-1 {
			p.branch(n, rest+"└─ ", rest+"   ")
		} else {
			p.branch(n, rest+"├─ ", rest+"│  ")
		}
	}
}

// hang writes a paragraph whose first line has another start than the others.
func (p *page) hang(first, rest, text string) {
	for i, line := range wrap(text, max(p.width-columns(rest), 20)) {
		start := first
		if i > 0 {
			start = rest
		}
		p.line(start, line)
	}
}

func (p *page) outcome(path *Path) string {
	if len(path.Programs) > 0 {
		text := p.o.paint(green, "✓") + " accepted by " + names(path.Programs)
		if revoked := path.revocations(); revoked != "" {
			text += "; " + revoked
		}
		return text
	}
	text := p.o.paint(red, "✗") + " "
	if path.Reason == "revoked" {
		text += path.revocations()
	} else if path.Detail != "" {
		text += outside(path.Detail)
	} else {
		text += outside(path.Reason)
	}
	if len(path.AtIssue) > 0 {
		text += "; when it was issued, accepted by " + names(path.AtIssue)
	}
	if revoked := path.revocations(); revoked != "" && path.Reason != "revoked" {
		text += "; " + revoked
	}
	return text
}
