package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The configuration that the README shows is one that is read.
func TestReadmeWatch(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(readme), "```yaml\n# watch.yaml\n")
	text, _, closed := strings.Cut(text, "```")
	if !found || !closed {
		t.Fatal("README.md shows no watch.yaml")
	}
	w, err := ReadWatch(writeWatch(t, text))
	if err != nil {
		t.Fatal(err)
	}
	if w.State == "" || w.Inventory == "" || len(w.Notify) != 3 || w.Notify[1].Headers == nil || w.Metrics == "" {
		t.Errorf("ReadWatch = %+v, want everything that is shown", w)
	}
}
