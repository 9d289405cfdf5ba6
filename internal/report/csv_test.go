package report

import (
	"bytes"
	"encoding/csv"
	"regexp"
	"strings"
	"testing"
)

func TestInCell(t *testing.T) {
	for in, want := range map[string]string{
		"=cmd|' /C calc'!A0": "'=cmd|' /C calc'!A0", "-2+3": "'-2+3", "@SUM(1)": "'@SUM(1)", "＝1": "'＝1", "%0A": "'%0A",
		"\t=1": `\u{9}=1`, ` "=1`: `' "=1`, "a;=1": "a;'=1", "CN=a+b": "CN=a+b", "": "", "a, b": "a, b",
	} {
		if got := inCell(in); got != want {
			t.Errorf("inCell(%q) = %q, want %q", in, got, want)
		}
	}
}

func checkCSV(t *testing.T, s string) {
	t.Helper()
	out := render(t, "csv", Options{}, hostile(s))
	rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	if len(rows) != 9 || strings.Count(string(out), "\r\n") != 9 {
		t.Errorf("%q: %d rows, want 9 of one line each", s, len(rows))
	}
	for _, row := range rows {
		for i, cell := range row {
			if strings.ContainsRune("=+-@\t\r", rune((cell + " ")[0])) {
				t.Errorf("%q: column %s starts like a formula: %q", s, csvHeader[i], cell)
			}
		}
	}
	if rows[1][1] != inCell(s) {
		t.Errorf("target is %q, want %q", rows[1][1], inCell(s))
	}
}

func TestCSVHostile(t *testing.T) {
	for _, s := range hostileTexts {
		checkCSV(t, s)
	}
}

// exposition is a line of the text format 0.0.4.
var exposition = regexp.MustCompile(`^([a-z_]+)(\{[a-z_]+="([^"\\]|\\["\\n])*"(,[a-z_]+="([^"\\]|\\["\\n])*")*\})? -?[0-9]+$`)

// checkExposition looks at grammar, at duplicate series, and that each metric has
// its lines together under its own header.
func checkExposition(t *testing.T, out string) {
	t.Helper()
	seen, metric := map[string]bool{}, ""
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			metric = strings.TrimSuffix(name, " gauge")
			if seen["type "+metric] {
				t.Errorf("metric %s comes twice", metric)
			}
			seen["type "+metric] = true
			continue
		}
		if strings.HasPrefix(line, "# HELP ") {
			continue
		}
		match := exposition.FindStringSubmatch(line)
		if match == nil || match[1] != metric {
			t.Errorf("under %s: %q", metric, line)
			continue
		}
		series := line[:strings.LastIndex(line, " ")]
		if seen[series] {
			t.Errorf("series %s comes twice", series)
		}
		seen[series] = true
	}
}

func TestPrometheusHostile(t *testing.T) {
	for _, s := range hostileTexts {
		checkExposition(t, string(render(t, "prometheus", Options{}, hostile(s))))
	}
	checkExposition(t, string(render(t, "prometheus", Options{}, &Document{})))
}

func TestPrometheusDuplicates(t *testing.T) {
	d := &Document{Subjects: []Subject{{ID: "a"}, {ID: "a#1"}, {ID: "a"}, {ID: "a"}, {ID: "a#2"}, {}}}
	out := string(render(t, "prometheus", Options{}, d))
	checkExposition(t, out)
	if n := strings.Count(out, "certassay_subject_verdict{"); n != 6 {
		t.Errorf("%d subjects, want 6", n)
	}
}

func FuzzTables(f *testing.F) {
	f.Add("=1;=2\"\n")
	f.Add("\\\"} 1")
	f.Fuzz(func(t *testing.T, s string) {
		checkCSV(t, s)
		checkExposition(t, string(render(t, "prometheus", Options{}, hostile(s))))
	})
}
