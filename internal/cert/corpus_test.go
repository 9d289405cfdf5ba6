package cert

import (
	"os"
	"path/filepath"
	"testing"
)

// TestCorpus reads every certificate of a directory of odd ones, named by the
// environment: none may be lost or cost more than the limit.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("CERTASSAY_CORPUS")
	if dir == "" {
		t.Skip("set CERTASSAY_CORPUS to a directory that holds odd-der/*.der")
	}
	files, err := filepath.Glob(filepath.Join(dir, "odd-der", "*.der"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	for _, file := range files {
		der, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		took := cost(func() {
			c := Parse(der)
			c.Disagreements(c.Libraries())
			c.Subject.Check()
			c.CheckNames()
			_, _ = c.CheckSignature(&c.Key)
		})
		if c := Parse(der); !c.Readable() || c.Err != nil {
			t.Errorf("%s: readable %v, error %v", file, c.Readable(), c.Err)
		}
		if took > cpuLimit() {
			t.Errorf("%s took %v, more than %v", file, took, cpuLimit())
		}
	}
	t.Logf("%d certificates", len(files))
}
