package given

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/ct"
)

func TestReadLogList(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const own = `{"log_list_timestamp": "2026-11-01T10:00:00Z", "operators": [{"name": "Lab", "logs": [{"description": "Own",
		"key": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEB/we6GOO/xwxivy4HhkrYFAAPo6e2nc346Wo2o2U+GvoPWSPJz91s/xrEvA3Bk9kWHUUXVZS5morFEzsgdHqPg==",
		"log_id": "DleUvPOuqT4zGyyZB7P3kN+bwj1xMiXdIaklrGHFTiE=", "state": {"usable": {"timestamp": "2024-01-01T00:00:00Z"}}}]}]}`

	if l, err := LogList(""); err != nil || l != ct.Known() || LogListDate(l) != ct.Date {
		t.Errorf("without a path: %v, date %s", err, LogListDate(l))
	}
	l, err := LogList(write("own.json", own))
	if err != nil || l.Own() != 1 || len(l.Logs()) != len(ct.Known().Logs()) || LogListDate(l) != "2026-11-01" {
		t.Fatalf("an own list: %v", err)
	}
	if LogListDate(&ct.LogList{}) != "-" {
		t.Error("a list without a date has one")
	}
	signed := write("signed.json", own)
	write("signed.json.sig", "no signature")
	for path, want := range map[string]string{
		filepath.Join(dir, "absent.json"):        "absent.json",
		write("empty.json", `{"operators": []}`): "names no log",
		write("html.json", "<html>"):             "html.json",
		signed:                                   "signature",
		write("huge.json", strings.Repeat(" ", ct.MaxListSize+1)): "larger than",
	} {
		if _, err := LogList(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("readLogList(%s) error = %v, want one with %q", filepath.Base(path), err, want)
		}
	}
}
