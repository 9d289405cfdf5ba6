package report

import (
	"bytes"
	"slices"
	"testing"

	"github.com/certassay/certassay/internal/finding"
)

// diffPair gives two reports with a change of every kind.
func diffPair() (before, after *Document) {
	before, after = testDocument(), testDocument()
	shop, odd, intranet, fine := &after.Subjects[0], &after.Subjects[1], &after.Subjects[2], &after.Subjects[3]
	// v1:01 is resolved; v1:02 cannot be decided any more; v1:03 is known by
	// the shop alone.
	shop.Findings = shop.Findings[:1]
	shop.Verdict = finding.OK
	shop.Inconclusive = []finding.Gap{{Rule: "time-long", Reason: "validity is unreadable"}}
	odd.Findings = nil
	intranet.ID = "tls://intranet:443/10.0.0.2"
	fine.Chain = []string{hashOf("inter")}
	fine.Findings = []finding.Finding{{Rule: "key-\x1bsmall", Class: finding.Hygiene, Severity: finding.Medium, Confidence: finding.Weak,
		Title: "Small key", Fingerprint: "v1:04"}}
	return before, after
}

func TestDiff(t *testing.T) {
	before, after := diffPair()
	c := Diff(before, after)
	for name, got := range map[string][]Change{"v1:04": c.New, "v1:01": c.Resolved, "v1:02": c.Unchecked, "v1:03": c.Known} {
		if len(got) != 1 || got[0].Finding.Fingerprint != name {
			t.Errorf("findings %v, want %s alone", got, name)
		}
	}
	var text, js bytes.Buffer
	if err := c.WriteText(&text, Options{Width: 80}); err != nil {
		t.Fatal(err)
	}
	if err := c.WriteJSON(&js); err != nil {
		t.Fatal(err)
	}
	golden(t, "diff.txt", text.Bytes())
	golden(t, "diff.json", js.Bytes())
}

// What is said of all certificates together is resolved where all were there again.
func TestDiffOfCorpus(t *testing.T) {
	with := func() *Document {
		d := testDocument()
		d.Subjects = append(d.Subjects[:2], d.Subjects[3], Subject{ID: corpusID, Complete: true, Findings: []finding.Finding{{Rule: "key-shared", Fingerprint: "v1:05", Severity: finding.High}}})
		return d
	}
	for want, change := range map[string]func(*Document){
		"resolved":      func(*Document) {},
		"gone":          func(d *Document) { d.Subjects = d.Subjects[1:] },
		"in part":       func(d *Document) { d.Subjects[2].Complete = false },
		"not compared":  func(d *Document) { d.Subjects = append(d.Subjects, Subject{ID: corpusID}) },
		"rule left out": func(d *Document) { d.Tool.RulesLeftOut = []string{"key-shared"} },
		"not shown":     func(d *Document) { d.Tool.LeastSeverity = finding.Critical },
	} {
		after := with()
		after.Subjects = after.Subjects[:3]
		change(after)
		resolved := 0
		for _, c := range Diff(with(), after).Resolved {
			if c.Finding.Rule == "key-shared" {
				resolved++
			}
		}
		if (resolved == 1) != (want == "resolved") {
			t.Errorf("%s: resolved %d times", want, resolved)
		}
	}
}

// A baseline never makes a proof known, nor what was waived: a diff says so.
func TestDiffUnsilenced(t *testing.T) {
	after := testDocument()
	after.Subjects[0].Findings[2].Waiver = nil
	c := Diff(testDocument(), after)
	var got []string
	for _, u := range c.Unsilenced {
		got = append(got, u.Finding.Rule)
	}
	if want := []string{"chain-lookalike-issuer", "time-long"}; !slices.Equal(got, want) || len(c.Known) != 3 {
		t.Errorf("unsilenced %v of %d known, want %v of 3", got, len(c.Known), want)
	}
}

func TestDiffOfTheSame(t *testing.T) {
	c := Diff(testDocument(), testDocument())
	if len(c.New)+len(c.Resolved)+len(c.Unchecked)+len(c.Appeared)+len(c.Gone)+len(c.Verdicts)+len(c.Keys) > 0 || len(c.Known) != 3 {
		t.Errorf("Diff of a report with itself = %+v, want 3 known findings and nothing else", c)
	}
}

// A finding is not resolved because nobody looked.
func TestDiffWithoutEvidenceResolvesNothing(t *testing.T) {
	for name, change := range map[string]func(*Document){
		"nothing judged":    func(d *Document) { d.Subjects = nil },
		"subjects gone":     func(d *Document) { d.Subjects = d.Subjects[2:] },
		"not complete":      func(d *Document) { d.Subjects[0].Complete, d.Subjects[1].Complete = false, false },
		"nothing collected": func(d *Document) { d.Subjects[0].Chain, d.Subjects[1].Chain = nil, nil },
	} {
		after := testDocument()
		change(after)
		for i := range after.Subjects {
			after.Subjects[i].Findings = nil
		}
		if c := Diff(testDocument(), after); len(c.Resolved) != 0 || len(c.Unchecked) != 3 {
			t.Errorf("%s: %d resolved, %d unchecked, want 0 and 3", name, len(c.Resolved), len(c.Unchecked))
		}
	}
}
