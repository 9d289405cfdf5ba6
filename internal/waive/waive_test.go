package waive

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/certassay/certassay/internal/finding"
)

var (
	now   = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	spki  = "sha256/" + strings.Repeat("A", 43) + "="
	spki2 = "sha256/" + strings.Repeat("B", 42) + "A="
	cert  = "sha256:" + strings.Repeat("ab", 32)
	cert2 = "sha256:" + strings.Repeat("cd", 32)
	mark  = "v1:" + strings.Repeat("0f", 16)
)

// text is a waivers file with one entry.
func text(match, rest string) string {
	return "version: 1\nwaivers:\n  - rule: chain-untrusted-root\n    match: {" + match + "}\n" + rest
}

const rest = "    reason: lab appliance, SEC-118\n    owner: network-security\n    expires: 2027-05-01\n"

func parse(t testing.TB, s string) *List {
	t.Helper()
	l, err := Parse("waivers.yaml", []byte(s), now)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestApply(t *testing.T) {
	id := Identity{Endpoints: []string{"Host.example.:443", "203.0.113.7:443", "[2001:DB8::1]:443"}, Leaf: cert, SPKI: map[string]string{cert: spki, cert2: spki2}}
	about := func(c string) finding.Finding {
		return finding.Finding{Rule: "chain-untrusted-root", Certificate: c, Fingerprint: mark, Confidence: finding.Proof}
	}
	accusing := func(c string, class finding.Class) finding.Finding {
		f := about(c)
		f.Class = class
		return f
	}
	other := about(cert)
	other.Rule = "chain-broken-link"
	tests := []struct {
		name, match string
		id          Identity
		f           finding.Finding
		want        bool
	}{
		{"key", "spki: " + spki, id, about(cert), true},
		{"key of the leaf for the subject as a whole", "spki: " + spki, id, about(""), true},
		{"key of another certificate", "spki: " + spki, id, about(cert2), false},
		{"issuer's key for the subject as a whole", "spki: " + spki2, id, about(""), false},
		{"key of an unknown certificate", "spki: " + spki, Identity{}, about(""), false},
		{"certificate", "certificate: " + cert, id, about(cert), true},
		{"another certificate", "certificate: " + cert, id, about(cert2), false},
		{"certificate, none known", "certificate: " + cert, Identity{}, about(""), false},
		{"fingerprint", "fingerprint: " + mark, Identity{}, about(""), true},
		{"another fingerprint", "fingerprint: v1:" + strings.Repeat("00", 16), id, about(cert), false},
		{"endpoint by name", "endpoint: host.Example:443", id, about(cert2), true},
		{"endpoint by address", "endpoint: 203.0.113.7:443", id, about(cert), true},
		{"endpoint by mapped address", "endpoint: '[::ffff:203.0.113.7]:443'", id, about(cert), true},
		{"endpoint by v6 address", "endpoint: '[2001:db8:0::1]:443'", id, about(cert), true},
		{"another port", "endpoint: host.example:8443", id, about(cert), false},
		{"endpoint, which has another certificate tomorrow", "endpoint: host.example:443", id, accusing(cert, finding.Interception), false},
		{"endpoint, which has another key tomorrow", "endpoint: host.example:443", id, accusing(cert, finding.CompromisedKey), false},
		{"endpoint, of what accuses nobody", "endpoint: host.example:443", id, accusing(cert, finding.Policy), true},
		{"endpoint, of the server itself", "endpoint: host.example:443", id, accusing("", finding.Interception), true},
		{"key of what is accused", "spki: " + spki, id, accusing(cert, finding.Interception), true},
		{"another rule", "spki: " + spki, id, other, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := parse(t, text(tt.match, rest))
			findings := []finding.Finding{tt.f}
			l.Apply(tt.id, findings, now)
			var want *finding.Waiver
			unused := 1
			if tt.want {
				want, unused = &finding.Waiver{Reason: "lab appliance, SEC-118", Owner: "network-security", Expires: "2027-05-01"}, 0
			}
			if diff := cmp.Diff(want, findings[0].Waiver); diff != "" {
				t.Errorf("waiver differs (-want +got):\n%s", diff)
			}
			if got := l.Unused(now); len(got) != unused {
				t.Errorf("Unused() = %v, want %d", got, unused)
			}
		})
	}
}

// A waiver works through its last day, in UTC, and then stops.
func TestExpiry(t *testing.T) {
	for _, tt := range []struct {
		at      string
		expired bool
	}{
		{"2027-05-01T23:59:59Z", false},
		{"2027-05-02T00:00:00Z", true},
		{"2027-05-02T01:00:00+02:00", false},
		{"2030-01-01T00:00:00Z", true},
	} {
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		l := parse(t, text("fingerprint: "+mark, rest))
		findings := []finding.Finding{{Rule: "chain-untrusted-root", Fingerprint: mark}}
		l.Apply(Identity{}, findings, at)
		if got := findings[0].Waiver == nil; got != tt.expired {
			t.Errorf("at %s the finding is unwaived: %v, want %v", tt.at, got, tt.expired)
		}
		if got := len(l.Expired(at)) == 1; got != tt.expired {
			t.Errorf("at %s Expired() lists it: %v, want %v", tt.at, got, tt.expired)
		}
		// An expired one is reported once, as expired.
		if got := l.Unused(at); len(got) != 0 {
			t.Errorf("at %s Unused() = %v", tt.at, got)
		}
	}
}

func TestLongestWaiverIsNamed(t *testing.T) {
	l := parse(t, text("fingerprint: "+mark, rest)+strings.TrimPrefix(text("fingerprint: "+mark, strings.ReplaceAll(rest, "05-01", "06-01")), "version: 1\nwaivers:\n"))
	findings := []finding.Finding{{Rule: "chain-untrusted-root", Fingerprint: mark}}
	l.Apply(Identity{}, findings, now)
	if w := findings[0].Waiver; w == nil || w.Expires != "2027-06-01" {
		t.Errorf("Waiver = %v, want the one until 2027-06-01", w)
	}
	if u := l.Unused(now); len(u) != 0 {
		t.Errorf("Unused() = %v, want none", u)
	}
}

// entries is a waivers file with an entry for each match.
func entries(matches ...string) string {
	all := "version: 1\nwaivers:\n"
	for _, m := range matches {
		all += strings.TrimPrefix(text(m, rest), "version: 1\nwaivers:\n")
	}
	return all
}

// What does not concern a waiver, or a finding, does not keep those behind it from
// being looked at.
func TestApplyLooksAtAll(t *testing.T) {
	second := "v1:" + strings.Repeat("1e", 16)
	l := parse(t, entries("fingerprint: v1:"+strings.Repeat("00", 16), "fingerprint: "+mark, "spki: "+spki2, "fingerprint: "+second))
	findings := []finding.Finding{
		{Rule: "chain-broken-link", Fingerprint: mark}, {Rule: "chain-untrusted-root", Fingerprint: "v1:none"},
		{Rule: "chain-untrusted-root", Fingerprint: mark}, {Rule: "chain-untrusted-root", Fingerprint: second},
	}
	l.Apply(Identity{}, findings, now)
	for i, want := range []bool{false, false, true, true} {
		if got := findings[i].Waiver != nil; got != want {
			t.Errorf("finding %d: waived %v, want %v", i, got, want)
		}
	}
	if u := l.Unused(now); len(u) != 2 {
		t.Errorf("unused: %v, want the first and the third", u)
	}
}

// Every unknown rule is reported, and every known one replaced.
func TestResolveLooksAtAll(t *testing.T) {
	l := parse(t, entries("fingerprint: "+mark, "spki: "+spki, "spki: "+spki2))
	asked := 0
	err := l.Resolve(func(id string) (string, error) {
		if asked++; asked == 2 {
			return "new-" + id, nil
		}
		return "", errors.New("no such rule")
	})
	if err == nil || strings.Count(err.Error(), "no such rule") != 2 || asked != 3 || l.All()[1].Rule != "new-chain-untrusted-root" {
		t.Errorf("asked %d times, second rule %q, error %v", asked, l.All()[1].Rule, err)
	}
}

func TestEndpointForms(t *testing.T) {
	long := strings.Repeat("abcdefg.", 31) + "abcde"
	for in, want := range map[string]string{
		"host:1": "host:1", "host:65535": "host:65535", "host:65536": "", "host:0": "", "host:01": "", "host:+1": "", ":443": "", "443": "", "host": "",
		long + ":443": long + ":443", long + "f:443": "", "[::1]:443": "[::1]:443", "[::1]:0": "", "[fe80::1%eth0]:443": "", "ho st:443": "",
	} {
		if got, err := endpoint(in); got != want || (err == nil) != (want != "") {
			t.Errorf("endpoint(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestResolve(t *testing.T) {
	l := parse(t, text("fingerprint: "+mark, rest))
	if err := l.Resolve(func(id string) (string, error) { return "new-" + id, nil }); err != nil {
		t.Fatal(err)
	}
	if got := l.All()[0].Rule; got != "new-chain-untrusted-root" {
		t.Errorf("Rule = %q", got)
	}
	err := l.Resolve(func(string) (string, error) { return "", errors.New("no such rule") })
	if err == nil || !strings.Contains(err.Error(), "waivers.yaml:3:11: no such rule") {
		t.Errorf("Resolve = %v, want the place", err)
	}
}

// list gives joined errors, or one alone.
func list(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

func TestParseErrors(t *testing.T) {
	match := "spki: " + spki
	tests := []struct{ name, text, want string }{
		{"empty", "", "waivers.yaml:1:1: the file is empty"},
		{"not YAML", "version: [", "not valid YAML"},
		{"second document", text(match, rest) + "---\n{}\n", "a second document"},
		{"no version", "waivers: []\n", `the key "version" is missing`},
		{"no waivers", "version: 1\n", `the key "waivers" is missing`},
		{"other version", "version: 2\nwaivers: []\n", `:1:10: version "2" is not 1`},
		{"unknown key", "version: 1\nwaivers: []\nwaiver: []\n", `:3:1: waivers file: unknown key "waiver"`},
		{"key twice", "version: 1\nversion: 1\nwaivers: []\n", `:2:1: waivers file: the key "version" stands twice`},
		{"not a list", "version: 1\nwaivers: {}\n", "waivers: want a list"},
		{"alias", text(match, strings.Replace(rest, "reason: ", "reason: &a ", 1)), "anchors, aliases and tags"},
		{"name", text("name: host.example", rest), "a name is what a forger copies"},
		{"dn", text("dn: CN=x", rest), "a name is what a forger copies"},
		{"no identity", text("", rest), ":4:12: match: want exactly one identity"},
		{"two identities", text(match+", certificate: "+cert, rest), "match: want exactly one identity"},
		{"short key hash", text("spki: sha256/AAAA", rest), ":4:19: spki: want"},
		{"key hash in hex", text("spki: "+cert, rest), "spki: want"},
		{"loose base64", text("spki: sha256/"+strings.Repeat("B", 43)+"=", rest), "spki: want"},
		{"upper-case hash", text("certificate: "+strings.ToUpper(cert), rest), "certificate: want"},
		{"fingerprint", text("fingerprint: v2:00", rest), "fingerprint: want"},
		{"endpoint without port", text("endpoint: host", rest), "endpoint: want"},
		{"endpoint with wildcard", text("endpoint: '*.example:443'", rest), "endpoint: want"},
		{"endpoint with port 0", text("endpoint: host:0", rest), "endpoint: want"},
		{"list as identity", text("spki: [a]", rest), "spki: want"},
		{"glob", strings.Replace(text(match, rest), "chain-untrusted-root", "chain-*", 1), `:3:11: rule "chain-*" is no rule id`},
		{"no reason", text(match, strings.Replace(rest, "lab appliance, SEC-118", `""`, 1)), "reason is empty"},
		{"no owner", text(match, strings.Replace(rest, "    owner: network-security\n", "", 1)), `the key "owner" is missing`},
		{"no end", text(match, strings.Replace(rest, "    expires: 2027-05-01\n", "", 1)), `the key "expires" is missing`},
		{"not a date", text(match, strings.Replace(rest, "2027-05-01", "never", 1)), "expires: want a date"},
		{"no such day", text(match, strings.Replace(rest, "2027-05-01", "2027-02-30", 1)), "expires: want a date"},
		{"too far", text(match, strings.Replace(rest, "2027-05-01", "2027-11-24", 1)), "the last day allowed is 2027-11-23"},
		{"escape", text(match, strings.Replace(rest, "lab appliance", `"\e[2J`, 1)+`"`), "waivers.yaml:"},
		{"too large", strings.Repeat("#", maxFile+1), "larger than 1024 KiB"},
		{"too many", "version: 1\nwaivers: [" + strings.Repeat("{},", maxWaivers+1) + "]\n", "more than 5000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := Parse("waivers.yaml", []byte(tt.text), now)
			if err == nil || l != nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Parse = %v, %v, want %q", l, err, tt.want)
			}
			for _, err := range list(err) {
				if e := (*Error)(nil); !errors.As(err, &e) || e.Line < 1 || e.Col < 1 || e.Hint == "" {
					t.Errorf("an error without line, column or hint:\n%v", err)
				}
			}
			if strings.ContainsRune(err.Error(), '\x1b') {
				t.Errorf("Parse = %q, want no control characters", err)
			}
		})
	}
	if _, err := Parse("w", []byte(text(match, strings.Replace(rest, "2027-05-01", "2027-11-23", 1))), now); err != nil {
		t.Errorf("Parse refuses a waiver of exactly a year: %v", err)
	}
}

// Everything wrong is said at once.
func TestParseReportsAllErrors(t *testing.T) {
	_, err := Parse("w", []byte("version: 3\nwaivers:\n  - {rule: X, match: {name: y}, reason: r, owner: o, expires: 2027-01-01}\n  - {}\n"), now)
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("Parse = %v", err)
	}
	if got := len(joined.Unwrap()); got != 8 {
		t.Errorf("Parse gives %d errors, want 8:\n%v", got, err)
	}
}

func TestParseNodeAndJoin(t *testing.T) {
	data := []byte(text("spki: "+spki, rest))
	var doc yaml.Node
	if err := yaml.Load(data, &doc); err != nil {
		t.Fatal(err)
	}
	l, err := ParseNode("certassay.yaml", data, doc.Content[0].Content[3], now)
	if err != nil {
		t.Fatal(err)
	}
	all := Join(nil, l, parse(t, text("endpoint: h:1", rest)))
	var got []string
	for _, w := range all.All() {
		got = append(got, w.String())
	}
	want := []string{
		"certassay.yaml:3:5: waiver of chain-untrusted-root for spki " + spki + ", until 2027-05-01 (network-security)",
		"waivers.yaml:3:5: waiver of chain-untrusted-root for endpoint h:1, until 2027-05-01 (network-security)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("waivers differ (-want +got):\n%s", diff)
	}
	if _, err := ParseNode("c", data, doc.Content[0], now); err == nil {
		t.Error("ParseNode accepts a mapping")
	}
}

// report is an earlier report with one finding.
func report(confidence, fingerprint, waiver string) string {
	return fmt.Sprintf(`{"schema": "certassay/report/v1", "run": {"at": "2026-11-01T00:00:00Z"}, "subjects": [{"id": "tls://h:1", "verdict": "ok", "chain": ["c"], "findings": [
		{"rule": "r-r", "class": "policy", "severity": "low", "confidence": %q, "fingerprint": %q, "waiver": %s, "details": {"x": [1]}}]}]}`, confidence, fingerprint, waiver)
}

func TestBaseline(t *testing.T) {
	w := `{"reason": "r", "owner": "o", "expires": "2020-01-01"}`
	tests := []struct {
		name, baseline string
		f              finding.Finding
		want           finding.Status
		resolved       int
	}{
		{"known", report("strong", mark, "null"), finding.Finding{Fingerprint: mark, Confidence: finding.Strong}, finding.Known, 0},
		{"another", report("strong", mark, "null"), finding.Finding{Fingerprint: "v1:x", Confidence: finding.Strong}, finding.New, 1},
		{"proof now", report("strong", mark, "null"), finding.Finding{Fingerprint: mark, Confidence: finding.Proof}, finding.New, 0},
		{"proof then", report("proof", mark, "null"), finding.Finding{Fingerprint: mark, Confidence: finding.Strong}, finding.New, 0},
		{"waived then", report("strong", mark, w), finding.Finding{Fingerprint: mark, Confidence: finding.Strong}, finding.New, 0},
		{"nothing then", `{"schema": "certassay/report/v1"}`, finding.Finding{Fingerprint: mark, Confidence: finding.Weak}, finding.New, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := ReadBaseline(strings.NewReader(tt.baseline))
			if err != nil {
				t.Fatal(err)
			}
			tt.f.Status = finding.New
			findings := []finding.Finding{tt.f}
			b.Apply(findings)
			if findings[0].Status != tt.want {
				t.Errorf("Status = %v, want %v", findings[0].Status, tt.want)
			}
			had := !strings.Contains(tt.name, "nothing") && tt.name != "another"
			if findings[0].Standing != (had && tt.want == finding.New) {
				t.Errorf("Standing = %t", findings[0].Standing)
			}
			b.Saw("tls://h:1", true, func(string) bool { return true })
			if resolved, unchecked := b.Settle(); len(resolved) != tt.resolved || len(unchecked) > 0 {
				t.Errorf("resolved %v, unchecked %v, want %d and 0", resolved, unchecked, tt.resolved)
			}
		})
	}
	new(Baseline).Apply([]finding.Finding{{Fingerprint: mark}})
}

// A finding that the baseline does not have does not hide the ones behind it.
func TestBaselineLooksAtAll(t *testing.T) {
	b, err := ReadBaseline(strings.NewReader(report("strong", mark, "null")))
	if err != nil {
		t.Fatal(err)
	}
	findings := []finding.Finding{{Fingerprint: "v1:x", Confidence: finding.Strong, Status: finding.New}, {Fingerprint: mark, Confidence: finding.Strong, Status: finding.New}}
	if b.Apply(findings); findings[0].Status != finding.New || findings[1].Status != finding.Known {
		t.Errorf("status %v and %v, want new and known", findings[0].Status, findings[1].Status)
	}
}

// A finding is resolved where everybody who had it was asked again, and answered.
func TestSettle(t *testing.T) {
	const other = "v1:ffffffffffffffffffffffffffffffff"
	line := func(id, finding string) string {
		return `{"id": "` + id + `", "chain": ["c"], "findings": [` + finding + `]}` + "\n"
	}
	of := func(rule, mark, confidence string) string {
		return `{"rule": "` + rule + `", "class": "policy", "severity": "low", "confidence": "` + confidence + `", "fingerprint": "` + mark + `", "waiver": null, "details": {"n": 12345678901234567890}}`
	}
	lines := line("a", of("r-r", mark, "weak")) + line("b", of("r-r", mark, "weak")+","+of("p-p", other, "proof")) + line("c", "") +
		`{"schema": "certassay/report/v1", "run": {"at": "2026-11-01T00:00:00Z"}}`
	all := func(string) bool { return true }
	tests := []struct {
		name string
		saw  func(*Baseline)
		want string // resolved, unchecked, whole
	}{
		{"nobody looked", func(*Baseline) {}, "[] [r-r p-p] false"},
		{"one of two", func(b *Baseline) { b.Saw("a", true, all) }, "[] [r-r p-p] false"},
		{"both", func(b *Baseline) { b.Saw("a", true, all); b.Saw("b", true, all) }, "[r-r p-p] [] false"},
		{"one in part", func(b *Baseline) { b.Saw("a", false, all); b.Saw("b", true, all); b.Saw("c", true, all) }, "[p-p] [r-r] false"},
		{"undecided", func(b *Baseline) { b.Saw("a", true, all); b.Saw("b", true, func(r string) bool { return r == "r-r" }) }, "[r-r] [p-p] false"},
		{"the last word", func(b *Baseline) { b.Saw("b", true, all); b.Saw("b", false, all) }, "[] [r-r p-p] false"},
		{"all, and one of them found", func(b *Baseline) {
			for _, id := range []string{"a", "b", "c", "d"} {
				b.Saw(id, true, all)
			}
			b.Apply([]finding.Finding{{Fingerprint: mark}})
		}, "[p-p] [] true"},
	}
	for _, tt := range tests {
		b, err := ReadBaseline(strings.NewReader(lines))
		if err != nil {
			t.Fatal(err)
		}
		if b.At() != time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) {
			t.Errorf("At = %v", b.At())
		}
		tt.saw(b)
		rules := func(list []Past) (out []string) {
			for _, p := range list {
				out = append(out, p.Finding.Rule)
				if n := p.Finding.Details["n"]; fmt.Sprint(n) != "12345678901234567890" {
					t.Errorf("a detail became %v", n)
				}
			}
			return out
		}
		resolved, unchecked := b.Settle()
		if got := fmt.Sprint(rules(resolved), rules(unchecked), b.Whole("corpus")); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestReadBaselineErrors(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "EOF"},
		{"not JSON", "<html>", "invalid character"},
		{"another document", `{"schema": "certassay/report/v2"}`, "not a report"},
		{"an object", `{}`, "not a report"},
		{"a list", `[]`, "cannot unmarshal"},
		{"fingerprint", report("weak", "", "null"), `subject "tls://h:1": finding 0: fingerprint ""`},
		{"severity", strings.Replace(report("weak", mark, "null"), "low", "lowish", 1), "unknown severity"},
		{"class", strings.Replace(report("weak", mark, "null"), "policy", "fun", 1), "finding 0 lacks"},
		{"lines without their end", `{"id": "tls://h:1", "findings": []}`, "EOF"},
		{"two documents", report("weak", mark, "null") + "{}", "there is more after the report"},
		{"cut off", report("weak", mark, "null")[:100], "unexpected EOF"},
	} {
		if b, err := ReadBaseline(strings.NewReader(tt.text)); err == nil || b != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("ReadBaseline(%s) = %v, %v, want %q", tt.name, b, err, tt.want)
		}
	}
}

// What is accepted can be trusted: each waiver has one identity, an owner, a
// reason and an end within the year, and never silences another rule.
func FuzzParse(f *testing.F) {
	f.Add(text("spki: "+spki, rest))
	f.Add(text("endpoint: h:1", rest) + "---\n")
	f.Add("version: 1\nwaivers: [{rule: a-b, match: {certificate: " + cert + "}, reason: r, owner: o, expires: 2027-01-01}]")
	f.Fuzz(func(t *testing.T, s string) {
		l, err := Parse("w", []byte(s), now)
		if err != nil {
			if l != nil {
				t.Error("a list with an error")
			}
			return
		}
		for _, w := range l.All() {
			n := 0
			for _, v := range []string{w.Match.SPKI, w.Match.Certificate, w.Match.Fingerprint, w.Match.Endpoint} {
				if v != "" {
					n++
				}
			}
			if n != 1 || w.Reason == "" || w.Owner == "" || w.Rule == "" || w.Expires.IsZero() || w.Expires.After(now.AddDate(1, 0, 0)) {
				t.Errorf("Parse accepts %+v", w.Match)
			}
		}
		findings := []finding.Finding{{Rule: "zzz-not-named-by-anybody", Fingerprint: mark}}
		l.Apply(Identity{}, findings, now)
		if findings[0].Waiver != nil && !strings.Contains(s, "zzz") {
			t.Error("a waiver covers a rule that it does not name")
		}
	})
}

// Whatever a baseline says, proof stays new.
func FuzzReadBaseline(f *testing.F) {
	f.Add(report("strong", mark, "null"))
	f.Add(report("proof", mark, "{}"))
	f.Fuzz(func(t *testing.T, s string) {
		b, err := ReadBaseline(strings.NewReader(s))
		if err != nil {
			return
		}
		findings := []finding.Finding{{Fingerprint: mark, Confidence: finding.Proof, Status: finding.New}}
		for fp := range b.index {
			findings = append(findings, finding.Finding{Fingerprint: fp, Confidence: finding.Proof, Status: finding.New})
		}
		b.Apply(findings)
		for _, f := range findings {
			if f.Status != finding.New {
				t.Errorf("the baseline silences %s, which is proof", f.Fingerprint)
			}
		}
		if resolved, unchecked := b.Settle(); len(resolved)+len(unchecked) != 0 {
			t.Error("Settle lists what was met")
		}
	})
}
