package ctlog

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/certassay/certassay/internal/ct"
)

// An archive of a log that Sunlight's authors made for tests: its checkpoint is
// signed, and its tiles hold filler. Every entry has to be a gap, none shown. Set
// CERTASSAY_CORPUS to the folder of outside vectors.
func TestArchiveOfFiller(t *testing.T) {
	dir := os.Getenv("CERTASSAY_CORPUS")
	if dir == "" {
		t.Skip("CERTASSAY_CORPUS is not set")
	}
	dir = filepath.Join(dir, "ct", "tree")
	b, err := os.ReadFile(filepath.Join(dir, "log.v3.json"))
	if err != nil {
		t.Fatal(err)
	}
	var meta struct{ Key []byte }
	if err := json.Unmarshal(b, &meta); err != nil {
		t.Fatal(err)
	}
	log := ct.NewLog("rome2026h1", meta.Key, true, "https://rome2026h1.example.org/", "file://"+filepath.ToSlash(dir))
	s, err := Open(log, Options{})
	if err != nil {
		t.Fatal(err)
	}
	head := headOf(t, s)
	if head.Size != 300 {
		t.Fatalf("Head = %+v, want 300 entries", head)
	}
	shown := 0
	c, err := s.Entries(context.Background(), head, 0, 300, func(uint64, *ct.LogEntry) error { shown++; return nil })
	if err != nil || shown != 0 || c.Verified != 0 || len(c.Gaps) == 0 || c.Covers(0) || c.Covers(299) {
		t.Errorf("Entries = %+v, %v, %d shown; want gaps only", c, err, shown)
	}
}
