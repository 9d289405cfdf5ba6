package archtest

import (
	"fmt"
	"go/ast"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Check holds the module whose root is fsys against [Table], [Fences], [TopLevel]
// and [MainLines], and returns one complaint a line, each with the place and with
// what to do. No complaints means that everything holds. The error is set where
// the tree could not be read.
func Check(fsys fs.FS) ([]string, error) {
	t, err := load(fsys)
	if err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	bad := topLevel(entries)
	for _, p := range t.sorted() {
		bad = append(bad, t.checkPackage(p)...)
	}
	return bad, nil
}

func topLevel(entries []fs.DirEntry) (bad []string) {
	for _, e := range entries {
		if name := e.Name(); name[0] != '.' && !slices.Contains(TopLevel, name) {
			bad = append(bad, fmt.Sprintf("%s: does not belong at the top of the repository: move it below internal/, rules/ or testdata/", name))
		}
	}
	return bad
}

func (t *tree) checkPackage(p *pkg) (bad []string) {
	row, ok := rowOf(p.folder)
	if !ok {
		return []string{fmt.Sprintf("%s: has no row: add one to Table in internal/archtest/table.go that says what it may import, or move the code to a package that has one", p.folder)}
	}
	if !slices.ContainsFunc(p.files, func(f *file) bool { return f.ast.Doc != nil }) {
		bad = append(bad, fmt.Sprintf("%s: has no package comment: say what it promises and what it refuses, in doc.go or its main file", p.folder))
	}
	for _, f := range p.files {
		bad = append(bad, t.checkImports(row, f)...)
		if row.Apart {
			continue
		}
		bad = append(bad, t.checkNames(row, f)...)
		bad = append(bad, t.checkInit(f)...)
		if f.path == "cmd/certassay/main.go" && f.lines > MainLines {
			bad = append(bad, fmt.Sprintf("%s: has %d lines, at most %d: move what is more than signals, run and exit to internal/cli", f.path, f.lines, MainLines))
		}
	}
	return bad
}

// checkImports looks at whole packages: the table and the fences without names.
func (t *tree) checkImports(row Row, f *file) (bad []string) {
	for _, spec := range f.ast.Imports {
		importPath, at := importOf(spec), t.at(spec.Pos())
		if ours, ok := strings.CutPrefix(importPath, Module+"/"); ok {
			if why := refused(row, ours); why != "" {
				bad = append(bad, fmt.Sprintf("%s: %s imports %s: %s", at, row.Folder, ours, why))
			}
			continue
		}
		if row.Apart {
			continue
		}
		if spec.Name != nil && spec.Name.Name == "." {
			bad = append(bad, fmt.Sprintf("%s: dot import of %s: name it, or no fence can see what is used", at, importPath))
		}
		for _, fence := range Fences {
			if len(fence.Names) == 0 && covers(fence.Path, importPath) && !within(fence.Folders, row.Folder) {
				bad = append(bad, fmt.Sprintf("%s: %s imports %s: %s", at, row.Folder, importPath, fence.Instead))
			}
		}
	}
	return bad
}

// refused says why row may not import the folder of ours; empty where it may.
func refused(row Row, ours string) string {
	target, ok := rowOf(ours)
	switch {
	case !ok:
		return "that folder has no row in internal/archtest/table.go"
	case within(row.Imports, ours):
		return ""
	case target.Apart:
		return "that package is no part of the program: it is for tests or for generating files"
	}
	return "the table in internal/archtest/table.go does not allow it: pass what you need as an argument, or change the table and say why in the commit"
}

// checkNames looks for fenced names, called or not: "clock: time.Now" reads the
// clock as much as time.Now() does.
func (t *tree) checkNames(row Row, f *file) (bad []string) {
	ast.Inspect(f.ast, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		ident, ok := sel.X.(*ast.Ident)
		if !ok {
			return true
		}
		for _, fence := range Fences {
			if fence.Path == f.imports[ident.Name] && slices.Contains(fence.Names, sel.Sel.Name) && !within(fence.Folders, row.Folder) {
				bad = append(bad, fmt.Sprintf("%s: %s uses %s.%s: %s", t.at(sel.Pos()), row.Folder, fence.Path, sel.Sel.Name, fence.Instead))
			}
		}
		return true
	})
	return bad
}

func (t *tree) checkInit(f *file) (bad []string) {
	for _, decl := range f.ast.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			bad = append(bad, fmt.Sprintf("%s: func init: collectors and probes are explicit slices in internal/audit; build values where they are used", t.at(fn.Pos())))
		}
	}
	return bad
}

// rowOf finds the row of a folder, an exact one before one with a star. The
// row's Folder is the folder itself, so that complaints name it.
func rowOf(folder string) (Row, bool) {
	for _, pattern := range []string{folder, path.Dir(folder) + "/*"} {
		for _, row := range Table {
			if row.Folder == pattern {
				row.Folder = folder
				return row, true
			}
		}
	}
	return Row{}, false
}

// within says whether one of the patterns stands for the folder.
func within(patterns []string, folder string) bool {
	return slices.Contains(patterns, folder) || slices.Contains(patterns, path.Dir(folder)+"/*")
}

// covers says whether a fence's path stands for an import path.
func covers(fence, importPath string) bool {
	if prefix, ok := strings.CutSuffix(fence, "/..."); ok {
		return importPath == prefix || strings.HasPrefix(importPath, prefix+"/")
	}
	return importPath == fence
}
