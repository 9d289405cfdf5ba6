package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/expect/pinform"
	"github.com/certassay/certassay/internal/inventory"
	"github.com/certassay/certassay/internal/target"
)

func TestReplaceFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "certassay.yaml")
	read := func() string {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if err := replaceFile(path, nil, []byte("one")); err != nil || read() != "one" {
		t.Fatalf("a new file: %v, %q", err, read())
	}
	// Somebody made it meanwhile.
	if err := replaceFile(path, nil, []byte("two")); !errors.Is(err, errChanged) || read() != "one" {
		t.Errorf("over a file that was not there: %v, %q", err, read())
	}
	// Or wrote into it.
	if err := replaceFile(path, []byte("zero"), []byte("two")); !errors.Is(err, errChanged) || read() != "one" {
		t.Errorf("over a file that changed: %v, %q", err, read())
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(path, []byte("one"), []byte("two")); err != nil || read() != "two" {
		t.Errorf("over what was read: %v, %q", err, read())
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o640 {
		t.Errorf("mode = %v, %v, want that of before", info.Mode(), err)
	}
	link := filepath.Join(dir, "link.yaml")
	if err := os.Symlink(path, link); err == nil {
		if err := replaceFile(link, []byte("two"), []byte("three")); err != nil || read() != "three" {
			t.Errorf("through a link: %v, %q", err, read())
		}
		if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("the link is gone: %v, %v", info, err)
		}
	}
	// It vanished, or there is no such directory.
	if err := replaceFile(filepath.Join(dir, "gone.yaml"), []byte("x"), []byte("y")); !errors.Is(err, errChanged) {
		t.Errorf("over a file that is gone: %v", err)
	}
	if err := replaceFile(filepath.Join(dir, "no", "such"), nil, nil); err == nil {
		t.Error("into a directory that is not there")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 2 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// What was meant and is not there is told apart from what is.
func TestCheckAmended(t *testing.T) {
	const have = "sha256/kvp87NXOn25iHgL0zw4FnvLjlMTUBcT/ACdap3xlUI8="
	inv, err := inventory.Load("i", inventory.Options{FS: os.DirFS(t.TempDir()), Overlay: map[string][]byte{
		"i": []byte("version: 1\ngroups: [{name: g, targets: [a.example], expect: {keys: [" + have + ", sha256/Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU=]}}]"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	pin, err := expect.ParsePin(have)
	if err != nil {
		t.Fatal(err)
	}
	other := expect.Pin{Sum: string(make([]byte, 32))}
	for _, tt := range []struct {
		name   string
		change inventory.Change
		ok     bool
	}{
		{"there", inventory.Change{Target: "a.example", Keys: []expect.Pin{pin}}, true},
		{"another pin", inventory.Change{Target: "a.example", Keys: []expect.Pin{other}}, false},
		{"another target", inventory.Change{Target: "b.example"}, false},
		{"an issuer", inventory.Change{Target: "a.example", Issuers: []expect.Issuer{{Key: pin}}}, false},
		{"one that was to go", inventory.Change{Target: "a.example", Keys: []expect.Pin{pin}, Replace: true}, false},
		{"no target", inventory.Change{Target: "a b"}, false},
	} {
		if err := checkAmended(inv, tt.change); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestTargetText(t *testing.T) {
	for _, tt := range []struct {
		set  pinform.Set
		want string
	}{
		{pinform.Set{Host: "a.example"}, "a.example"},
		{pinform.Set{Host: "a.example", Port: 443, Transport: "tcp"}, "a.example"},
		{pinform.Set{Host: "a.example", Port: 25, Transport: "tcp"}, "smtp://a.example"},
		{pinform.Set{Host: "a.example", Port: 465, Transport: "tcp"}, "a.example:465"},
		{pinform.Set{Host: "a.example", Port: 8443}, "a.example:8443"},
		{pinform.Set{Host: "a.example", Port: 443, Transport: "udp"}, "quic://a.example:443"},
	} {
		got := targetText(tt.set)
		if got != tt.want {
			t.Errorf("targetText(%+v) = %q, want %q", tt.set, got, tt.want)
		}
		if _, err := target.Parse(got, target.Defaults{}); err != nil {
			t.Errorf("%q: %v", got, err)
		}
	}
}

func TestNameRoots(t *testing.T) {
	dir := t.TempDir()
	got := nameRoots([]string{filepath.Join(dir, "pki", "corp root.pem"), filepath.Join(dir, "corp-root.pem"), "-"}, filepath.Join(dir, "ci", "certassay.yaml"))
	want := []namedRoot{{"own-corp-root", "../pki/corp root.pem"}, {"own-corp-root-2", "../corp-root.pem"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
