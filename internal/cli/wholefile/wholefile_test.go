package wholefile

import (
	"os"
	"path/filepath"
	"testing"
)

// A file keeps to the umask and to who could read the file that it replaces, and
// goes where a symbolic link leads.
func TestCreate(t *testing.T) {
	dir := t.TempDir()
	write := func(path string) {
		t.Helper()
		f, err := Create(path)
		if err == nil {
			_, err = f.WriteString("new")
		}
		if err == nil {
			err = f.Complete()
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(path); err != nil || string(text) != "new" {
			t.Errorf("%s holds %q, %v", path, text, err)
		}
	}
	like := filepath.Join(dir, "like")
	if err := os.WriteFile(like, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	write(filepath.Join(dir, "fresh"))
	if got, want := mode(t, filepath.Join(dir, "fresh")), mode(t, like); got != want {
		t.Errorf("a new file has mode %v, another program's %v", got, want)
	}
	private, link := filepath.Join(dir, "private"), filepath.Join(dir, "link")
	if err := os.WriteFile(private, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("private", link); err != nil {
		t.Fatal(err)
	}
	write(link)
	if got := mode(t, private); got != 0o600 {
		t.Errorf("a private file was replaced by one of mode %v", got)
	}
	if to, err := os.Readlink(link); err != nil || to != "private" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	f, err := Create(private)
	if err == nil {
		err = f.Abandon()
	}
	if text, readErr := os.ReadFile(private); err != nil || readErr != nil || string(text) != "new" {
		t.Errorf("after a file was abandoned there is %q, %v, %v", text, err, readErr)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 4 {
		t.Errorf("%d files left, want 4: %v %v", len(left), left, err)
	}
}

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}
