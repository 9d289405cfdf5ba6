package localfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

var errFiles = errors.New("too many files")

// dir reads what is in a directory, in the order of names. Symbolic links to
// directories are not followed, as they may lead round in a circle or out of
// what was asked for; links to files are, unless the file is reached anyway.
func (r *reader) dir(path string, depth int) error {
	if depth > MaxDepth {
		r.failed(path, fmt.Errorf("it is nested more than %d directories deep", MaxDepth))
		return nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		r.failed(path, err)
	}
	for _, entry := range entries {
		name := filepath.Join(path, entry.Name())
		switch mode := entry.Type(); {
		case mode.IsDir():
			err = r.dir(name, depth+1)
		case mode&os.ModeSymlink != 0:
			err = r.link(name)
		case mode.IsRegular():
			err = r.entry(name)
		default:
			r.Note(name, "it is no regular file: skipped")
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) entry(path string) error {
	if r.files++; r.files > MaxFiles {
		r.failed(path, fmt.Errorf("there are more than %d files: this and the rest were left out", MaxFiles))
		return errFiles
	}
	return r.file(path)
}

func (r *reader) link(path string) error {
	target, err := resolve(path)
	if err != nil {
		r.failed(path, err)
		return nil
	}
	info, err := os.Stat(target)
	switch {
	case err != nil:
		r.failed(path, err)
		return nil
	case !info.Mode().IsRegular():
		r.Note(path, "it is a link to something other than a file: skipped")
		return nil
	case r.below(target) || r.seen[target]:
		r.Note(path, "it is a link to a file that is read anyway: skipped")
		return nil
	}
	r.seen[target] = true
	return r.entry(path)
}

func (r *reader) below(target string) bool {
	rel, err := filepath.Rel(r.root, target)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// resolve is the absolute path behind all symbolic links.
func resolve(path string) (string, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}
