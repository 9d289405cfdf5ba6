package report

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
)

// The part of SARIF 2.1.0 that we write. Names and meaning are those of section 3
// of the specification.
type (
	sarifDriver struct {
		Name           string      `json:"name"`
		Organization   string      `json:"organization"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID                   string         `json:"id"`
		Name                 string         `json:"name"`
		ShortDescription     sarifText      `json:"shortDescription"`
		FullDescription      sarifText      `json:"fullDescription"`
		Help                 sarifText      `json:"help"`
		HelpURI              string         `json:"helpUri,omitempty"`
		DefaultConfiguration sarifLevelOnly `json:"defaultConfiguration"`
		Properties           map[string]any `json:"properties"`
	}
	sarifLevelOnly struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifResult struct {
		RuleID              string             `json:"ruleId"`
		RuleIndex           int                `json:"ruleIndex"`
		Kind                string             `json:"kind,omitempty"` // "fail" where absent
		Level               string             `json:"level"`
		Message             sarifText          `json:"message"`
		Locations           []sarifLocation    `json:"locations"`
		PartialFingerprints map[string]string  `json:"partialFingerprints"`
		BaselineState       string             `json:"baselineState"`
		Suppressions        []sarifSuppression `json:"suppressions"`
		Graphs              []sarifGraph       `json:"graphs,omitempty"`
		Properties          map[string]any     `json:"properties"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI     string `json:"uri"`
		URIBase string `json:"uriBaseId,omitempty"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
		EndLine     int `json:"endLine"`
		EndColumn   int `json:"endColumn"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
		Kind string `json:"kind"`
	}
	sarifNotification struct {
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
)

// newSARIFRule describes a finding's rule.
func newSARIFRule(f *finding.Finding, r *Rule) sarifRule {
	title := prose(cmp.Or(f.Title, r.Title, f.Rule))
	rule := sarifRule{
		ID: f.Rule, Name: f.Rule,
		ShortDescription:     sarifMessage(title),
		FullDescription:      sarifMessage(prose(cmp.Or(r.Summary, title))),
		Help:                 sarifText{Text: sarifMessage(ruleText(r, title)).Text, Markdown: ruleMarkdown(r, title)},
		DefaultConfiguration: sarifLevelOnly{sarifLevel(f.Severity)},
		// GitHub: "security" makes the alert a security alert, whose severity
		// is that number; precision orders alerts of one severity.
		Properties: map[string]any{
			"tags":              sarifTags(f, r),
			"security-severity": securitySeverity(f.Severity),
			"precision":         precision(f.Confidence),
		},
	}
	for _, link := range r.References {
		if plainLink(link) {
			rule.HelpURI = link
			break
		}
	}
	return rule
}

// maxSARIFTags is how many tags GitHub takes of a rule.
const maxSARIFTags = 20

// sarifTags are what GitHub filters by: class, family, and the rule's own.
func sarifTags(f *finding.Finding, r *Rule) []string {
	tags := []string{"security", string(f.Class), f.Family()}
	for _, tag := range r.Tags {
		if tag = prose(tag); tag != "" && !slices.Contains(tags, tag) && len(tags) < maxSARIFTags {
			tags = append(tags, tag)
		}
	}
	return tags
}

// ruleText is what a rule means, for plain text.
func ruleText(r *Rule, title string) string {
	var b strings.Builder
	b.WriteString(title + ".\n")
	section := func(label, text string) {
		if text != "" {
			fmt.Fprintf(&b, "\n%s: %s\n", label, prose(text))
		}
	}
	section("What it looks at", r.Summary)
	section("Why it matters", r.Why)
	for _, benign := range firstOf(r.Benign) {
		section("It could also be", benign)
	}
	section("What to do", r.Remediation)
	for _, link := range firstOf(r.References) {
		section("See", link)
	}
	return b.String()
}

func sarifLevel(s finding.Severity) string {
	switch {
	case s >= finding.High:
		return "error"
	case s == finding.Medium:
		return "warning"
	}
	return "note"
}

// securitySeverity is the number that GitHub sorts by: over 9.0 is critical, 7.0
// to 8.9 high, 4.0 to 6.9 medium, 0.1 to 3.9 low.
func securitySeverity(s finding.Severity) string {
	switch s {
	case finding.Critical:
		return "9.5"
	case finding.High:
		return "8.0"
	case finding.Medium:
		return "5.5"
	case finding.Low:
		return "3.0"
	}
	return "0.0"
}

func precision(c finding.Confidence) string {
	switch c {
	case finding.Proof:
		return "very-high"
	case finding.Strong:
		return "high"
	}
	return "low"
}

// sarifSentence says what was found of whom, since viewers show no logical
// locations.
func sarifSentence(s *Subject, f *finding.Finding) string {
	text := subjectName(s) + ": " + cmp.Or(outside(f.Message), prose(f.Title), outside(f.Rule))
	if f.Certificate != "" {
		text += " (" + certificateName(s, f) + ")"
	}
	return text
}

// placeholder is what a viewer replaces by an argument of the message.
var placeholder = regexp.MustCompile(`\{(\d+)\}`)

// sarifMessage is a plain text that has been escaped, made safe against the two
// things that a plain text message may hold: links, "[text](target)" (section
// 3.11.6), and placeholders, "{0}" (section 3.11.5). Other brackets and braces
// stay: viewers show them as they are.
func sarifMessage(text string) sarifText {
	text = strings.ReplaceAll(text, "](", `\](`)
	return sarifText{Text: placeholder.ReplaceAllString(text, "{{$1}}")}
}

// defaultArtifact is the file that endpoints are reported at where nobody said
// which file lists them: the inventory that "certassay audit" looks for.
const defaultArtifact = "certassay.yaml"

// location says where a subject is. Code scanning shows nothing that has no file:
// what an inventory lists is at its line there, a certificate from a file at that
// file, and everything else at the file that lists the targets, line 1. What it really is stands in the logical location.
func (w *sarifWriter) location(s *Subject) sarifLocation {
	line, column := s.Source.region()
	return sarifLocation{
		Physical: sarifPhysical{artifact(w.o.artifactOf(s)), sarifRegion{line, column, line, column}},
		Logical:  []sarifLogical{{Name: outside(s.ID), Kind: "resource"}},
	}
}

// artifactOf is the path of the file that a subject is reported at, with slashes.
func (o *Options) artifactOf(s *Subject) string {
	if s.Source != nil && s.Source.File != "" {
		return s.Source.File
	}
	switch s.Kind {
	case evidence.Chain, evidence.Certificate:
		if s.Target == "-" || s.Target == "" {
			return "stdin"
		}
		return s.Target
	}
	return cmp.Or(o.TargetsFile, defaultArtifact)
}

// artifact makes a URI of a path: relative to the root of the repository, or of
// scheme file where the path is absolute.
func artifact(path string) sarifArtifact {
	drive := len(path) > 2 && path[1:3] == ":/"
	switch {
	case drive:
		path = "/" + path
		fallthrough
	case strings.HasPrefix(path, "/"):
		return sarifArtifact{URI: (&url.URL{Scheme: "file", Path: path}).String()}
	}
	// A URL's own String puts "./" before a colon that would be a scheme's.
	return sarifArtifact{URI: (&url.URL{Path: strings.TrimPrefix(path, "./")}).String(), URIBase: "%SRCROOT%"}
}
