package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"syscall"
)

// maxInMemory is how much of a JSON report waits in memory; the rest of a large
// one waits on disk.
const maxInMemory = 8 << 20

// A spool keeps bytes until they are wanted: a few in memory, many in a
// temporary file that has no name any more.
type spool struct {
	dir   string
	limit int
	buf   bytes.Buffer
	file  *os.File
}

func (s *spool) Write(p []byte) (int, error) {
	if s.buf.Len()+len(p) > s.limit {
		if err := s.spill(); err != nil {
			return 0, err
		}
	}
	return s.buf.Write(p)
}

// spill moves what is in memory to the file.
func (s *spool) spill() error {
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, "certassay-report-*")
		if s.dir == "" && nowhere(err) {
			// A container of nothing but this program has no such directory, or
			// must not write: the report is worth more than the memory.
			s.limit = math.MaxInt
			return nil
		}
		if err != nil {
			return fmt.Errorf("making room for a large report: %w", err)
		}
		s.file = f
		// Where an open file cannot be removed, close removes it.
		_ = os.Remove(f.Name())
	}
	if _, err := s.buf.WriteTo(s.file); err != nil {
		return fmt.Errorf("putting a large report aside: %w", err)
	}
	return nil
}

// nowhere says whether there is no place for temporary files at all.
func nowhere(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
}

// copyTo writes everything to w.
func (s *spool) copyTo(w io.Writer) error {
	if s.file != nil {
		if _, err := s.file.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("reading back a large report: %w", err)
		}
		if _, err := io.Copy(w, s.file); err != nil {
			return fmt.Errorf("completing a large report: %w", err)
		}
	}
	_, err := s.buf.WriteTo(w)
	return err
}

// close gives the disk space back.
func (s *spool) close() {
	if s.file != nil {
		s.file.Close()
		_ = os.Remove(s.file.Name()) // already gone, except on Windows
		s.file = nil
	}
}
