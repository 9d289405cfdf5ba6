package report

import (
	"encoding/xml"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
)

// junitFile reads back what we write; unknown elements and attributes are looked
// for by checkShape.
type junitFile struct {
	XMLName xml.Name `xml:"testsuites"`
	Suites  []struct {
		Tests     int         `xml:"tests,attr"`
		Failures  int         `xml:"failures,attr"`
		Errors    int         `xml:"errors,attr"`
		Skipped   int         `xml:"skipped,attr"`
		Timestamp string      `xml:"timestamp,attr"`
		Cases     []junitCase `xml:"testcase"`
	} `xml:"testsuite"`
}

func readJUnit(t *testing.T, out []byte) *junitFile {
	t.Helper()
	var f junitFile
	if err := xml.Unmarshal(out, &f); err != nil {
		t.Fatalf("our own JUnit: %v", err)
	}
	return &f
}

// junitShape is what both schemas allow: the attributes and children of each
// element, all of which are required unless they end in "?".
var junitShape = map[string]string{
	"testsuites": " > testsuite",
	"testsuite":  "id package name hostname timestamp tests failures errors skipped time > properties testcase? system-out system-err",
	"properties": " > property",
	"property":   "name value >",
	"testcase":   "name classname time > failure? error? skipped?",
	"failure":    "type message >", "error": "type message >", "skipped": "type message >",
	"system-out": " >", "system-err": " >",
}

func checkShape(t *testing.T, out []byte) {
	t.Helper()
	var path []string
	dec := xml.NewDecoder(strings.NewReader(string(out)))
	for {
		token, err := dec.Token()
		if err != nil {
			break
		}
		switch e := token.(type) {
		case xml.StartElement:
			if len(path) > 0 {
				_, children, _ := strings.Cut(junitShape[path[len(path)-1]], ">")
				if !strings.Contains(strings.ReplaceAll(children, "?", "")+" ", " "+e.Name.Local+" ") {
					t.Errorf("%s in %s", e.Name.Local, path[len(path)-1])
				}
			}
			var attrs []string
			for _, a := range e.Attr {
				attrs = append(attrs, a.Name.Local)
			}
			want, _, ok := strings.Cut(junitShape[e.Name.Local], ">")
			if got := strings.Join(attrs, " "); !ok || got != strings.TrimSpace(want) {
				t.Errorf("%s has attributes %q, want %q", e.Name.Local, got, want)
			}
			path = append(path, e.Name.Local)
		case xml.EndElement:
			path = path[:len(path)-1]
		}
	}
}

func TestJUnitShape(t *testing.T) {
	d := testDocument()
	d.Subjects[1].Findings, d.Subjects[1].Verdict = testFindings()[2:], finding.OK
	out := render(t, "junit", Options{}, d)
	checkShape(t, out)
	checkShape(t, render(t, "junit", Options{}, &Document{}))
	suite := readJUnit(t, out).Suites[0]
	if got := fmt.Sprint(suite.Tests, suite.Failures, suite.Errors, suite.Skipped); got != "4 1 1 1" {
		t.Errorf("tests, failures, errors, skipped = %s, want 4 1 1 1", got)
	}
	if !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$`).MatchString(suite.Timestamp) {
		t.Errorf("timestamp %q is not as the schema wants it", suite.Timestamp)
	}
}

func TestJUnitOutcome(t *testing.T) {
	high := finding.Finding{Severity: finding.High, Class: finding.Hygiene}
	medium := finding.Finding{Severity: finding.Medium, Class: finding.Hygiene}
	waived := high
	waived.Waiver = &finding.Waiver{}
	tests := []struct {
		name string
		s    Subject
		want string
	}{
		{"ok", Subject{Verdict: finding.OK, Complete: true}, "pass"},
		{"a medium finding", Subject{Verdict: finding.OK, Complete: true, Findings: []finding.Finding{medium}}, "pass"},
		{"a high finding of hygiene", Subject{Verdict: finding.OK, Complete: true, Findings: []finding.Finding{high}}, "failure"},
		{"waived", Subject{Verdict: finding.OK, Complete: true, Findings: []finding.Finding{waived}}, "skipped"},
		{"waived, another not", Subject{Verdict: finding.OK, Complete: true, Findings: []finding.Finding{waived, high}}, "failure"},
		{"suspicious by weak signs", Subject{Verdict: finding.Suspicious, Complete: true, Findings: []finding.Finding{medium, medium}}, "failure"},
		{"inconclusive", Subject{Verdict: finding.Undetermined, Complete: true}, "error"},
		{"inconclusive with a waiver", Subject{Verdict: finding.Undetermined, Findings: []finding.Finding{waived}}, "error"},
		{"something went wrong", Subject{Verdict: finding.OK, Complete: true, Errors: []evidence.Failure{{}}}, "error"},
		{"incomplete", Subject{Verdict: finding.OK}, "error"},
		{"no verdict", Subject{Complete: true}, "error"},
	}
	for _, tt := range tests {
		d := &Document{Subjects: []Subject{tt.s}}
		c := readJUnit(t, render(t, "junit", Options{}, d)).Suites[0].Cases[0]
		got := "pass"
		switch {
		case c.Failure != nil:
			got = "failure"
		case c.Error != nil:
			got = "error"
		case c.Skipped != nil:
			got = "skipped"
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
