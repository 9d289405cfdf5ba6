package archtest

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"strings"
	"testing"
	"testing/fstest"
)

// TestRepository holds this repository against the table.
func TestRepository(t *testing.T) {
	bad, err := Check(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, complaint := range bad {
		t.Error(complaint)
	}
}

// healthy is a tiny module to which nothing can be said.
func healthy() fstest.MapFS {
	return fstest.MapFS{
		"go.mod":                   source("module " + Module),
		".golangci.yml":            source(""),
		"cmd/certassay/main.go":    source("// Command certassay.\npackage main\n\nimport \"os\"\n\nfunc main() { os.Exit(0) }\n"),
		"internal/facts/facts.go":  source("// Package facts.\npackage facts\n"),
		"internal/audit/audit.go":  source("// Package audit.\npackage audit\n\nimport (\n\t\"time\"\n\n\t\"" + Module + "/internal/facts\"\n)\n\nvar now = time.Now\n"),
		"internal/lab/lab.go":      source("// Package lab.\npackage lab\n\nimport \"net/http\"\n"),
		"internal/facts/x_test.go": source("package facts\n\nimport \"net\"\n\nfunc init() {}\n"),
		"testdata/broken.go":       source("no Go at all"),
		"internal/tools/go.mod":    source("module other"),
		"internal/tools/tools.go":  source("package tools\n\nimport \"net\"\n"),
	}
}

func source(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

func TestHealthyTree(t *testing.T) {
	bad, err := Check(healthy())
	if err != nil || len(bad) != 0 {
		t.Errorf("Check(healthy) = %q, %v, want nothing", bad, err)
	}
}

// TestCheckComplains breaks one thing in the healthy tree and wants exactly the
// complaint about it.
func TestCheckComplains(t *testing.T) {
	const doc = "// Package p is one.\npackage p\n\n"
	ours := func(folder string) string { return doc + "import _ \"" + path.Join(Module, folder) + "\"\n" }
	imports := func(pkg string) string { return doc + "import _ \"" + pkg + "\"\n" }
	for _, tt := range []struct {
		name, file, src string
		want            string // part of the one complaint
	}{
		{"folder without a row", "internal/util/util.go", doc, "internal/util: has no row: add one to Table"},
		{"folder below a row", "internal/facts/deep/deep.go", doc, "internal/facts/deep: has no row"},
		{"upward import", "internal/facts/up.go", ours("internal/audit"), "internal/facts/up.go:4: internal/facts imports internal/audit: the table"},
		{"sideways import", "internal/probe/key/key.go", ours("internal/probe/chain"), "internal/probe/key imports internal/probe/chain: the table"},
		{"probe that imports a collector", "internal/probe/chain/chain.go", ours("internal/collect"), "internal/probe/chain imports internal/collect"},
		{"import of an unknown folder", "internal/facts/up.go", ours("internal/util"), "that folder has no row"},
		{"lab in the program", "internal/audit/lab.go", ours("internal/lab"), "no part of the program"},
		{"archtest in the program", "internal/cli/cli.go", ours("internal/archtest"), "no part of the program"},
		{"lab imports the program", "internal/lab/up.go", ours("internal/audit"), "internal/lab imports internal/audit"},
		{"network", "internal/probe/chain/chain.go", imports("net"), "imports net: only collectors touch the network"},
		{"http", "internal/trust/trust.go", imports("net/http/httptrace"), "only collectors touch the network"},
		{"tls", "internal/cli/cli.go", imports("crypto/tls"), "only collectors touch the network"},
		{"tls behind another name", "internal/cli/cli.go", imports("github.com/zmap/zcrypto/tls"), "only collectors touch the network"},
		{"subprocess", "internal/collect/c.go", imports("os/exec"), "starts no other"},
		{"math/rand", "internal/collect/c.go", imports("math/rand"), "use math/rand/v2"},
		{"jitter outside collectors", "internal/audit/j.go", imports("math/rand/v2"), "may be random"},
		{"log", "internal/cli/cli.go", imports("log"), "return an error"},
		{"CEL outside rule", "internal/audit/cel.go", imports("cel.dev/cel-go/common/types"), "judge in a rule file"},
		{"frozen CEL", "internal/rule/cel.go", imports("github.com/google/cel-go/cel"), "frozen"},
		{"YAML outside the boundary", "internal/report/y.go", imports("go.yaml.in/yaml/v4"), "decode YAML at the boundary"},
		{"archived YAML", "internal/rule/y.go", imports("gopkg.in/yaml.v3"), "archived"},
		{"dot import", "internal/facts/dot.go", doc + "import . \"time\"\n", "dot import of time"},
		{"exit outside cmd", "internal/cli/cli.go", doc + "import \"os\"\n\nfunc f() { os.Exit(1) }\n", "uses os.Exit: return an error"},
		{"exit by another name", "internal/cli/cli.go", doc + "import sys \"os\"\n\nfunc f() { sys.Exit(1) }\n", "uses os.Exit"},
		{"exit by system call", "internal/cli/cli.go", doc + "import \"syscall\"\n\nfunc f() { syscall.Exit(1) }\n", "uses syscall.Exit"},
		{"environment", "internal/cli/cli.go", doc + "import \"os\"\n\nvar v = os.Getenv(\"NO_COLOR\")\n", "uses os.Getenv: read the environment"},
		{"environment, all of it", "internal/cli/cli.go", doc + "import \"os\"\n\nvar v = os.Environ()\n", "uses os.Environ"},
		{"clock called", "internal/rule/r.go", doc + "import \"time\"\n\nvar v = time.Now()\n", "internal/rule/r.go:6: internal/rule uses time.Now: take the time"},
		{"clock passed", "internal/cli/c.go", doc + "import \"time\"\n\nvar v = time.Now\n", "uses time.Now"},
		{"clock behind Since", "internal/report/c.go", doc + "import \"time\"\n\nvar v = time.Since(time.Time{})\n", "uses time.Since"},
		{"func init", "internal/facts/i.go", doc + "func init() {}\n", "internal/facts/i.go:4: func init"},
		{"no package comment", "internal/ct/ct.go", "package ct\n", "internal/ct: has no package comment"},
		{"long main", "cmd/certassay/main.go", "// Command certassay.\npackage main\n" + strings.Repeat("\n", MainLines) + "func main() {}\n", "at most 60"},
		{"stray at the top", "Makefile", "", "Makefile: does not belong at the top"},
		{"stray folder at the top", "docs/index.md", "", "docs: does not belong at the top"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tree := healthy()
			maps.Copy(tree, fstest.MapFS{tt.file: source(tt.src)})
			bad, err := Check(tree)
			if err != nil {
				t.Fatal(err)
			}
			if len(bad) != 1 || !strings.Contains(bad[0], tt.want) {
				t.Errorf("Check = %q, want one complaint with %q", bad, tt.want)
			}
		})
	}
}

// TestAllowed are uses right at a fence that must stay possible.
func TestAllowed(t *testing.T) {
	const doc = "// Package p is one.\npackage p\n\n"
	for _, tt := range []struct{ name, file, src string }{
		{"collector dials", "internal/collect/tlsdial/dial.go", doc + "import _ \"net\"\nimport _ \"crypto/tls\"\n"},
		{"addresses are values", "internal/probe/chain/c.go", doc + "import _ \"net/netip\"\nimport _ \"net/url\"\n"},
		{"a method called Now", "internal/rule/r.go", doc + "type clock struct{}\n\nfunc (clock) Now() {}\n\nfunc f(c clock) { c.Now() }\n"},
		{"a method called init", "internal/rule/r.go", doc + "type r struct{}\n\nfunc (r) init() {}\n"},
		{"time without the clock", "internal/rule/r.go", doc + "import \"time\"\n\nvar v time.Time\n"},
		{"config reads the environment", "internal/config/c.go", doc + "import \"os\"\n\nvar v = os.Getenv(\"X\")\n"},
		{"cli wires", "internal/cli/c.go", doc + "import _ \"" + Module + "/internal/probe/chain\"\n"},
		{"ctlog reads the log list", "internal/collect/ctlog/c.go", doc + "import _ \"" + Module + "/internal/trust\"\n"},
		{"main at its limit", "cmd/certassay/main.go", "// Command certassay.\npackage main\n" + strings.Repeat("\n", MainLines-3) + "func main() {}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tree := healthy()
			maps.Copy(tree, fstest.MapFS{tt.file: source(tt.src)})
			if bad, err := Check(tree); err != nil || len(bad) != 0 {
				t.Errorf("Check = %q, %v, want nothing", bad, err)
			}
		})
	}
}

func TestUnreadableTree(t *testing.T) {
	tree := healthy()
	tree["internal/facts/bad.go"] = source("package")
	if _, err := Check(tree); err == nil || !strings.Contains(err.Error(), "parsing internal/facts/bad.go") {
		t.Errorf("Check(tree with a syntax error) = %v, want an error that names the file", err)
	}
	if _, err := Check(brokenFS{}); err == nil {
		t.Error("Check(unreadable tree) = nil, want an error")
	}
}

type brokenFS struct{}

func (brokenFS) Open(string) (fs.File, error) { return nil, fs.ErrPermission }

// TestTable keeps the table itself honest: every folder that a row or a fence
// names has a row, and imports form no cycle.
func TestTable(t *testing.T) {
	for _, row := range Table {
		for _, imported := range row.Imports {
			target, ok := rowOf(imported)
			if !ok {
				t.Errorf("row %s allows %s, which has no row", row.Folder, imported)
			}
			if within(target.Imports, row.Folder) && imported != row.Folder {
				t.Errorf("rows %s and %s allow each other", row.Folder, imported)
			}
		}
	}
	for _, fence := range Fences {
		for _, folder := range fence.Folders {
			if _, ok := rowOf(folder); !ok {
				t.Errorf("fence of %s names %s, which has no row", fence.Path, folder)
			}
		}
		if fence.Instead == "" {
			t.Errorf("fence of %s does not say what to do instead", fence.Path)
		}
	}
}
