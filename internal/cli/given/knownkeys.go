package given

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/probe/key/known"
)

// KnownKeys opens the tables of known private keys that the user names, a
// directory being all FILE.dat in it. They are searched where they lie and stay
// open until the program ends. All problems are reported together.
func KnownKeys(paths []string) (known.Tables, error) {
	var tables []*known.Table
	var errs []error
	for _, path := range paths {
		files, err := tableFiles(path)
		errs = append(errs, err)
		for _, file := range files {
			t, err := openTable(file)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			tables = append(tables, t)
		}
	}
	return known.With(tables), errors.Join(errs...)
}

// tableFiles is path itself, or the tables in it.
func tableFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading known keys: %w", err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("reading known keys: %w", err)
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && filepath.Ext(e.Name()) == ".dat" {
			files = append(files, filepath.Join(path, e.Name()))
		}
	}
	if len(files) == 0 {
		return nil, hint.With(
			fmt.Errorf("reading known keys: no .dat file in %s", path),
			"\"badkeys --update-bl\" fetches one to ~/.cache/badkeys/blocklist.dat",
		)
	}
	return files, nil
}

func openTable(path string) (*known.Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading known keys: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("reading known keys %s: %w", path, err)
	}
	t, err := known.NewTable(path, f, info.Size())
	if err != nil {
		_ = f.Close()
	}
	return t, err
}
