package dest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/certassay/certassay/internal/cli/call"
)

func TestStandardOutput(t *testing.T) {
	var out bytes.Buffer
	d, err := Open(call.New(call.Streams{Out: &out}), "-")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = d.WriteString("one\n")
	if err := d.Show(); err != nil || out.String() != "one\n" {
		t.Errorf("shown is %q, %v", out.String(), err)
	}
	_, _ = d.WriteString("two\n")
	if err := d.Close(); err != nil || out.String() != "one\ntwo\n" {
		t.Errorf("written is %q, %v", out.String(), err)
	}
}

// A file is there when it is complete, and not before; one that is discarded never.
func TestFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report")
	for _, step := range []struct {
		name string
		end  func(*Dest)
		want string
	}{
		{"discarded", (*Dest).Discard, ""},
		{"closed", func(d *Dest) {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}, "text"},
	} {
		d, err := Open(call.New(call.Streams{}), path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = d.WriteString("text")
		if err := d.Show(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%s: the file is there before its end", step.name)
		}
		step.end(d)
		text, _ := os.ReadFile(path) // of a file that is not there, nothing
		if string(text) != step.want {
			t.Errorf("%s: the file holds %q, want %q", step.name, text, step.want)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left are %v, %v", left, err)
	}
	if _, err := Open(call.New(call.Streams{}), dir); err == nil {
		t.Error("a directory was opened")
	}
}
