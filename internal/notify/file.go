package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/certassay/certassay/internal/store"
)

// fileBatch is how many lines are written at once. It must not depend on
// anything: after a crash the same lines have to be made again.
const fileBatch = 64

type file struct{ path string }

// NewFile makes a receiver that appends notifications to a file as lines of JSON.
// After a crash, what was written and not recorded is recognised and not written
// again; what others wrote is left alone. A file that was moved away or emptied,
// as by logrotate, is begun anew. Something other than a file, such as a pipe, is
// written to without looking.
func NewFile(path string) (Receiver, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", path, err)
	}
	return &file{whole}, nil
}

func (f *file) Name() string { return "jsonl " + f.path }
func (f *file) most() int    { return fileBatch }

func (f *file) deliver(_ context.Context, offset int64, batch []store.Delivery) (int, int64, error) {
	out, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return 0, offset, err
	}
	newOffset, err := appendLines(out, offset, lines(batch))
	if err = errors.Join(err, out.Close()); err != nil {
		return 0, offset, err
	}
	return len(batch), newOffset, nil
}

func lines(batch []store.Delivery) []byte {
	var b []byte
	for i := range batch {
		b = append(append(b, batch[i].Body...), '\n')
	}
	return b
}

// appendLines writes text behind offset, where a part of it may stand already.
func appendLines(out *os.File, offset int64, text []byte) (int64, error) {
	info, err := out.Stat()
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		_, err := out.Write(text)
		return offset, err
	}
	at, size := offset, info.Size()
	if size < at {
		at = size // it was emptied, or is another file
	}
	if size > at {
		there := make([]byte, min(size-at, int64(len(text))+1))
		if _, err := out.ReadAt(there, at); err != nil {
			return 0, err
		}
		if !bytes.HasPrefix(text, there) {
			// Others have written. Their last line ends before ours begins.
			at = size
			last := make([]byte, 1)
			if _, err := out.ReadAt(last, size-1); err != nil {
				return 0, err
			}
			if last[0] != '\n' {
				text = append([]byte{'\n'}, text...)
			}
		}
	}
	if _, err := out.WriteAt(text, at); err != nil {
		return 0, err
	}
	return at + int64(len(text)), out.Sync()
}

type stream struct{ w io.Writer }

// NewStream makes a receiver that writes notifications to standard output as
// lines of JSON. What was written cannot be looked at there: a line may come
// twice, with the same id, where the program was killed at that moment.
func NewStream(w io.Writer) Receiver { return &stream{w} }

func (s *stream) Name() string { return "jsonl -" }
func (s *stream) most() int    { return 1 }

func (s *stream) deliver(_ context.Context, offset int64, batch []store.Delivery) (int, int64, error) {
	if _, err := s.w.Write(lines(batch)); err != nil {
		return 0, offset, err
	}
	return len(batch), offset, nil
}
