package report

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadRoundTrip(t *testing.T) {
	want := testDocument()
	for _, format := range []string{"json", "jsonl"} {
		report := render(t, format, Options{}, want)
		got, err := Read(bytes.NewReader(report))
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		// A detail has lost its Go type, and the text report below compares it;
		// bytes that are not UTF-8 have become U+FFFD.
		details := cmp.FilterPath(func(p cmp.Path) bool { return strings.Contains(p.GoString(), ".Details") }, cmp.Ignore())
		valid := cmp.Transformer("valid", func(s string) string { return string([]rune(s)) })
		for i := range want.Subjects {
			if diff := cmp.Diff(want.Subjects[i], got.Subjects[i], details, valid); diff != "" {
				t.Errorf("%s: subject %d differs (-written +read):\n%s", format, i, diff)
			}
		}
		if diff := cmp.Diff(want.Rules, got.Rules); diff != "" {
			t.Errorf("%s: rules differ (-written +read):\n%s", format, diff)
		}
		for _, to := range Formats() {
			if diff := cmp.Diff(string(render(t, to, Options{}, want)), string(render(t, to, Options{}, got))); diff != "" {
				t.Errorf("%s converted to %s differs (-written +converted):\n%s", format, to, diff)
			}
		}
	}
}

// What is waived or resolved is of no concern to those who look for open alerts.
func TestKeepOpen(t *testing.T) {
	d := testDocument()
	d.KeepOpen()
	if len(d.Subjects[0].Findings) != 2 || d.Summary.Waived != 0 || len(d.Baseline.Resolved) != 0 || d.Baseline.New != 2 {
		t.Errorf("findings %v, summary %+v, baseline %+v, want neither waived nor resolved ones", d.Subjects[0].Findings, d.Summary, d.Baseline)
	}
	if _, err := Read(bytes.NewReader(render(t, "json", Options{}, d))); err != nil {
		t.Errorf("what is left is no report: %v", err)
	}
	if log := string(render(t, "sarif", Options{}, d)); strings.Contains(log, `"absent"`) || strings.Contains(log, `"external"`) {
		t.Error("SARIF still has what is not open")
	}
}

func TestReadRefuses(t *testing.T) {
	report := string(render(t, "json", Options{}, testDocument()))
	lines := string(render(t, "jsonl", Options{}, testDocument()))
	tests := []struct{ name, in, want string }{
		{"nothing", "", "empty"},
		{"text", "FORGED  example.com", "not JSON at byte"},
		{"other JSON", `{"hello":1}`, "no part of a report"},
		{"a list", `[1]`, "object 1"},
		{"cut short", report[:len(report)/2], "ends before"},
		{"jsonl without its end", lines[:strings.LastIndex(lines[:len(lines)-1], "\n")], "ends before"},
		{"jsonl without a line", lines[strings.Index(lines, "\n")+1:], "contradicts itself"},
		{"two reports", report + report, "something follows"},
		{"other schema", strings.Replace(report, SchemaName, "certassay/report/v2", 1), "its schema is"},
		{"made up verdict", strings.Replace(report, `"verdict":"ok"`, `"verdict":"fine"`, 1), `unknown verdict "fine"`},
		{"verdict changed", strings.Replace(report, `"verdict":"forged"`, `"verdict":"ok"`, 1), "summary does not count"},
		{"certificate missing", strings.Replace(report, `"`+hashOf("stray")+`": {`, `"`+hashOf("other")+`": {`, 1), "is not in the report"},
		{"no hash", strings.Replace(report, `"certificates": {`, `"certificates": {"x": {},`, 1), "not the hash"},
		{"severity", strings.Replace(report, `"severity":"low"`, `"severity":"lowish"`, 1), "unknown severity"},
		{"class", strings.Replace(report, `"class":"hygiene"`, `"class":"fun"`, 1), "lacks rule"},
		{"baseline", strings.Replace(report, `"title":"Small key"`, `"rule":"","title":"Small key"`, 1), "baseline: finding 2 lacks"},
		{"too large", strings.Repeat(" ", 1<<17) + report, "larger than"},
	}
	for _, tt := range tests {
		_, err := read(strings.NewReader(tt.in), 1<<17)
		var re *ReadError
		if !errors.As(err, &re) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Read = %v, want a ReadError that says %q", tt.name, err, tt.want)
			continue
		}
		if re.Hint() == "" {
			t.Errorf("%s: %v has no hint", tt.name, err)
		}
	}
}

// Fields are only ever added: those of a newer version do no harm.
func TestReadPassesOverNewFields(t *testing.T) {
	report := strings.Replace(string(render(t, "json", Options{}, testDocument())), `"verdict":"ok"`, `"mood":{"a":1},"verdict":"ok"`, 1)
	if _, err := Read(strings.NewReader(report)); err != nil {
		t.Errorf("Read with a field of the future: %v", err)
	}
}

// FuzzRead: what is read can be written, and says the same when read again.
func FuzzRead(f *testing.F) {
	f.Add(render(f, "json", Options{}, testDocument()))
	f.Add(render(f, "jsonl", Options{}, testDocument()))
	f.Add([]byte(`{"schema":"certassay/report/v1","summary":{},"subjects":null}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := Read(bytes.NewReader(in))
		if err != nil {
			return
		}
		render(t, "text", Options{Verbose: true}, d)
		first := render(t, "json", Options{}, d)
		again, err := Read(bytes.NewReader(first))
		if err != nil {
			t.Fatalf("our own report is refused: %v", err)
		}
		if second := render(t, "json", Options{}, again); !bytes.Equal(first, second) {
			t.Errorf("read and written again gives %q, was %q", second, first)
		}
	})
}
