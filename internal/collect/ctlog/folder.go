package ctlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A folder is a directory that holds what a tiled log serves: an archive.
type folder struct {
	root *os.Root
	name string
}

// openFolder opens a directory. Links that lead out of it are not followed: an
// archive from a stranger must not read other files.
func openFolder(path string) (*folder, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("opening directory of tiles: %w", err)
	}
	return &folder{root, path}, nil
}

func (f *folder) get(ctx context.Context, path string, limit int64, _ bool, buffer []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b, err := f.read(filepath.FromSlash(path), limit, buffer)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", filepath.Join(f.name, filepath.FromSlash(path)), ErrNotFound)
	}
	return b, err
}

func (f *folder) read(path string, limit int64, buffer []byte) ([]byte, error) {
	// A pipe in the place of a tile would be waited for without end.
	info, err := f.root.Stat(path)
	if err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w: not a regular file", path, ErrMalformed)
	}
	file, err := f.root.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := readAll(io.LimitReader(file, limit+1), info.Size(), buffer)
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s: %w", path, ErrTooLarge)
	}
	return b, err
}
