package archtest

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A tree is every package of the module with its non-test files, parsed.
type tree struct {
	fset     *token.FileSet
	packages map[string]*pkg // by folder, slash separated
}

// A pkg is the non-test files of one folder.
type pkg struct {
	folder string
	files  []*file
}

// A file is one parsed source file and what its imports are called in it.
type file struct {
	path    string
	ast     *ast.File
	lines   int
	imports map[string]string // local name -> import path
}

// load parses every non-test Go file below the root of fsys, whatever its build
// constraints. Like the go command it leaves out testdata, folders that begin
// with "." or "_", and other modules.
func load(fsys fs.FS) (*tree, error) {
	t := &tree{fset: token.NewFileSet(), packages: map[string]*pkg{}}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && skipped(fsys, name):
			return fs.SkipDir
		case d.IsDir(), path.Ext(name) != ".go", strings.HasSuffix(name, "_test.go"):
			return nil
		}
		return t.add(fsys, name)
	})
	return t, err
}

func skipped(fsys fs.FS, dir string) bool {
	base := path.Base(dir)
	if base == "testdata" || base[0] == '.' || base[0] == '_' {
		return true
	}
	_, err := fs.Stat(fsys, path.Join(dir, "go.mod"))
	return !errors.Is(err, fs.ErrNotExist)
}

func (t *tree) add(fsys fs.FS, name string) error {
	src, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	parsed, err := parser.ParseFile(t.fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("parsing %s: %w", name, err)
	}
	folder := path.Dir(name)
	p := t.packages[folder]
	if p == nil {
		p = &pkg{folder: folder}
		t.packages[folder] = p
	}
	p.files = append(p.files, &file{
		path: name, ast: parsed, imports: localNames(parsed),
		lines: t.fset.File(parsed.FileStart).LineCount(),
	})
	return nil
}

// localNames maps what each import is called in the file to its path. The name
// of an import without one is guessed from the path, which holds for the
// standard library: all that fenced names belong to.
func localNames(f *ast.File) map[string]string {
	names := map[string]string{}
	for _, spec := range f.Imports {
		importPath := importOf(spec)
		name := path.Base(importPath)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = importPath
	}
	return names
}

func importOf(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		panic("archtest: parser passed a bad import path: " + spec.Path.Value)
	}
	return p
}

// sorted gives the packages in the order of their folders, so that complaints
// come in the same order on every run.
func (t *tree) sorted() []*pkg {
	var all []*pkg
	for _, p := range t.packages {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *pkg) int { return strings.Compare(a.folder, b.folder) })
	return all
}

// at is where a complaint belongs: file:line.
func (t *tree) at(pos token.Pos) string {
	p := t.fset.Position(pos)
	return fmt.Sprintf("%s:%d", p.Filename, p.Line)
}
