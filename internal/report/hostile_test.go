package report

import (
	"testing"

	"github.com/certassay/certassay/internal/finding"
)

// hostileTexts break out of one format or another.
var hostileTexts = []string{
	`"><script>alert(1)</script>`, `'"</title></style></svg><img src=x onerror=alert(1)>`,
	"]]><x/>", "&lt;b&gt;&#x41;", "\u202eabc\u2066\u200b", hostileCN,
	"`|` | b | [x](https://evil.example) ![i](https://evil.example/i.png)", "</code></summary></details>\n\n# Heading",
	"@org/team #1 owner/repo#1 www.evil.example https://evil.example", "=cmd|' /C calc'!A0", "-2+3", "\t@SUM(1)", "＝1",
	"::error::x", "##vso[task.complete]", `a"b\c` + "\nd{x=\"y\"} 1", "\\", "`", "{{.}}", "-->", "]]", "<!--",
}

// hostile puts a text everywhere that a text from outside can be.
func hostile(s string) *Document {
	d := testDocument()
	sub := &d.Subjects[0]
	for hash, c := range d.Certificates {
		c.Subject, c.Issuer, c.Serial, c.NotAfter, c.Key, c.Signature, c.SPKISHA256, c.PEM = s, s, s, s, s, s, s, s
		c.DNSNames, c.IPAddresses, c.Quirks, c.Disagreements = []string{s, s}, []string{s}, []string{s}, []string{s}
		c.Parsers = Parsers{s, s, s}
		d.Certificates[hash] = c
	}
	for i := range d.Subjects {
		d.Subjects[i].Group, d.Subjects[i].Owner = s, s
		d.Subjects[i].ID, d.Subjects[i].Target = d.Subjects[i].ID+s, s
	}
	sub.Address, sub.Name, sub.Protocol, sub.Anchor, sub.VerifyError = s, s, s, s, s
	sub.Group, sub.Owner, sub.Source = s, s, &Source{File: s, Line: 3, Column: 1}
	sub.Paths = []Path{
		{Certificates: []string{"a" + s, "b"}, Subjects: []string{s, s}, Reason: s, Detail: s, AtIssue: []string{s}, FailedAt: ptr(1)},
		{Certificates: []string{"a" + s, s}, Subjects: []string{s, s}, Programs: []string{s}, Anchor: s}}
	sub.Programs, sub.Notes = []string{s}, []string{s}
	sub.Links[0].SignedByRoot, sub.Links[1].Notes, sub.Links[2].Anchor = s, []string{s}, []string{s}
	sub.Handshake.Version, sub.Handshake.Cipher, sub.Handshake.ALPN, sub.Handshake.Reset = s, s, s, s
	for i := range sub.Findings {
		f := &sub.Findings[i]
		f.Title, f.Message, f.Details = s, s, map[string]any{s: s, "list": []string{s}}
	}
	sub.Findings[2].Waiver = &finding.Waiver{Reason: s, Owner: s, Expires: s}
	d.Rules["chain-lookalike-issuer"] = Rule{Title: s, Summary: s, Why: s, Benign: []string{s}, Remediation: s, References: []string{s, "javascript:" + s}, Tags: []string{s}}
	d.Subjects[2].Errors[0].Error, d.Subjects[2].Errors[0].Stage, d.Subjects[2].Errors[0].Hint = s, s, s
	d.Subjects[2].Inconclusive[1].Rule, d.Subjects[2].Inconclusive[1].Reason = s, s
	for _, list := range [][]Change{d.Baseline.Resolved, d.Baseline.Unchecked} {
		c := &list[0]
		c.Subjects, c.Source = []string{s, s + "#2"}, &Source{File: s, Line: 1}
		c.Finding.Title, c.Finding.Message, c.Finding.Details, c.Finding.Certificate = s, s, map[string]any{s: s}, s
		c.Finding.Waiver = &finding.Waiver{Reason: s, Owner: s, Expires: s}
	}
	d.Warnings[0].Message, d.Warnings[0].Hint, d.Run.Vantage, d.Run.Command = s, s, s, s
	return d
}

// Every text everywhere, in formats that are parsed: they parse to the same shape.
func TestHostileShape(t *testing.T) {
	valid := sarifValidator(t)
	for _, s := range hostileTexts {
		d := hostile(s)
		checkShape(t, render(t, "junit", Options{}, d))
		suite := readJUnit(t, render(t, "junit", Options{}, d)).Suites[0]
		if len(suite.Cases) != 4 || suite.Cases[0].Name != subjectName(&d.Subjects[0]) {
			t.Errorf("%q: JUnit reads back as %+v", s, suite.Cases)
		}
		if err := valid(render(t, "sarif", Options{TargetsFile: s}, d)); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
}
