package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/trust"
)

const oneRecord = `{"timestamp":1793208925525,"data":[
 {"schema":1,"details":{"bug":"https://bugzilla.mozilla.org/show_bug.cgi?id=1427034","name":"key compromise","why":"."},
  "enabled":false,"issuerName":"MA0xCzAJBgNVBAYTAlhY","serialNumber":"AMD/","last_modified":1515715200000},
 {"details":{},"enabled":true,"subject":"MA0xCzAJBgNVBAYTAlhY","pubKeyHash":"qQOvjAe7kbDZ4/OjDG1TM5/FvUfl1r20dlmIYMBooCQ=","last_modified":1793208925525}]}`

func TestConvert(t *testing.T) {
	for _, in := range []string{oneRecord, strings.Replace(oneRecord, `"data"`, `"changes"`, 1)} {
		out, err := convert([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			`"date":"2026-10-28"`, `{"listed":"2018-01-12","bug":1427034,"reason":"key-compromise"}`, `{"listed":"2026-10-28"}`,
			`{"name":"MA0xCzAJBgNVBAYTAlhY","serials":{"AMD/":0}}`, `"batch":1}`,
		} {
			if !strings.Contains(string(out), want) {
				t.Errorf("convert does not write %s:\n%s", want, out)
			}
		}
		if _, err := trust.ReadRevoked(out); err != nil {
			t.Errorf("the program cannot read it: %v", err)
		}
	}
	for _, bad := range []string{"", "{}", `{"timestamp":1,"data":[]}`, `{"timestamp":1793208925525,"data":[{"issuerName":"MAA=","serialNumber":"AQ=="}]}`} {
		if out, err := convert([]byte(bad)); err == nil {
			t.Errorf("convert(%s) = %s, want an error", bad, out)
		}
	}
}

func TestRun(t *testing.T) {
	in, out := filepath.Join(t.TempDir(), "in"), filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(in, []byte(oneRecord), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{in, out}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(out); err != nil || !strings.HasSuffix(string(text), "\n") {
		t.Errorf("written: %q, %v", text, err)
	}
	if run(nil) == nil || run([]string{filepath.Join(in, "none"), out}) == nil {
		t.Error("a missing argument or file is no error")
	}
}
