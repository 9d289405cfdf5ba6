package inventories

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cli/call"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/inventory"
)

const text = `version: 1
groups:
  - name: web
    owner: web team
    targets:
      - https://www.example.org
      - {target: "https://api.example.org:8443", address: 192.0.2.7}
  - name: mail
    owner: mail team
    targets: [smtp://mx.example.org]
`

// written puts an inventory into a new directory, which becomes the working one,
// and gives its path.
func written(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	path := filepath.Join(dir, inventory.FileName)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func opened(t *testing.T) *inventory.Inventory {
	t.Helper()
	inv, err := Open(written(t), strings.NewReader(""), time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func specs(entries []*inventory.Entry) (out []string) {
	for _, e := range entries {
		out = append(out, e.Spec.Raw())
	}
	return out
}

// All patterns of a kind are alternatives, and the kinds narrow each other. What
// fits nothing is an error, also beside what does.
func TestSelection(t *testing.T) {
	inv := opened(t)
	const www, api, mx = "https://www.example.org", "https://api.example.org:8443", "smtp://mx.example.org"
	for _, tt := range []struct {
		name string
		of   Selection
		want []string
		err  string
	}{
		{"all", Selection{}, []string{www, api, mx}, ""},
		{"a group", Selection{Groups: []string{"mail"}}, []string{mx}, ""},
		{"two groups", Selection{Groups: []string{"ma*", "web"}}, []string{www, api, mx}, ""},
		{"an owner", Selection{Owners: []string{"web*"}}, []string{www, api}, ""},
		{"as written", Selection{Targets: []string{mx}}, []string{mx}, ""},
		{"a host", Selection{Targets: []string{"api.example.org"}}, []string{api}, ""},
		{"host and port", Selection{Targets: []string{"www.example.org:443"}}, []string{www}, ""},
		{"both", Selection{Groups: []string{"web"}, Targets: []string{"api.*"}}, []string{api}, ""},
		{"nothing of both", Selection{Groups: []string{"mail"}, Targets: []string{"api.*"}}, nil, ""},
		{"no such group", Selection{Groups: []string{"web", "mial"}}, []string{www, api}, `no group of the inventory fits "mial"`},
		{"no such target", Selection{Targets: []string{"ftp.example.org"}}, nil, "no target of the inventory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			entries, err := tt.of.Of(inv)
			if got := specs(entries); !slices.Equal(got, tt.want) {
				t.Errorf("entries %q, want %q", got, tt.want)
			}
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

// What was said on the command line goes before what the inventory says.
func TestAddresses(t *testing.T) {
	inv := opened(t)
	if got, want := Addresses(inv.Entries(), nil), []string{"api.example.org:8443:192.0.2.7"}; !slices.Equal(got, want) {
		t.Errorf("addresses %q, want %q", got, want)
	}
	if got := Addresses(inv.Entries(), []string{"API.example.org:8443:192.0.2.1"}); len(got) > 0 {
		t.Errorf("addresses %q beside one that was said", got)
	}
	if got := Addresses(inv.Entries(), []string{"api.example.org:443:192.0.2.1"}); len(got) != 1 {
		t.Errorf("addresses %q, want that of the other port", got)
	}
}

// An inventory is looked for upward, and not beyond the repository.
func TestPath(t *testing.T) {
	top := filepath.Dir(written(t))
	for _, dir := range []string{"a/b", "repo/inner"} {
		if err := os.MkdirAll(filepath.Join(top, filepath.FromSlash(dir)), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	// In a work tree .git is a file.
	if err := os.WriteFile(filepath.Join(top, "repo", ".git"), []byte("gitdir: elsewhere\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		dir, named string
		want       string
		note       bool
	}{
		{dir: ".", want: inventory.FileName},
		{dir: "a/b", want: filepath.Join("..", "..", inventory.FileName), note: true},
		{dir: "repo/inner", want: ""},
		{dir: "repo/inner", named: "other.yaml", want: "other.yaml"},
	} {
		t.Chdir(filepath.Join(top, filepath.FromSlash(tt.dir)))
		var said bytes.Buffer
		path, err := Path(&call.Call{Streams: call.Streams{Err: &said}}, &config.Config{Inventory: tt.named})
		if path != tt.want || errors.Is(err, ErrNone) != (tt.want == "") {
			t.Errorf("%s: %q, %v; want %q", tt.dir, path, err, tt.want)
		}
		if tt.note != strings.Contains(said.String(), "the inventory is "+tt.want) {
			t.Errorf("%s: said %q", tt.dir, said.String())
		}
	}
}

// Reports name files as the repository has them, and others whole.
func TestRepository(t *testing.T) {
	top := t.TempDir()
	inner := filepath.Join(top, "checkout", "deploy")
	if err := os.MkdirAll(filepath.Join(top, "checkout", ".git"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	root := Repository(filepath.Join(inner, "x.yaml"))
	if root != filepath.Join(top, "checkout") {
		t.Errorf("Repository = %s", root)
	}
	outside := filepath.Join(top, "x.yaml")
	for path, want := range map[string]string{filepath.Join(inner, "x.yaml"): "deploy/x.yaml", outside: filepath.ToSlash(outside)} {
		if got := InRepository(root, path); got != want {
			t.Errorf("InRepository(%s) = %s, want %s", path, got, want)
		}
	}
}

// A directory that is not there is said by the file that was given.
func TestOpenNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := Open(filepath.Join("nowhere", "x.yaml"), strings.NewReader(""), time.Now())
	if err == nil || !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), filepath.Join("nowhere", "x.yaml")) {
		t.Errorf("error %v, want that nowhere/x.yaml is not there", err)
	}
}
