package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
)

func hashOf(s string) string { return evidence.Hash(evidence.DER(s).SHA256()) }

func ptr[T any](v T) *T { return &v }

func testCert(name, issuer string) Certificate {
	return Certificate{
		Hash: hashOf(name), Subject: name, Issuer: issuer, Serial: "0a", Key: "ECDSA P-256",
		NotBefore: "2026-09-01T00:00:00Z", NotAfter: "2026-11-30T23:59:59Z",
		DNSNames: []string{"shop.example.com"}, SPKISHA256: "sha256/" + name,
		Parsers: Parsers{"ok", "ok", "ok"}, PEM: "-----BEGIN CERTIFICATE-----\n…",
	}
}

const hostileCN = "CN=\x1b[2Jgood\u202egnp.exe\u200b\r\n::error::x\x00 \xff"

func testFindings() []finding.Finding {
	return []finding.Finding{
		{Rule: "name-odd", Version: 1, Class: finding.Hygiene, Severity: finding.Low, Confidence: finding.Weak,
			Title: "Odd name", Message: "name is " + hostileCN, Fingerprint: "v1:03", Status: finding.New},
		{Rule: "chain-lookalike-issuer", Version: 1, Class: finding.Forgery, Severity: finding.Critical, Confidence: finding.Proof,
			Standing: true, Title: "Issuer carries a known CA's name but not its key", Message: "issuer name belongs to a known CA, issuer key does not",
			Details:     map[string]any{"keys": []string{"a", "b"}, "known": json.Number("123456789012345678"), "who": hostileCN},
			Certificate: hashOf("leaf"), Fingerprint: "v1:01", Status: finding.New},
		{Rule: "time-long", Version: 1, Class: finding.Policy, Severity: finding.High, Confidence: finding.Strong,
			Title: "Valid for too long", Message: "900 days", Certificate: hashOf("not in the chain"), Fingerprint: "v1:02", Status: finding.Known,
			Waiver: &finding.Waiver{Reason: "lab appliance", Owner: "network-security", Expires: "2027-05-01"}},
	}
}

// testDocument has a subject of every verdict, hostile ones among them.
func testDocument() *Document {
	leaf, inter, root := testCert("leaf", "CN=Corp CA"), testCert("inter", "CN=Root"), testCert("root", "CN=Root")
	stray, odd := testCert("stray", "CN=Elsewhere"), testCert("odd", "")
	fetched := testCert("fetched", "CN=Root X1")
	fetched.Subject, fetched.IsCA = "CN=Fetched CA", true
	leaf.Subject, inter.Subject, root.Subject = "CN=shop.example.com", "CN=Corp CA", "CN=Root"
	odd.Subject, odd.NotBefore, odd.DNSNames = hostileCN, "", nil
	odd.Quirks = []string{"trailing-data"}
	d := &Document{
		Schema: SchemaName,
		Tool:   Tool{Version: "v0.1.0", RulesDigest: hashOf("rules"), Data: map[string]string{"roots": "2026-10-30"}},
		Run: evidence.Run{Command: "scan", Vantage: "direct", Contacted: []string{"203.0.113.7:443"},
			Started: time.Date(2026, 11, 1, 0, 0, 0, 5, time.UTC), Finished: time.Date(2026, 11, 1, 0, 0, 9, 0, time.UTC),
			At: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)},
		Certificates: map[string]Certificate{},
		Rules: map[string]Rule{"chain-lookalike-issuer": {
			Title: "Issuer carries a known CA's name but not its key", Summary: "A CA certificate\nin the chain.",
			Why:         "The name in an issuer field is a claim; the key is the identity. Whoever made this certificate wanted it to look like that CA's.",
			Benign:      []string{"The CA cut over to a new key after our list was built.", "The owner runs a test CA under that name."},
			Remediation: "Compare the issuer key hash with CCADB; find out who answered on this path.",
			References:  []string{"https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.4"}, Tags: []string{"impersonation"}}},
		Subjects: []Subject{
			{ID: "tls://shop.example.com:443/203.0.113.7", Kind: evidence.Endpoint, Target: "shop.example.com", Address: "203.0.113.7:443",
				Name: "shop.example.com", Protocol: "https", Group: "shop", Owner: "web-team", Source: &Source{File: "ci/certassay.yaml", Line: 12, Column: 7}, Verdict: finding.Forged, Complete: true, Anchor: "none",
				Chain: []string{leaf.Hash, inter.Hash, root.Hash, stray.Hash}, AlsoSeen: []string{odd.Hash},
				Links: []Link{
					{Index: 0, Certificate: leaf.Hash, NamesIssuer: ptr(1)},
					{Index: 1, Certificate: inter.Hash, SignedBy: ptr(2)},
					{Index: 2, Certificate: root.Hash, SignedBy: ptr(2), Anchor: []string{"mozilla"}, Notes: []string{"self-issued"}},
					{Index: 3, Certificate: stray.Hash, Notes: []string{"stray"}}},
				VerifyError: "signature", Findings: testFindings(),
				Handshake: &Handshake{Profile: "classical", Version: "1.3", Cipher: "TLS_AES_128_GCM_SHA256", Group: "X25519", ALPN: "h2",
					Possession: true, ElapsedMS: 35, Hops: 7, Reset: "the first ClientHello (1600 bytes) was reset, a small one was answered"},
				Notes: []string{"The chain was completed from nothing."}},
			{ID: "odd.pem", Kind: evidence.Certificate, Target: "odd.pem\x1b[31m", Verdict: finding.Suspicious, Complete: true, Anchor: "none",
				Chain: []string{odd.Hash}, Links: []Link{{Index: 0, Certificate: odd.Hash, SignedBy: ptr(0)}},
				Findings: testFindings()[:1]},
			{ID: "tls://intranet:443/10.0.0.1", Kind: evidence.Endpoint, Target: "intranet", Address: "10.0.0.1:443",
				Verdict: finding.Undetermined, Anchor: "none", Chain: []string{},
				Inconclusive: []finding.Gap{{Rule: "sct-missing", Reason: "no certificate"}, {Rule: "chain-no-anchor", Reason: "only the owner can say", Needed: true}},
				Errors:       []evidence.Failure{{Stage: evidence.StageDial, Error: "connection refused\x1b[0m", Hint: "is it running?"}}},
			{ID: "tls://ok.example.com:443/203.0.113.8", Kind: evidence.Endpoint, Target: "ok.example.com", Address: "203.0.113.8:443",
				Seen: time.Date(2026, 11, 1, 0, 0, 1, 0, time.UTC), Verdict: finding.OK, Complete: true, Anchor: "public", Programs: []string{"mozilla"},
				Group: "shop", Source: &Source{File: "ci/certassay.yaml", Line: 13, Column: 7}, Fetched: []string{fetched.Hash},
				Chain: []string{stray.Hash}, Links: []Link{{Index: 0, Certificate: stray.Hash, SignedByRoot: "CN=Root X1"}}},
		},
		Warnings: []Warning{{Message: "waiver of chain-x expired on 2026-01-01", Hint: "renew it or remove it"}},
		Baseline: &Baseline{At: time.Date(2026, 10, 1, 6, 30, 0, 0, time.UTC), New: 2, Known: 1, Standing: 1,
			Resolved: []Change{{Subjects: []string{"tls://ok.example.com:443/203.0.113.8"}, Source: &Source{File: "ci/certassay.yaml", Line: 13, Column: 7},
				Finding: finding.Finding{Rule: "chain-lookalike-issuer", Version: 1, Class: finding.Forgery, Severity: finding.Critical, Confidence: finding.Proof,
					Title: "Issuer carries a known CA's name but not its key", Message: "it was " + hostileCN, Fingerprint: "v1:0a", Status: finding.New}}},
			Unchecked: []Change{{Subjects: []string{"tls://gone.example.com:443/203.0.113.9", "a.pem", "b.pem", "c.pem", "d.pem"},
				Finding: finding.Finding{Rule: "key-small", Class: finding.Hygiene, Severity: finding.Medium, Confidence: finding.Weak,
					Title: "Small key", Fingerprint: "v1:0b", Status: finding.Known}}}},
	}
	for _, c := range []Certificate{leaf, inter, root, stray, odd, fetched} {
		d.Certificates[c.Hash] = *c.filled()
	}
	for i := range d.Subjects {
		d.Subjects[i].fillLists()
		d.Summary.Add(&d.Subjects[i])
	}
	return d
}

func render(t testing.TB, format string, o Options, d *Document) []byte {
	t.Helper()
	var out bytes.Buffer
	o.Rule = d.Explain
	w, err := New(format, &out, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Replay(w); err != nil {
		t.Fatalf("writing %s: %v", format, err)
	}
	return out.Bytes()
}

// golden compares with a file in testdata; UPDATE=1 writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", name, diff)
	}
}

// many gives a document with more subjects than are explained without a table.
func many(n int) *Document {
	d := testDocument()
	base := d.Subjects
	d.Subjects, d.Summary = nil, Summary{}
	for i := range n {
		s := base[(i*3+1)%len(base)]
		s.ID = fmt.Sprintf("%s?%d", s.ID, i)
		if i%5 == 0 {
			s.Target = fmt.Sprintf("%d.a-very-long-name-that-does-not-fit.時刻.example.com", i)
		}
		d.Subjects = append(d.Subjects, s)
		d.Summary.Add(&s)
	}
	return d
}

func TestGolden(t *testing.T) {
	complete := testDocument()
	complete.Run.Complete, complete.Warnings, complete.Baseline = true, nil, nil
	tests := []struct {
		name   string
		format string
		o      Options
		d      *Document
	}{
		{"few.txt", "text", Options{Width: 80}, testDocument()},
		{"few-40.txt", "text", Options{Width: 1}, testDocument()},
		{"few-color.txt", "text", Options{Width: 80, Color: true}, complete},
		{"few-quiet.txt", "text", Options{Width: 80, Quiet: true}, testDocument()},
		{"many.txt", "text", Options{Width: 100}, many(8)},
		{"verbose.txt", "text", Options{Width: 80, Verbose: true, Subjects: 8}, many(8)},
		{"nothing.txt", "text", Options{}, &Document{Run: evidence.Run{Complete: true}}},
		{"report.json", "json", Options{}, testDocument()},
		{"report.jsonl", "jsonl", Options{}, testDocument()},
		{"report.sarif", "sarif", Options{}, testDocument()},
		{"report.junit.xml", "junit", Options{}, testDocument()},
		{"report.github.txt", "github", Options{TargetsFile: "ci/hosts.txt"}, testDocument()},
		{"report.html", "html", Options{}, testDocument()},
		{"report.csv", "csv", Options{}, testDocument()},
		{"report.prom", "prometheus", Options{}, testDocument()},
		{"report.md", "markdown", Options{}, testDocument()},
		{"nothing.md", "markdown", Options{}, &Document{Run: evidence.Run{Complete: true}}},
		{"many.github.txt", "github", Options{}, many(40)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := render(t, tt.format, tt.o, tt.d)
			golden(t, tt.name, got)
			if again := render(t, tt.format, tt.o, tt.d); !bytes.Equal(got, again) {
				t.Error("the same report twice gives other bytes")
			}
			for _, r := range string(got) {
				if r != '\n' && !(r == '\r' && tt.format == "csv") && !visible(r) && !(r == '\x1b' && tt.o.Color) && r != ' ' {
					t.Errorf("the report lets %U through", r)
				}
			}
		})
	}
}

// A table starts at once where many subjects are expected, and its rows fit.
func TestTableStreams(t *testing.T) {
	d := many(60)
	var out bytes.Buffer
	w, err := New("text", &out, Options{Width: 72, Subjects: 60})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Begin(d.Tool, d.Run); err != nil {
		t.Fatal(err)
	}
	for i := range d.Subjects {
		if err := w.Subject(&d.Subjects[i], nil); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(out.String(), "\n"); got != i+2 {
			t.Fatalf("%d lines after %d subjects, want a row for each", got, i+1)
		}
	}
	for line := range strings.Lines(out.String()) {
		// Only what names the subject may be longer, and that is whole.
		if strings.Contains(line, "a-very-long-name-that-does-not-fit") {
			if !strings.Contains(line, "-not-fit.時刻.example.com ") {
				t.Errorf("nobody can tell whose row this is: %q", line)
			}
			continue
		}
		if n := columns(strings.TrimSuffix(line, "\n")); n > 72 {
			t.Errorf("row of %d columns, want at most 72: %q", n, line)
		}
	}
	out.Reset()
	if err := w.End(Ending{Run: d.Run, Summary: d.Summary}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "proves that this is not"); got != 15 {
		t.Errorf("%d forged subjects explained, want all 15", got)
	}
	if !strings.Contains(out.String(), "25 more that are not ok") {
		t.Error("what is not explained is not mentioned")
	}
}

func TestColorSaysNothingAlone(t *testing.T) {
	with := string(render(t, "text", Options{Color: true}, testDocument()))
	if got, want := stripStyle(with), string(render(t, "text", Options{}, testDocument())); got != want {
		t.Errorf("without its colours the text differs:\n%s", cmp.Diff(want, got))
	}
}

// No head says of a subject what the findings below it contradict.
func TestInWords(t *testing.T) {
	of := func(class finding.Class, sure finding.Confidence, severity finding.Severity) finding.Finding {
		return finding.Finding{Class: class, Confidence: sure, Severity: severity}
	}
	waived := func(f finding.Finding) finding.Finding { f.Waiver = &finding.Waiver{}; return f }
	weak, proof := of(finding.Forgery, finding.Weak, finding.Medium), of(finding.Forgery, finding.Proof, finding.Critical)
	misissued := of(finding.Misissuance, finding.Proof, finding.High)
	key := of(finding.CompromisedKey, finding.Strong, finding.Critical)
	policy, remark := of(finding.Policy, finding.Proof, finding.High), of(finding.Hygiene, finding.Weak, finding.Info)
	list := func(f ...finding.Finding) []finding.Finding { return f }
	for _, tt := range []struct {
		name     string
		verdict  finding.Verdict
		findings []finding.Finding
		want     string
		not      string
	}{
		{"nothing", finding.OK, nil, "nothing speaks against", "other faults"},
		{"a remark", finding.OK, list(remark), "nothing speaks against", "other faults"},
		{"policy", finding.OK, list(policy, of(finding.Hygiene, finding.Weak, finding.Low)), "nothing suggests a forgery. It has other faults: 1 high, 1 low.", "nothing speaks"},
		{"policy waived", finding.OK, list(waived(policy)), "nothing speaks against", "other faults"},
		{"weak", finding.OK, list(weak), "one weak sign", "nothing"},
		{"weak and policy", finding.OK, list(weak, policy), "one weak sign speaks against this certificate. It has other faults: 1 high.", "nothing"},
		{"waived", finding.OK, list(waived(proof)), "against this certificate is waived", "nothing"},
		{"waived and weak", finding.OK, list(waived(proof), weak), "beside what is waived no more than one weak sign", "nothing"},
		{"key", finding.OK, list(key), "others may have the key", "weak"},
		{"key and weak", finding.OK, list(key, weak), "others may have the key", "nothing"},
		{"forged", finding.Forged, list(proof), "proves that this is not a genuine", ""},
		{"misissued", finding.Forged, list(misissued, waived(proof)), "should not have been issued", "genuine"},
		{"forged and misissued", finding.Forged, list(misissued, proof), "not a genuine", ""},
		{"suspicious", finding.Suspicious, list(of(finding.Forgery, finding.Strong, finding.High)), "nothing proves it forged", ""},
		{"suspicious, a proof waived", finding.Suspicious, list(of(finding.Forgery, finding.Strong, finding.High), waived(proof)), "what proves more is waived", "nothing"},
		{"open", finding.Undetermined, list(policy), "could not be checked", "speaks"},
		{"open, a proof waived", finding.Undetermined, list(waived(proof)), "is waived, and something that is needed could not", "Nothing proves"},
	} {
		got := inWords(&Subject{Verdict: tt.verdict, Chain: []string{"sha256:00"}, Findings: tt.findings})
		if !strings.Contains(got, tt.want) || tt.not != "" && strings.Contains(got, tt.not) {
			t.Errorf("%s: %q, want %q and not %q", tt.name, got, tt.want, tt.not)
		}
	}
	whole, part := inWords(&Subject{Verdict: finding.OK, Complete: true}), inWords(&Subject{Verdict: finding.OK})
	if !strings.HasPrefix(whole, "Every required check ran, and") || !strings.Contains(part, "what could be collected, which is not all, and nothing speaks") {
		t.Errorf("whole: %q, in part: %q", whole, part)
	}
	if got := inWords(&Subject{Findings: list(policy)}); !strings.Contains(got, "what was found besides") {
		t.Errorf("findings without a certificate: %q", got)
	}
}

// What the verdict rests on stands before faults of policy, and only there.
func TestByGravity(t *testing.T) {
	policy := finding.Finding{Rule: "policy", Class: finding.Policy, Severity: finding.Critical, Confidence: finding.Proof}
	key := finding.Finding{Rule: "key", Class: finding.CompromisedKey, Severity: finding.Low, Confidence: finding.Proof}
	strong := finding.Finding{Rule: "strong", Class: finding.Interception, Severity: finding.Medium, Confidence: finding.Strong}
	weak := finding.Finding{Rule: "weak", Class: finding.Forgery, Severity: finding.Medium, Confidence: finding.Weak}
	waived := strong
	waived.Rule, waived.Waiver = "waived", &finding.Waiver{}
	for _, tt := range []struct {
		name     string
		findings []finding.Finding
		want     []string
	}{
		{"strong", []finding.Finding{policy, weak, strong}, []string{"strong", "weak", "policy"}},
		{"key", []finding.Finding{policy, key}, []string{"key", "policy"}},
		{"one weak sign decides nothing", []finding.Finding{weak, policy}, []string{"policy", "weak"}},
		{"waived", []finding.Finding{waived, policy, weak}, []string{"policy", "weak", "waived"}},
	} {
		var got []string
		for _, f := range byGravity(tt.findings) {
			got = append(got, f.Rule)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// The head of a run in which all is ok names what makes it fail all the same.
func TestHeadline(t *testing.T) {
	d := &Document{Subjects: []Subject{{Verdict: finding.OK, Complete: true, Findings: []finding.Finding{
		{Class: finding.Policy, Severity: finding.High}, {Class: finding.Policy, Severity: finding.Medium}}}}}
	d.Summary.Add(&d.Subjects[0])
	for format, want := range map[string]string{"markdown": "1 subject ok, with 1 high finding", "html": "1 subject ok, with 1 high finding", "junit": `type="finding" message="(+1) high`} {
		if got := string(render(t, format, Options{}, d)); !strings.Contains(got, want) {
			t.Errorf("%s does not say %q:\n%s", format, want, got)
		}
	}
}

// A revoked certificate is marked in the chain and in the graph, and one that was
// listed later is no failure.
func TestRevokedIsMarked(t *testing.T) {
	d := testDocument()
	s := &d.Subjects[0]
	s.Chain, s.Links = s.Chain[:2], nil
	s.Paths = []Path{
		{Certificates: append(slices.Clone(s.Chain), hashOf("root")), Subjects: []string{"CN=leaf", "CN=a revoked authority of a long name", "CN=root"}, Programs: []string{"mozilla"},
			Revoked: []PathRevoked{{Index: 1, List: "OneCRL 2026-10-28", Listed: "2026-01-02", InForce: true}, {Index: 0, List: "later", InForce: false}, {Index: 9, List: "nowhere"}}},
	}
	text := string(render(t, "text", Options{Width: 200}, d))
	chain, _, _ := strings.Cut(text[strings.Index(text, "Chain"):], "Paths (")
	if strings.Count(chain, "✗ revoked: OneCRL 2026-10-28 (listed by 2026-01-02)") != 1 || strings.Count(chain, "? revoked later: later") != 1 {
		t.Errorf("chain:\n%s", chain)
	}
	page := string(render(t, "html", Options{}, d))
	for _, want := range []string{`<div class="bad"><bdi>revoked: OneCRL 2026-10-28 (listed by 2026-01-02)`, `<div class="open"><bdi>revoked later: later`, `<g class="bad"><title>CN=a revoked authority of a long name`, ">✗ CN=a revoked"} {
		if strings.Count(page, want) != 1 {
			t.Errorf("the page has %d of %q", strings.Count(page, want), want)
		}
	}
}

// What a run was told to leave out stands beside "every required check ran", in
// every report that people read.
func TestNarrowed(t *testing.T) {
	d := testDocument()
	for format, words := range map[string]string{"text": "NARROWED:", "markdown": "**Narrowed:**", "html": "<b>Narrowed:</b>"} {
		if got := string(render(t, format, Options{}, d)); strings.Contains(got, words) {
			t.Errorf("%s: %q in a report of a whole run", format, words)
		}
	}
	d.Tool.RulesLeftOut = []string{"a-1", "a-2", "a-3", "a-4", "a-<\x1b[31m", "a-6"}
	d.Tool.LeastSeverity = finding.High
	for format, words := range map[string]string{"text": "NARROWED:", "markdown": "**Narrowed:**", "html": "<b>Narrowed:</b>"} {
		got := string(render(t, format, Options{Width: 200}, d))
		for _, want := range []string{words, "6 rules left out", "a-4", "…", "below high"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s does not say %q", format, want)
			}
		}
		if strings.Contains(got, "\x1b") || strings.Contains(got, "a-6") {
			t.Errorf("%s shows what it should not", format)
		}
	}
}

// Programs read of it what they read of everything else, in the place that each
// format has for it.
func TestNarrowedForPrograms(t *testing.T) {
	whole, narrowed := testDocument(), testDocument()
	narrowed.Tool.RulesLeftOut = []string{"a-1", "a-<\x1b[31m%"}
	narrowed.Tool.LeastSeverity = finding.High
	for format, want := range map[string][]string{
		"json":       {`"rules_left_out":["a-1",`, `"least_severity":"high"`},
		"jsonl":      {`"rules_left_out":["a-1",`, `"least_severity":"high"`},
		"sarif":      {`"toolConfigurationNotifications": [{"level":"note","message":{"text":"NARROWED: 2 rules left out`, `"rules_left_out":["a-1",`, `"least_severity":"high"`},
		"junit":      {`<property name="rules_left_out" value="a-1 a-&lt;\u{1b}[31m%"/>`, `<property name="least_severity" value="high"/>`, "<system-out>NARROWED: 2 rules left out"},
		"csv":        {"narrowed: 2 rules left out", "below high"},
		"github":     {"::notice title=Narrowed run::2 rules left out", `a-<\u{1b}[31m%25`, "below high"},
		"prometheus": {"\ncertassay_run_narrowed 1\n"},
	} {
		out, other := string(render(t, format, Options{}, narrowed)), string(render(t, format, Options{}, whole))
		for _, text := range want {
			if !strings.Contains(out, text) {
				t.Errorf("%s does not say %q:\n%s", format, text, out)
			}
			if strings.Contains(other, text) {
				t.Errorf("%s says %q of a whole run", format, text)
			}
		}
		if strings.Contains(out, "\x1b") {
			t.Errorf("%s steers the terminal", format)
		}
	}
	if err := sarifValidator(t)(render(t, "sarif", Options{}, narrowed)); err != nil {
		t.Error(err)
	}
	checkShape(t, render(t, "junit", Options{}, narrowed))
	rows, err := csv.NewReader(bytes.NewReader(render(t, "csv", Options{}, narrowed))).ReadAll()
	if err != nil || rows[len(rows)-2][slices.Index(csvHeader, "kind")] != "run" {
		t.Errorf("CSV: %v, last rows %q", err, rows)
	}
}

// GitHub shows ten notices of a step: that the run was narrowed is among them.
func TestGitHubShowsNarrowed(t *testing.T) {
	d := &Document{Tool: Tool{RulesLeftOut: []string{"a-1"}}}
	for range 20 {
		d.Subjects = append(d.Subjects, Subject{Findings: []finding.Finding{{Severity: finding.Low}}})
	}
	if lines := commands(render(t, "github", Options{}, d)); len(lines) != maxAnnotations || !strings.Contains(lines[0], "Narrowed") {
		t.Errorf("annotations %q", lines)
	}
}

func TestUnknownFormat(t *testing.T) {
	_, err := New("pdf", nil, Options{})
	if err == nil || !strings.Contains(err.Error(), "want text, json, jsonl") {
		t.Errorf("New(pdf) = %v, want an error that lists the formats", err)
	}
}

// A report that waits on disk is the same as one that waits in memory, and
// leaves nothing behind.
func TestJSONSpools(t *testing.T) {
	d, dir := many(40), t.TempDir()
	want := render(t, "json", Options{}, d)
	var out bytes.Buffer
	w, err := New("json", &out, Options{Rule: d.Explain, TempDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	j := w.(*jsonWriter)
	j.subjects.limit, j.certificates.limit = 5000, 100
	if err := d.Replay(w); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Error("spooled to disk the report differs")
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%d files are left behind", len(left))
	}
	if n := bytes.Count(out.Bytes(), []byte(`"pem"`)); n != 6 {
		t.Errorf("%d certificates, want each of 6 once", n)
	}
}

// The same for the other formats that wait for their end.
func TestOthersSpool(t *testing.T) {
	d := many(40)
	for _, format := range []string{"sarif", "junit", "html", "prometheus"} {
		want, dir := render(t, format, Options{}, d), t.TempDir()
		var out bytes.Buffer
		w, err := New(format, &out, Options{Rule: d.Explain, TempDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		switch w := w.(type) {
		case *sarifWriter:
			w.results.lines.limit, w.notifications.limit = 100, 100
		case *junitWriter:
			w.cases.limit = 100
		case *htmlWriter:
			for _, s := range w.sections {
				s.limit = 100
			}
		case *prometheusWriter:
			w.verdicts.limit, w.findings.limit, w.expires.limit = 100, 100, 100
		}
		if err := d.Replay(w); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.Bytes(), want) {
			t.Errorf("%s: spooled to disk the report differs", format)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: %d files are left behind", format, len(left))
		}
	}
}

// Where there is no place for temporary files, as in a container of nothing but
// this program, a large report stays in memory; a place that was named must exist.
func TestSpoolWithoutTemporaryFiles(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	t.Setenv("TMPDIR", missing)
	t.Setenv("TMP", missing)
	s := spool{limit: 10}
	for range 10 {
		if _, err := s.Write([]byte("0123456789")); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := s.copyTo(&out); err != nil || out.Len() != 100 {
		t.Errorf("%d bytes came back (error %v), want 100", out.Len(), err)
	}
	named := spool{limit: 10, dir: missing}
	if _, err := named.Write(make([]byte, 20)); err == nil {
		t.Error("a directory that was named and is missing is no error")
	}
}

func TestJSONLLinesStandAlone(t *testing.T) {
	lines := bytes.Split(bytes.TrimSpace(render(t, "jsonl", Options{}, testDocument())), []byte("\n"))
	for i, line := range lines[:len(lines)-1] {
		var l struct {
			Subject
			Certificates map[string]Certificate
			Rules        map[string]Rule
		}
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		for _, hash := range l.certificateNames() {
			if l.Certificates[hash].PEM == "" {
				t.Errorf("line %d lacks certificate %s", i+1, hash)
			}
		}
	}
	if !bytes.Contains(lines[0], []byte(`"rules":{"chain-lookalike-issuer"`)) {
		t.Error("the first line does not explain its rule")
	}
}

// FuzzTextOfCertificate puts hostile text everywhere: text stays printable, JSON
// stays true.
func FuzzTextOfCertificate(f *testing.F) {
	f.Add(hostileCN, 80)
	f.Add("\u2028\u061c\U000e0001", 40)
	f.Add("::error::x ::add-mask::y ##[error]z ###[", 40)
	f.Fuzz(func(t *testing.T, s string, width int) {
		d := testDocument()
		sub := &d.Subjects[0]
		sub.Paths = []Path{{Certificates: []string{"a"}, Subjects: []string{s}, Detail: s}, {Certificates: []string{s}, Subjects: []string{s}, Programs: []string{s}}}
		c := d.Certificates[sub.Chain[0]]
		c.Subject, c.Issuer, c.NotAfter, c.Key = s, s, s, s
		d.Certificates[sub.Chain[0]] = c
		sub.Target, sub.Address, sub.Anchor, sub.VerifyError, sub.Handshake.ALPN = s, s, s, s, s
		sub.Findings[0].Message, sub.Findings[0].Details = s, map[string]any{s: s}
		text := string(render(t, "text", Options{Width: width % 300}, d))
		mustNotCommand(t, text)
		for _, r := range text {
			if r != '\n' && unicode.In(r, unicode.C, unicode.Bidi_Control) {
				t.Fatalf("text lets %U through", r)
			}
		}
		asJSON := render(t, "json", Options{}, d)
		mustNotCommand(t, string(asJSON))
		got, err := Read(bytes.NewReader(asJSON))
		if err != nil {
			t.Fatalf("Read of our own report: %v", err)
		}
		if want := string([]rune(s)); got.Subjects[0].Target != want {
			t.Errorf("JSON turns %q into %q", want, got.Subjects[0].Target)
		}
	})
}

// mustNotCommand fails where the log of a CI job would obey a line: "::" at its
// beginning, or "##[" and "##vso[" anywhere.
func mustNotCommand(t *testing.T, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##") {
			t.Fatalf("a line that a CI job obeys: %q", line)
		}
	}
}

func BenchmarkJSON(b *testing.B) {
	benchmarkWriter(b, "json")
}

func BenchmarkText(b *testing.B) {
	benchmarkWriter(b, "text")
}

func BenchmarkOthers(b *testing.B) {
	for _, format := range Formats() {
		if format != "json" && format != "text" {
			b.Run(format, func(b *testing.B) { benchmarkWriter(b, format) })
		}
	}
}

// benchmarkWriter writes 100 000 subjects with a leaf of their own each.
func benchmarkWriter(b *testing.B, format string) {
	const n = 100_000
	d := testDocument()
	base, leaf := d.Subjects[3], testCert("leaf", "CN=CA")
	leaf.PEM = strings.Repeat("MIIB", 450)
	for b.Loop() {
		out, err := os.CreateTemp(b.TempDir(), "")
		if err != nil {
			b.Fatal(err)
		}
		w, err := New(format, out, Options{Subjects: n, TempDir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		if err := w.Begin(d.Tool, d.Run); err != nil {
			b.Fatal(err)
		}
		var sum Summary
		for i := range n {
			s, c := base, leaf
			s.ID = fmt.Sprintf("tls://host%d:443", i)
			c.Hash = hashOf(s.ID)
			s.Chain = []string{c.Hash, base.Chain[0]}
			if err := w.Subject(&s, []Certificate{c, d.Certificates[base.Chain[0]]}); err != nil {
				b.Fatal(err)
			}
			sum.Add(&s)
		}
		heapMiB(b)
		if err := w.End(Ending{Run: d.Run, Summary: sum}); err != nil {
			b.Fatal(err)
		}
		out.Close()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "subjects/s")
}
