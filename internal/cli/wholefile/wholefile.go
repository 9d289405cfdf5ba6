// Package wholefile writes files that appear under their name when they are complete,
// so that nobody reads half of one, and a run that fails leaves what was there.
package wholefile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A File is being written. Either [File.Complete] or [File.Abandon] ends it.
type File struct {
	*os.File
	final string // empty where there is nothing to rename
}

// Create opens a file that gets its name once it is complete. What is there and no
// regular file, such as a pipe, is opened as it is; a symbolic link stays one, and
// leads to the new file. Who may read the file is decided as for any other: by the
// one that it replaces, or else by the umask.
func Create(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return beside(path)
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s is a directory", path)
	}
	if !info.Mode().IsRegular() {
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return &File{File: file}, nil
	}
	final, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	f, err := beside(final)
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(info.Mode().Perm()); err != nil {
		return nil, errors.Join(err, f.Abandon())
	}
	return f, nil
}

// beside makes a file in the directory of its final one, with what the umask leaves;
// os.CreateTemp makes one for its owner alone.
func beside(final string) (*File, error) {
	for range 100 {
		name := filepath.Join(filepath.Dir(final), fmt.Sprintf(".%s.%s", filepath.Base(final), rand.Text()[:10]))
		file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666) //nolint:gosec // the umask decides
		if err == nil {
			return &File{file, final}, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("no free name beside %s", final)
}

// Complete closes the file and gives it its name.
func (f *File) Complete() error {
	err := f.Close()
	if err == nil && f.final != "" {
		err = os.Rename(f.Name(), f.final)
	}
	return err
}

// Abandon closes the file and removes it; a pipe stays.
func (f *File) Abandon() error {
	err := f.Close()
	if f.final != "" {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}
