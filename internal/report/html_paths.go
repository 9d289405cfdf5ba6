package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// htmlPaths is every path to a root as a graph, a certificate drawn once, the leaf
// at the left; and what becomes of each path in words.
type htmlPaths struct {
	Width, Height int
	Nodes         []*graphNode
	Edges         []string // the d of an SVG path
	Outcomes      []labelled
	More          string
	rows          int
}

// graphNode is one certificate. Its class is good where an accepted path ends in
// it, bad where only paths that fail do, or where it is revoked.
type graphNode struct {
	Class, Title, Label string
	X, Y                int
	column, row         int
	hash                string
}

// The measures of a node, in pixels.
const (
	nodeWidth, nodeHeight = 190, 30
	nodeGapX, nodeGapY    = 46, 12
	nodeColumns           = 24 // of text
)

// W and H are the size of every node.
func (*graphNode) W() int { return nodeWidth }

// H is the height.
func (*graphNode) H() int { return nodeHeight }

// TextX and TextY are where the label stands.
func (n *graphNode) TextX() int { return n.X + 8 }

// TextY is the label's baseline.
func (n *graphNode) TextY() int { return n.Y + 19 }

// pathGraph draws the first paths, or gives nil where there are less than two.
func pathGraph(s *Subject) *htmlPaths {
	if len(s.Paths) < 2 && !anyRevoked(s.Paths) {
		return nil
	}
	g := &htmlPaths{}
	byHash := map[string]*graphNode{}
	paths := firstOf(s.Paths)
	for i := range paths {
		g.place(&paths[i], byHash)
	}
	if n := len(s.Paths) - len(paths); n > 0 {
		g.More = fmt.Sprintf("… and %s; the JSON report has all of them.", count(n, "more path"))
	}
	g.mark(revokedOn(paths))
	g.layout()
	g.connect(paths, byHash)
	return g
}

// place adds the certificates of a path, each as far to the right as any path
// needs it and new ones in a row of their own, and what becomes of the path.
func (g *htmlPaths) place(p *Path, byHash map[string]*graphNode) {
	hashes := p.Certificates[:min(len(p.Certificates), maxChain)]
	var subjects []string
	added := 0
	for i, hash := range hashes {
		subject := "(no subject)"
		if i < len(p.Subjects) {
			subject = cmp.Or(outside(p.Subjects[i]), subject)
		}
		subjects = append(subjects, subject)
		n := byHash[hash]
		if n == nil {
			n = &graphNode{Title: subject + "\n" + outside(hash), Label: clip(subject, nodeColumns), row: g.rows, hash: hash}
			byHash[hash], g.Nodes = n, append(g.Nodes, n)
			added = 1
		}
		n.column = max(n.column, i)
	}
	g.rows += added
	accepted := len(p.Programs) > 0
	outcome := labelled{Label: "bad", Text: clip(strings.Join(subjects, " → "), maxText), Hint: cmp.Or(outside(p.Detail), outside(p.Reason), "accepted by nobody")}
	if accepted {
		outcome.Label, outcome.Hint = "good", "accepted by "+names(p.Programs)
	} else if len(p.AtIssue) > 0 {
		outcome.Hint += "; when it was issued, accepted by " + names(p.AtIssue)
	}
	if revoked := p.revocations(); revoked != "" {
		outcome.Hint += "; " + revoked
	}
	g.Outcomes = append(g.Outcomes, outcome)
	if len(hashes) > 0 {
		if end := byHash[hashes[len(hashes)-1]]; accepted || end.Class == "" {
			end.Class = outcome.Label
		}
	}
}

// mark shows which certificates are revoked, whatever the paths through them come to.
func (g *htmlPaths) mark(revoked map[string]labelled) {
	for _, n := range g.Nodes {
		mark, ok := revoked[n.hash]
		if !ok {
			continue
		}
		n.Title += "\n" + mark.Text
		if mark.Label == "bad" {
			n.Class, n.Label = "bad", "✗ "+clip(n.Label, nodeColumns-2)
		}
	}
}

// layout turns columns and rows into pixels.
func (g *htmlPaths) layout() {
	for _, n := range g.Nodes {
		n.X = 4 + n.column*(nodeWidth+nodeGapX)
		n.Y = 4 + n.row*(nodeHeight+nodeGapY)
		g.Width, g.Height = max(g.Width, n.X+nodeWidth+4), max(g.Height, n.Y+nodeHeight+4)
	}
}

// connect draws each step from a certificate to its issuer once. Over several
// columns it runs in the lower row of the two, where no other path has nodes.
func (g *htmlPaths) connect(paths []Path, byHash map[string]*graphNode) {
	for i := range paths {
		hashes := paths[i].Certificates[:min(len(paths[i].Certificates), maxChain)]
		for k := 1; k < len(hashes); k++ {
			from, to := byHash[hashes[k-1]], byHash[hashes[k]]
			x1, y1, x2, y2 := from.X+nodeWidth, from.Y+nodeHeight/2, to.X, to.Y+nodeHeight/2
			start, turn := x2-nodeGapX, x2-nodeGapX/2
			if y2 > y1 {
				start, turn = x1, x1+nodeGapX/2
			}
			edge := fmt.Sprintf("M%d %dH%dC%d %d %d %d %d %dH%dm-7-4l7 4l-7 4", x1, y1, start, turn, y1, turn, y2, start+nodeGapX, y2, x2)
			if from != to && !slices.Contains(g.Edges, edge) {
				g.Edges = append(g.Edges, edge)
			}
		}
	}
}
