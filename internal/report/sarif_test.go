package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
)

// sarifValidator checks against the schema of OASIS: testdata/sarif-schema-2.1.0.json
// is https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json.
func sarifValidator(t testing.TB) func([]byte) error {
	t.Helper()
	raw, err := os.ReadFile("testdata/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("sarif.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	return func(log []byte) error {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(log))
		if err != nil {
			return err
		}
		return schema.Validate(value)
	}
}

func TestSARIFFitsTheSchema(t *testing.T) {
	valid := sarifValidator(t)
	for name, d := range map[string]*Document{"all": testDocument(), "nothing": {}, "many": many(40)} {
		if err := valid(render(t, "sarif", Options{}, d)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	log := string(render(t, "sarif", Options{}, testDocument()))
	for name, change := range map[string][2]string{
		"level":         {`"level":"error"`, `"level":"bad"`},
		"time":          {`"startTimeUtc": "`, `"startTimeUtc": "on `},
		"unknown field": {`"ruleIndex"`, `"ruleIndices"`},
	} {
		broken := strings.Replace(log, change[0], change[1], 1)
		if broken == log {
			t.Fatalf("%s: the log has no %s", name, change[0])
		}
		if valid([]byte(broken)) == nil {
			t.Errorf("%s: the schema lets it pass", name)
		}
	}
}

// What GitHub documents as required for code scanning, and what the schema cannot
// say: that indices fit, that a finding is at one level with its rule.
func TestSARIFForCodeScanning(t *testing.T) {
	var log struct {
		Version string
		Runs    []struct {
			Tool        struct{ Driver sarifDriver }
			Invocations []struct {
				ExecutionSuccessful        bool
				ToolExecutionNotifications []sarifNotification
			}
			Results []sarifResult
		}
	}
	if err := json.Unmarshal(render(t, "sarif", Options{TargetsFile: "ci/hosts list.txt"}, testDocument()), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if len(run.Results) != 5 || len(run.Tool.Driver.Rules) != 3 {
		t.Fatalf("%d results of %d rules, want 5 of 3", len(run.Results), len(run.Tool.Driver.Rules))
	}
	for i, r := range run.Results {
		rule := run.Tool.Driver.Rules[r.RuleIndex]
		if rule.ID != r.RuleID || rule.DefaultConfiguration.Level != r.Level && r.BaselineState != "absent" {
			t.Errorf("result %d is %s, %s, its rule %s, %s", i, r.RuleID, r.Level, rule.ID, rule.DefaultConfiguration.Level)
		}
		if rule.ShortDescription.Text == "" || rule.FullDescription.Text == "" || rule.Help.Text == "" || rule.Properties["security-severity"] == "" {
			t.Errorf("rule %s lacks a text or its severity", rule.ID)
		}
		where := r.Locations[0].Physical
		if strings.HasPrefix(where.Artifact.URI, "/") || where.Artifact.URI == "" || where.Region.StartLine < 1 {
			t.Errorf("result %d is at %+v", i, where)
		}
		if r.PartialFingerprints["certassay/v1"] == "" || r.PartialFingerprints["primaryLocationLineHash"] == "" {
			t.Errorf("result %d has no fingerprint", i)
		}
	}
	first, waived, file, gone := run.Results[0], run.Results[2], run.Results[3], run.Results[4]
	if gone.BaselineState != "absent" || gone.Kind != "pass" || gone.Level != "none" || gone.Locations[0].Physical.Region.StartLine != 13 {
		t.Errorf("a resolved finding is %+v, want an absent result that passes, where the inventory lists the subject now", gone)
	}
	if tags := fmt.Sprint(run.Tool.Driver.Rules[1].Properties["tags"]); tags != "[security forgery chain impersonation]" {
		t.Errorf("tags %s", tags)
	}
	listed := sarifPhysical{sarifArtifact{"ci/certassay.yaml", "%SRCROOT%"}, sarifRegion{12, 7, 12, 7}}
	if got := first.Locations[0].Physical; got != listed || first.Properties["group"] != "shop" || first.Properties["owner"] != "web-team" {
		t.Errorf("an endpoint of an inventory is at %+v with %v, want its line there", got, first.Properties)
	}
	if got := run.Invocations[0].ToolExecutionNotifications[0].Locations[0].Physical.Artifact.URI; got != "ci/hosts%20list.txt" {
		t.Errorf("an endpoint is at %q, want the list of targets", got)
	}
	if got := file.Locations[0].Physical.Artifact.URI; got != "odd.pem%1B%5B31m" {
		t.Errorf("a certificate from a file is at %q, want that file", got)
	}
	if len(first.Suppressions) != 0 || len(waived.Suppressions) != 1 || waived.BaselineState != "unchanged" || first.BaselineState != "new" {
		t.Errorf("suppressions %v, %v, states %s, %s", first.Suppressions, waived.Suppressions, first.BaselineState, waived.BaselineState)
	}
	if want := "lab appliance (network-security, until 2027-05-01)"; waived.Suppressions[0].Justification != want {
		t.Errorf("justification %q, want %q", waived.Suppressions[0].Justification, want)
	}
	inv := run.Invocations[0]
	if inv.ExecutionSuccessful || len(inv.ToolExecutionNotifications) != 3 {
		t.Errorf("an incomplete run is successful=%t with %d notifications, want false with an error, a gap and a warning",
			inv.ExecutionSuccessful, len(inv.ToolExecutionNotifications))
	}
}

// An upload with more results than GitHub takes is refused whole: the gravest are
// kept, in the order of the input, and the rest is counted.
func TestSARIFLimit(t *testing.T) {
	d := testDocument()
	var out bytes.Buffer
	w := newSARIF(&out, Options{Rule: d.Explain})
	w.results.limit, w.results.lines.limit = 3, 100
	if err := d.Replay(w); err != nil {
		t.Fatal(err)
	}
	if err := sarifValidator(t)(out.Bytes()); err != nil {
		t.Error(err)
	}
	var log struct {
		Runs []struct{ Results []sarifResult }
	}
	if err := json.Unmarshal(out.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	kept := ""
	for _, r := range log.Runs[0].Results {
		kept += r.RuleID + " "
	}
	if want := "name-odd chain-lookalike-issuer time-long "; kept != want || !strings.Contains(out.String(), "2 results are left out") {
		t.Errorf("kept %s, want %s, and a note on 2", kept, want)
	}
}

func TestSARIFResultsKeep(t *testing.T) {
	for _, tt := range []struct {
		ranks, want string
		limit       int
	}{
		{"1 5 0 3 5", "01001", 2},
		{"1 5 0 3 5", "01011", 3},
		{"1 1 1", "110", 2},
		{"1 5 0", "111", 3},
		{"", "", 3},
	} {
		r := sarifResults{limit: tt.limit}
		for _, rank := range strings.Fields(tt.ranks) {
			r.ranks = append(r.ranks, finding.Severity(rank[0]-'0'))
		}
		keep, left := r.keep()
		got := ""
		for _, k := range keep {
			got += map[bool]string{true: "1", false: "0"}[k]
		}
		if got != tt.want || left != max(0, len(r.ranks)-tt.limit) {
			t.Errorf("of %q with room for %d: %s and %d left, want %s", tt.ranks, tt.limit, got, left, tt.want)
		}
	}
}

func TestArtifact(t *testing.T) {
	o := Options{}
	tests := []struct {
		name, target string
		kind         evidence.Kind
		want         string
	}{
		{"relative", "./certs/a b.pem", evidence.Chain, "certs/a%20b.pem"},
		{"looks like a scheme", "javascript:alert(1).pem", evidence.Certificate, "./javascript:alert%281%29.pem"},
		{"absolute", "/etc/ssl/c.pem", evidence.Chain, "file:///etc/ssl/c.pem"},
		{"drive", "C:/certs/c.pem", evidence.Chain, "file:///C:/certs/c.pem"},
		{"host in the path", "//evil.example/c.pem", evidence.Chain, "file:////evil.example/c.pem"},
		{"standard input", "-", evidence.Chain, "stdin"},
		{"endpoint", "host", evidence.Endpoint, "certassay.yaml"},
		{"all of a run", "", evidence.Corpus, "certassay.yaml"},
	}
	for _, tt := range tests {
		if got := artifact(o.artifactOf(&Subject{Kind: tt.kind, Target: tt.target})).URI; got != tt.want {
			t.Errorf("%s: %q is at %q, want %q", tt.name, tt.target, got, tt.want)
		}
	}
}

func TestSARIFMessage(t *testing.T) {
	for in, want := range map[string]string{
		"[here](https://evil.example)": `[here\](https://evil.example)`,
		"{0} of {total}":               "{{0}} of {total}",
		`\u{0}`:                        `\u{{0}}`,
	} {
		if got := sarifMessage(in).Text; got != want {
			t.Errorf("sarifMessage(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSecuritySeverity(t *testing.T) {
	last := "9.9"
	for _, s := range finding.Severities {
		got := securitySeverity(s)
		if got >= last {
			t.Errorf("securitySeverity(%s) = %s, want less than %s", s, got, last)
		}
		last = got
	}
}
