// Package bundle opens evidence bundles among the files that a user names, also where
// one comes through standard input and cannot be read twice.
package bundle

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/certassay/certassay/internal/collect/localfile"
	"github.com/certassay/certassay/internal/evidence"
)

// Divert reads the evidence bundles among several files. Their subjects
// are judged like any others; only a bundle that is given alone brings its run.
func Divert(emit func(*evidence.Subject)) func(string, *bufio.Reader) (bool, error) {
	return func(_ string, r *bufio.Reader) (bool, error) {
		prefix, _ := r.Peek(prefixSize)
		if !evidence.IsBundle(prefix) {
			return false, nil
		}
		b, err := spool(r)
		if err != nil {
			return true, err
		}
		for s, err := range b.Reader.Subjects() {
			if err != nil {
				return true, errors.Join(err, b.Close())
			}
			emit(s)
		}
		return true, b.Close()
	}
}

// prefixSize is how much of a file tells whether it is a bundle.
const prefixSize = 64

// A File is an evidence bundle that was verified and can be replayed.
type File struct {
	Reader *evidence.Reader
	file   *os.File
	remove bool
}

// Close ends the reading.
func (b *File) Close() error {
	err := b.file.Close()
	if b.remove {
		err = errors.Join(err, os.Remove(b.file.Name()))
	}
	return err
}

// Open opens a path that is an evidence bundle, and gives nil for one that
// is not.
func Open(path string, stdin *bufio.Reader) (*File, error) {
	if path == localfile.Stdin {
		if prefix, _ := stdin.Peek(prefixSize); evidence.IsBundle(prefix) {
			return spool(stdin)
		}
		return nil, nil
	}
	// A path that cannot be opened is no bundle: localfile says what is wrong.
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil, nil //nolint:nilerr // see above
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil //nolint:nilerr // see above
	}
	prefix := make([]byte, prefixSize)
	n, _ := io.ReadFull(f, prefix)
	if !evidence.IsBundle(prefix[:n]) {
		return nil, f.Close()
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return newFile(path, f, false)
}

// spool copies a bundle that cannot be read twice into a temporary file.
func spool(r io.Reader) (*File, error) {
	f, err := os.CreateTemp("", "certassay-*.evidence")
	if err != nil {
		return nil, fmt.Errorf("reading evidence: %w", err)
	}
	if _, err := io.Copy(f, r); err != nil {
		return nil, errors.Join(fmt.Errorf("reading evidence: %w", err), f.Close(), os.Remove(f.Name()))
	}
	return newFile(localfile.Stdin, f, true)
}

func newFile(name string, f *os.File, remove bool) (*File, error) {
	b := &File{file: f, remove: remove}
	var err error
	if b.Reader, err = evidence.NewReader(f); err != nil {
		return nil, errors.Join(fmt.Errorf("reading evidence %s: %w", name, err), b.Close())
	}
	return b, nil
}
