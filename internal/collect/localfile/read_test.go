package localfile

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/evidence"
)

func TestReadFile(t *testing.T) {
	leaf := made(t, "leaf", "inter")
	path := write(t, t.TempDir(), "leaf.pem", []byte(armourAll(leaf)))
	slash := filepath.ToSlash(path)
	want := []*evidence.Subject{{ID: slash, Target: slash, Kind: evidence.Certificate, Certificates: ders(leaf)}}
	if diff := cmp.Diff(want, read(t, path, nil).subjects); diff != "" {
		t.Errorf("Read (-want +got):\n%s", diff)
	}
}

func TestReadStdin(t *testing.T) {
	leaf := made(t, "leaf", "inter")
	want := []*evidence.Subject{{ID: "-", Target: "-", Kind: evidence.Certificate, Certificates: ders(leaf)}}
	if diff := cmp.Diff(want, read(t, "-", []byte(armourAll(leaf))).subjects); diff != "" {
		t.Errorf("Read (-want +got):\n%s", diff)
	}
	if got := read(t, "-", nil).subjects; len(got) != 1 || got[0].Failures[0].Stage != evidence.StageRead {
		t.Errorf("Read without standard input = %+v", got)
	}
}

func TestReadDirectory(t *testing.T) {
	dir := t.TempDir()
	leaf, root := made(t, "leaf", "root"), made(t, "root", "root")
	write(t, dir, "b/chain.pem", []byte(armourAll(leaf, root)))
	write(t, dir, "a.der", leaf)
	write(t, dir, "README", []byte("text"))
	write(t, dir, "broken.pem", []byte("text"))
	write(t, dir, "key.pem", []byte(armour("PRIVATE KEY", []byte("secret"))))
	outside := write(t, t.TempDir(), "root.der", root)
	for link, target := range map[string]string{
		"inside.pem": filepath.Join(dir, "a.der"), "c1.der": outside, "c2.der": outside,
		"loop": dir, "dangling": filepath.Join(dir, "nothing"),
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Skip("symbolic links cannot be made here: ", err)
		}
	}
	got := read(t, dir, nil)
	var ids []string
	for _, s := range got.subjects {
		id := fmt.Sprintf("%s %s %d", strings.TrimPrefix(s.ID, filepath.ToSlash(dir)), s.Kind, len(s.Certificates))
		for _, f := range s.Failures {
			id += " " + f.Stage
		}
		ids = append(ids, id)
	}
	want := []string{"/a.der certificate 1", "/b/chain.pem chain 2", "/broken.pem chain 0 decode",
		"/c1.der certificate 1", "/dangling chain 0 read"}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("subjects (-want +got):\n%s", diff)
	}
	wantNotes := []string{"README: there is no certificate in it: skipped", "c2.der: it is a link to a file that is read anyway: skipped",
		"inside.pem: it is a link to a file that is read anyway: skipped",
		"key.pem: block 1 (line 1): PRIVATE KEY is no certificate: skipped", "key.pem: there is no certificate in it: skipped",
		"loop: it is a link to something other than a file: skipped"}
	if diff := cmp.Diff(wantNotes, got.notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

func TestReadEmptyDirectory(t *testing.T) {
	got := read(t, t.TempDir(), nil).subjects
	if len(got) != 1 || len(got[0].Failures) != 1 || got[0].Failures[0].Hint == "" {
		t.Errorf("Read of an empty directory = %+v, want a failure with a hint", got)
	}
}

func TestReadDeepDirectory(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, strings.Repeat("d/", MaxDepth)+"in.der", made(t, "a", "b"))
	write(t, dir, strings.Repeat("d/", MaxDepth+1)+"out.der", made(t, "a", "b"))
	got := read(t, dir, nil).subjects
	if len(got) != 2 || len(got[0].Failures) != 1 || got[0].Failures[0].Stage != evidence.StageRead || len(got[1].Certificates) != 1 {
		t.Errorf("Read of a deep directory = %+v, want a failure and a certificate", got)
	}
}

func TestReadFailures(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, MaxFile+1); err != nil {
		t.Fatal(err)
	}
	closed := write(t, dir, "closed", nil)
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ path, want, hint string }{
		{filepath.Join(dir, "nothing\x1b[31m"), `nothing\x1b[31m": no such file`, "check the name"},
		{large, "larger than 64 MiB", ""},
		{closed, "permission denied", "run as"},
	} {
		if tt.path == closed && os.Geteuid() == 0 {
			continue // root may read everything
		}
		got := read(t, tt.path, nil).subjects
		if len(got) != 1 || got[0].Collected() || len(got[0].Failures) != 1 {
			t.Errorf("Read(%q) = %+v, want one failure", tt.path, got)
			continue
		}
		f := got[0].Failures[0]
		if f.Stage != evidence.StageRead || !strings.Contains(f.Error, tt.want) || !strings.HasPrefix(f.Hint, tt.hint) {
			t.Errorf("Read(%q): failure %+v, want %q", tt.path, f, tt.want)
		}
	}
}

func TestReadDivert(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.bundle", []byte("MAGIC and more"))
	write(t, dir, "b.der", made(t, "a", "b"))
	var taken []string
	var subjects int
	o := Options{
		Emit: func(*evidence.Subject) { subjects++ },
		Divert: func(path string, r *bufio.Reader) (bool, error) {
			head, _ := r.Peek(5)
			if string(head) != "MAGIC" {
				return false, nil
			}
			taken = append(taken, filepath.Base(path))
			return true, nil
		},
	}
	if err := Read(context.Background(), dir, o); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a.bundle"}, taken); diff != "" || subjects != 1 {
		t.Errorf("taken %v and %d subjects, want a.bundle and 1", taken, subjects)
	}
	broken := errors.New("broken bundle")
	o.Divert = func(string, *bufio.Reader) (bool, error) { return false, broken }
	if err := Read(context.Background(), dir, o); !errors.Is(err, broken) {
		t.Errorf("Read = %v, want the error of Divert", err)
	}
}

func TestReadStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	dir := t.TempDir()
	for i := range 3 {
		write(t, dir, fmt.Sprint(i, ".der"), made(t, "a", "b"))
	}
	n := 0
	err := Read(ctx, dir, Options{Emit: func(*evidence.Subject) { n++; cancel() }})
	if !errors.Is(err, context.Canceled) || n != 1 {
		t.Errorf("Read = %v after %d subjects, want it to stop after one", err, n)
	}
	if err := Read(context.Background(), "", Options{}); err == nil {
		t.Error("Read of the empty path: no error")
	}
}
