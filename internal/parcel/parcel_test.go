package parcel

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

type about struct{ Source string }

func TestWriteAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.data")
	if _, err := Read(path, &about{}, 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Read of nothing: %v", err)
	}
	for _, body := range []string{"first\nline", "", "second"} {
		if err := Write(path, about{"here"}, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		var got about
		b, err := Read(path, &got, 10)
		if err != nil || string(b) != body || got.Source != "here" {
			t.Errorf("Read = %q, %v, %v; want %q", b, got, err, body)
		}
		got = about{}
		if n, err := Label(path, &got); err != nil || n != int64(len(body)) || got.Source != "here" {
			t.Errorf("Label = %d, %v, %v", n, got, err)
		}
	}
	if _, err := Read(path, &about{}, 5); err == nil || errors.Is(err, ErrDamaged) {
		t.Errorf("Read beyond the limit: %v", err)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("files left: %v", files)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v", info.Mode())
	}
}

// Whatever is done to a file, it is told, or it is what was written.
func TestDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.data")
	if err := Write(path, about{"here"}, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range [][]byte{
		nil, []byte("\n"), []byte("{}\n"), whole[:len(whole)-1], whole[:20], append(bytes.Clone(whole), 'x'),
		bytes.Replace(whole, []byte("01234"), []byte("01235"), 1), bytes.Replace(whole, []byte(`"size":10`), []byte(`"size":-1`), 1),
		bytes.Repeat([]byte{'x'}, maxLabel+1), bytes.Replace(whole, []byte(`{"Source":"here"}`), []byte(`[]`), 1),
	} {
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if b, err := Read(path, &about{}, 100); !errors.Is(err, ErrDamaged) {
			t.Errorf("Read of %.60q = %q, %v; want %v", damaged, b, err, ErrDamaged)
		}
	}
}

// Two writers leave the parcel of one of them, and readers see a whole one always.
func TestAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.data")
	bodies := map[string]bool{strings.Repeat("a", 100_000): true, strings.Repeat("b", 100_000): true}
	var writers, readers sync.WaitGroup
	stop := make(chan struct{})
	for body := range bodies {
		if err := Write(path, about{}, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		writers.Go(func() {
			for range 50 {
				if err := Write(path, about{}, []byte(body), 0o600); err != nil {
					t.Error(err)
				}
			}
		})
	}
	readers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if b, err := Read(path, &about{}, 1<<20); err != nil || !bodies[string(b)] {
					t.Errorf("%d bytes, %v", len(b), err)
					return
				}
			}
		}
	})
	writers.Wait()
	close(stop)
	readers.Wait()
}

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for name, age := range map[string]time.Duration{".parcel-old": 2 * time.Hour, ".parcel-new": time.Minute, "old.data": 2 * time.Hour} {
		p := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(p, nil, 0o600), os.Chtimes(p, now.Add(-age), now.Add(-age))); err != nil {
			t.Fatal(err)
		}
	}
	Sweep(dir, now)
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	hidden, _ := filepath.Glob(filepath.Join(dir, ".parcel-*"))
	if len(left) != 1 && len(left) != 2 || len(hidden) != 1 || filepath.Base(hidden[0]) != ".parcel-new" {
		t.Errorf("left: %v %v", left, hidden)
	}
}

func FuzzRead(f *testing.F) {
	path := filepath.Join(f.TempDir(), "x.data")
	if err := Write(path, about{"here"}, []byte("0123456789"), 0o600); err != nil {
		f.Fatal(err)
	}
	whole, _ := os.ReadFile(path)
	f.Add(whole)
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "y.data")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		body, err := Read(path, &about{}, 1<<10)
		if err == nil && !bytes.HasSuffix(b, body) || err != nil && body != nil {
			t.Errorf("Read(%q) = %q, %v", b, body, err)
		}
	})
}
