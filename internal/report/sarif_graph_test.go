package report

import (
	"encoding/json"
	"testing"

	"github.com/certassay/certassay/internal/finding"
)

// The gravest finding of the chain has the paths: every certificate once, an edge to
// each issuer, and of each path who accepts it, or where it breaks and why.
func TestSARIFGraph(t *testing.T) {
	d := testDocument()
	s := &d.Subjects[0]
	one := 1
	s.Paths = []Path{
		{Certificates: []string{"sha256:l", "sha256:i", "sha256:r"}, Subjects: []string{"CN=\u202eleaf", "CN=issuer", "CN=root"}, Anchor: "public", Programs: []string{"mozilla"}, AtIssue: []string{"mozilla"}},
		{Certificates: []string{"sha256:l", "sha256:i", "sha256:old"}, Subjects: []string{"CN=leaf", "CN=issuer", "CN=old root"}, Anchor: "none", Reason: "expired", FailedAt: &one, Detail: "valid until \u202e2018"},
	}
	s.Findings = append(s.Findings, finding.Finding{Rule: "chain-stray", Class: finding.Hygiene, Severity: finding.Info})
	out := render(t, "sarif", Options{}, d)
	var log struct {
		Runs []struct {
			Results []struct {
				RuleID string
				Level  string
				Graphs []struct {
					Nodes []struct {
						ID    string
						Label struct{ Text string }
					}
					Edges      []struct{ SourceNodeID, TargetNodeID string }
					Properties struct{ Paths []sarifPath }
				}
			}
		}
	}
	if err := json.Unmarshal(out, &log); err != nil {
		t.Fatal(err)
	}
	graphs := 0
	for _, r := range log.Runs[0].Results {
		for _, g := range r.Graphs {
			graphs++
			if r.RuleID == "chain-stray" {
				t.Error("the graph is at the lesser finding")
			}
			if len(g.Nodes) != 4 || len(g.Edges) != 3 || g.Nodes[0].Label.Text != `CN=\u{202e}leaf` {
				t.Errorf("nodes %+v, edges %+v, want 4 and 3", g.Nodes, g.Edges)
			}
			p := g.Properties.Paths
			if len(p) != 2 || p[0].Programs[0] != "mozilla" || p[0].FailedAt != nil ||
				p[1].Reason != "expired" || *p[1].FailedAt != 1 || p[1].Detail != `valid until \u{202e}2018` || p[1].Nodes[2] != "3" {
				t.Errorf("paths = %+v", p)
			}
		}
	}
	if graphs != 1 {
		t.Errorf("%d graphs, want one", graphs)
	}
	if err := sarifValidator(t)(out); err != nil {
		t.Errorf("schema: %v", err)
	}
}
