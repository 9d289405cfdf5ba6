// Package inventories finds the inventory that a command is to work with, opens it, and
// chooses targets from it. What an inventory says is known to internal/inventory, which
// touches no disk.
package inventories

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/inventory"
)

// ErrNone says that there is no inventory.
var ErrNone = errors.New("no " + inventory.FileName + " here, nor in a directory above")

// find looks for an inventory from the working directory upward, as far
// as the root of the repository where there is one: a file that lies beyond it
// may be somebody else's.
func find() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("looking for an inventory: %w", err)
	}
	for up := ""; ; up = filepath.Join(up, "..") {
		path := filepath.Join(up, inventory.FileName)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
		if isRepository(dir) || filepath.Dir(dir) == dir {
			return "", hint.With(ErrNone, "name one: certassay audit -c FILE; its form: certassay schema inventory")
		}
		dir = filepath.Dir(dir)
	}
}

// isRepository says whether a directory is the root of a checkout. In a work tree
// or submodule of git, .git is a file.
func isRepository(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, ".git"))
	return err == nil
}

// Open reads an inventory, and nothing outside its directory.
func Open(path string, stdin io.Reader, at time.Time) (*inventory.Inventory, error) {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err // it names the directory, and a person gave the file
		}
		return nil, hint.With(fmt.Errorf("reading inventory %s: %w", path, err), "check the name; an inventory's form: certassay schema inventory")
	}
	defer func() { _ = root.Close() }() // it was only read from
	dir := filepath.ToSlash(filepath.Dir(path))
	if dir == "." {
		dir = ""
	}
	return inventory.Load(filepath.Base(path), inventory.Options{FS: root.FS(), Dir: dir, Stdin: stdin, At: at})
}

// Repository is the root of the repository that a file lies in, or the working
// directory.
func Repository(path string) string {
	path, err := filepath.Abs(path)
	if err != nil {
		return "."
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if isRepository(dir) {
			return dir
		}
		if filepath.Dir(dir) == dir {
			break
		}
	}
	dir, _ := os.Getwd() // Abs would have failed
	return dir
}

// InRepository is a path as reports give it.
func InRepository(root, path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return filepath.ToSlash(path)
	}
	if rel, err := filepath.Rel(root, abs); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(abs)
}
