package report

import (
	"fmt"
	"strings"
	"testing"
)

func TestPathGraph(t *testing.T) {
	path := func(hashes string, programs ...string) Path {
		h := strings.Fields(hashes)
		return Path{Certificates: h, Subjects: h, Programs: programs, Detail: "why not"}
	}
	if g := pathGraph(&Subject{Paths: []Path{path("l r")}}); g != nil {
		t.Errorf("one path gives a graph of %d nodes, want none", len(g.Nodes))
	}
	g := pathGraph(&Subject{Paths: []Path{path("l i r", "mozilla"), path("l i x old"), path("l j old"), path("l i r")}})
	if len(g.Nodes) != 6 || len(g.Edges) != 6 || len(g.Outcomes) != 4 {
		t.Fatalf("%d nodes, %d edges, %d outcomes, want 6, 6, 4", len(g.Nodes), len(g.Edges), len(g.Outcomes))
	}
	places, classes := map[string]bool{}, ""
	for _, n := range g.Nodes {
		place := fmt.Sprint(n.X, n.Y)
		if places[place] || n.X+n.W() > g.Width || n.Y+n.H() > g.Height {
			t.Errorf("%s is at %s, where another is or outside of the picture", n.Label, place)
		}
		places[place] = true
		classes += n.Label + ":" + n.Class + " "
	}
	if want := "l: i: r:good x: old:bad j: "; classes != want {
		t.Errorf("classes %q, want %q", classes, want)
	}
	if g.Outcomes[0].Hint != "accepted by mozilla" || g.Outcomes[1].Hint != "why not" {
		t.Errorf("outcomes %+v", g.Outcomes)
	}
}

// Whatever paths a report claims, the picture stays small.
func TestPathGraphLimits(t *testing.T) {
	s := &Subject{}
	for i := range 200 {
		var p Path
		for k := range 100 {
			p.Certificates = append(p.Certificates, fmt.Sprint(i, ".", k))
		}
		s.Paths = append(s.Paths, p, Path{}, Path{Certificates: []string{"a", "a"}, Subjects: []string{"", "", ""}})
	}
	g := pathGraph(s)
	if len(g.Nodes) > maxItems*maxChain || g.More == "" || g.Width > 4000 || g.Height > 2000 {
		t.Errorf("%d nodes on %d × %d pixels, more: %q", len(g.Nodes), g.Width, g.Height, g.More)
	}
}
