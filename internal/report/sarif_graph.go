package report

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/certassay/certassay/internal/finding"
)

// A graph of SARIF (section 3.39): the certificates of all paths from a leaf, with
// an edge from each to the one that issued it.
type (
	sarifGraph struct {
		Description sarifText      `json:"description"`
		Nodes       []sarifNode    `json:"nodes"`
		Edges       []sarifEdge    `json:"edges"`
		Properties  map[string]any `json:"properties"`
	}
	sarifNode struct {
		ID         string         `json:"id"`
		Label      sarifText      `json:"label"`
		Properties map[string]any `json:"properties"`
	}
	sarifEdge struct {
		ID     string `json:"id"`
		Source string `json:"sourceNodeId"`
		Target string `json:"targetNodeId"`
	}
	// A sarifPath is one way through the graph, and what becomes of it.
	sarifPath struct {
		Nodes    []string `json:"nodes"`
		Anchor   string   `json:"anchor"`
		Programs []string `json:"programs"`
		AtIssue  []string `json:"programs_at_issue"`
		Reason   string   `json:"reason,omitempty"`
		FailedAt *int     `json:"failed_at,omitempty"`
		Detail   string   `json:"detail,omitempty"`
	}
)

// explained is the index of the finding that a subject's paths explain: its gravest
// of the family chain; -1 where there is none, or no path. One result has the graph:
// a subject can have many findings, and an upload has a limit.
func explained(s *Subject) int {
	best := -1
	for i := range s.Findings {
		f := &s.Findings[i]
		if len(s.Paths) > 0 && f.Family() == "chain" && (best < 0 || graver(f, &s.Findings[best])) {
			best = i
		}
	}
	return best
}

func graver(f, than *finding.Finding) bool { return f.Severity > than.Severity }

// graphOf draws the paths of a subject, as many as other reports show.
func graphOf(s *Subject) sarifGraph {
	shown := firstOf(s.Paths)
	g := sarifGraph{
		Description: sarifMessage(fmt.Sprintf("%s: ways from the leaf to a root, %d of %d", subjectName(s), len(shown), len(s.Paths))),
		Nodes:       []sarifNode{}, Edges: []sarifEdge{},
	}
	ids := map[string]string{}
	paths := []sarifPath{}
	for i := range shown {
		p := &shown[i]
		way := sarifPath{
			Nodes: []string{}, Anchor: p.Anchor, Programs: append([]string{}, p.Programs...), AtIssue: append([]string{}, p.AtIssue...),
			Reason: p.Reason, FailedAt: p.FailedAt, Detail: outside(p.Detail),
		}
		for k, hash := range p.Certificates {
			id, met := ids[hash]
			if !met {
				id = strconv.Itoa(len(ids))
				ids[hash] = id
				label := hash
				if k < len(p.Subjects) {
					label = p.Subjects[k]
				}
				g.Nodes = append(g.Nodes, sarifNode{id, sarifMessage(outside(label)), map[string]any{"certificate": hash}})
			}
			if k > 0 {
				g.link(way.Nodes[k-1], id)
			}
			way.Nodes = append(way.Nodes, id)
		}
		paths = append(paths, way)
	}
	g.Properties = map[string]any{"paths": paths}
	return g
}

// link adds an edge that is not there yet.
func (g *sarifGraph) link(from, to string) {
	e := sarifEdge{ID: from + "-" + to, Source: from, Target: to}
	if !slices.Contains(g.Edges, e) {
		g.Edges = append(g.Edges, e)
	}
}
