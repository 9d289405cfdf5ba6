package bundle

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/collect/localfile"
	"github.com/certassay/certassay/internal/evidence"
)

func written(t *testing.T, ids ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := evidence.NewWriter(&out)
	for _, id := range ids {
		if err := w.Add(&evidence.Subject{ID: id, Kind: evidence.Chain}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(evidence.Run{Command: "scan", Complete: true}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func reader(b []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(b)) }

// temporary has temporary files be made in a directory that is empty, and says what
// is left there.
func temporary(t *testing.T) (left func() []string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)
	return func() (names []string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
}

func idsOf(t *testing.T, f *File) (ids []string) {
	t.Helper()
	for s, err := range f.Reader.Subjects() {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, s.ID)
	}
	return ids
}

// A bundle is opened from a file and from standard input; what is none is left to
// others, unread.
func TestOpen(t *testing.T) {
	left := temporary(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "run.evidence")
	if err := os.WriteFile(path, written(t, "a", "b"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "chain.pem")
	if err := os.WriteFile(other, []byte("-----BEGIN"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, path string
		stdin      []byte
		want       []string
	}{
		{"file", path, nil, []string{"a", "b"}},
		{"standard input", localfile.Stdin, written(t, "c"), []string{"c"}},
		{"certificate", other, nil, nil},
		{"certificate on standard input", localfile.Stdin, []byte("-----BEGIN"), nil},
		{"nothing on standard input", localfile.Stdin, nil, nil},
		{"directory", dir, nil, nil},
		{"no such file", filepath.Join(dir, "none"), nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := reader(tt.stdin)
			f, err := Open(tt.path, in)
			if err != nil || (f == nil) != (tt.want == nil) {
				t.Fatalf("Open = %v, %v", f, err)
			}
			if f == nil {
				if rest, err := in.Peek(len(tt.stdin)); err != nil || !bytes.Equal(rest, tt.stdin) {
					t.Errorf("of standard input %q is left, %v", rest, err)
				}
				return
			}
			if got := idsOf(t, f); !slices.Equal(got, tt.want) {
				t.Errorf("subjects %q, want %q", got, tt.want)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
			if names := left(); len(names) > 0 {
				t.Errorf("left behind: %q", names)
			}
		})
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the user's file is gone: %v", err)
	}
}

// One that was changed is an error and no stranger, and leaves nothing behind.
func TestDamaged(t *testing.T) {
	left := temporary(t)
	b := written(t, "a")
	b[len(b)-1] ^= 1
	path := filepath.Join(t.TempDir(), "run.evidence")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := Open(path, nil); err == nil || f != nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Open(file) = %v, %v", f, err)
	}
	if f, err := Open(localfile.Stdin, reader(b)); err == nil || f != nil {
		t.Errorf("Open(standard input) = %v, %v", f, err)
	}
	emitted := 0
	if taken, err := Divert(func(*evidence.Subject) { emitted++ })("x", reader(b)); !taken || err == nil || emitted > 0 {
		t.Errorf("Divert = %v, %v after %d subjects", taken, err, emitted)
	}
	if names := left(); len(names) > 0 {
		t.Errorf("left behind: %q", names)
	}
}

// Among several files a bundle gives its subjects, and other files stay as they are.
func TestDivert(t *testing.T) {
	left := temporary(t)
	var got []string
	divert := Divert(func(s *evidence.Subject) { got = append(got, s.ID) })
	if taken, err := divert("x", reader(written(t, "a", "b"))); !taken || err != nil || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("Divert = %v, %v, emitted %q", taken, err, got)
	}
	r := reader([]byte("-----BEGIN CERTIFICATE-----"))
	if taken, err := divert("y", r); taken || err != nil {
		t.Errorf("Divert(certificate) = %v, %v", taken, err)
	}
	if line, err := r.ReadString(' '); err != nil || line != "-----BEGIN " {
		t.Errorf("the certificate begins with %q, %v", line, err)
	}
	if names := left(); len(names) > 0 {
		t.Errorf("left behind: %q", names)
	}
}
