package reallogs

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A log's directory is an archive of it: what Tessera left on disk is read with
// the log gone, whole and with a byte flipped.
func TestArchive(t *testing.T) {
	t.Parallel()
	h := hierarchy()
	l := Start(t, StaticCT, h.Root.DER)
	l.Fill(t, h, 0, 300)
	waitSize(t, l, 300)
	dir := copied(t, l.Dir)
	address := "file://" + filepath.ToSlash(dir)
	got, log := search(t, 0, l, address, ".grid.example")
	if !log.Complete || log.Verified != 300 || len(got.Hits) != 300 {
		t.Errorf("archive: %d hits, %+v, want 300", len(got.Hits), log)
	}
	name := filepath.Join(dir, "tile", "data", "000")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[7] ^= 1
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, log := search(t, 3, l, address, ".grid.example"); log.Verified != 299 || len(log.Gaps) != 1 || log.Gaps[0].From != 0 || log.Gaps[0].To != 1 {
		t.Errorf("archive with a flipped byte = %+v, want entry 0 in a gap", log)
	}
}

// copied is a copy of a live log's directory. The log removes partial tiles once
// the whole one is there, also while they are copied: then it is begun anew.
func copied(t *testing.T, from string) string {
	t.Helper()
	for range 200 {
		dir := t.TempDir()
		err := os.CopyFS(dir, os.DirFS(from))
		if err == nil {
			return dir
		}
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("the log's directory does not stand still")
	return ""
}

// An archive that Sunlight's authors made for its tests. Its checkpoint is really
// signed and its tiles are filler, so the checkpoint verifies and every entry has
// to be a gap. CERTASSAY_CORPUS is the folder of outside vectors.
func TestForeignArchive(t *testing.T) {
	dir := filepath.Join(os.Getenv("CERTASSAY_CORPUS"), "ct", "tree")
	b, err := os.ReadFile(filepath.Join(dir, "log.v3.json"))
	if os.IsNotExist(err) {
		t.Skip("CERTASSAY_CORPUS does not name the folder of outside vectors")
	}
	var meta struct {
		Key  string
		Size struct {
			Tree uint64 `json:"tree_size"`
		} `json:"final_tree_head"`
	}
	if err == nil {
		err = json.Unmarshal(b, &meta)
	}
	if err != nil {
		t.Fatal(err)
	}
	got := answer[searchJSON](t, 3, "ct", "search", ".org", "-f", "json", "--log", "file://"+filepath.ToSlash(dir)+"="+meta.Key)
	log := got.Logs[0]
	if log.Protocol != StaticCT || log.Head == nil || log.Head.Size != meta.Size.Tree || !strings.Contains(log.Warning, "too old") {
		t.Errorf("searched = %+v, want the signed head of %d, too old", log, meta.Size.Tree)
	}
	if len(got.Hits) != 0 || log.Complete || log.Verified != 0 || gapsOf(log) != meta.Size.Tree {
		t.Errorf("%d hits, %+v, want nothing but gaps", len(got.Hits), log)
	}
}
