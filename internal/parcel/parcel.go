// Package parcel keeps bytes in files that say what is in them: a first line of
// JSON, the label, with what the caller wants to be known, the length and the
// SHA-256, and behind it the bytes as they are. "tail -n +2 FILE" shows them.
//
// A parcel is there as a whole or not at all: it is written beside its place and
// moved there, so that neither a crash, nor kill -9, nor a second process that
// writes the same one leaves half of it. The hash tells a damaged file. It tells
// nothing of who wrote it.
package parcel

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// maxLabel bounds the first line: a file without a line end must not be read into
// memory in search of one.
const maxLabel = 64 << 10

// ErrDamaged says that a file is no parcel, or not the one that was written.
var ErrDamaged = errors.New("the file is damaged")

// A label is the first line.
type label struct {
	Parcel int             `json:"parcel"` // the version of the form, 1
	Size   int64           `json:"size"`
	SHA256 string          `json:"sha256"` // hexadecimal
	About  json.RawMessage `json:"about"`
}

// temporary begins the names of files that are being written, and leftover is how
// long one may take: what is older was left by a process that was killed.
const (
	temporary = ".parcel-"
	leftover  = time.Hour
)

// Write puts a parcel into the directory that path names, in place of the one that
// is there, readable for whom mode says. about is what the label says besides, as
// JSON.
func Write(path string, about any, body []byte, mode fs.FileMode) (err error) {
	text, err := json.Marshal(about)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	sum := sha256.Sum256(body)
	head, err := json.Marshal(label{Parcel: 1, Size: int64(len(body)), SHA256: hex.EncodeToString(sum[:]), About: text})
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if len(head) >= maxLabel {
		return fmt.Errorf("writing %s: its label is longer than %d bytes", path, maxLabel)
	}
	f, err := os.CreateTemp(filepath.Dir(path), temporary+"*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("writing %s: %w", path, errors.Join(err, os.Remove(f.Name())))
		}
	}()
	_, err = io.Copy(f, io.MultiReader(bytes.NewReader(append(head, '\n')), bytes.NewReader(body)))
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Read gives the bytes of a parcel of at most limit bytes, and sets about to what
// its label says. It fails with [fs.ErrNotExist] where there is none, and with
// [ErrDamaged] where there is something else.
func Read(path string, about any, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 32<<10)
	l, err := readLabel(in)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if l.Size > limit {
		return nil, fmt.Errorf("reading %s: %d bytes are more than %d", path, l.Size, limit)
	}
	body, err := io.ReadAll(io.LimitReader(in, l.Size+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if sum := sha256.Sum256(body); int64(len(body)) != l.Size || hex.EncodeToString(sum[:]) != l.SHA256 {
		return nil, fmt.Errorf("reading %s: %w: it does not hold what its first line says", path, ErrDamaged)
	}
	if err := json.Unmarshal(l.About, about); err != nil {
		return nil, fmt.Errorf("reading %s: %w: %w", path, ErrDamaged, err)
	}
	return body, nil
}

// Label sets about to what the label of a parcel says, and gives the length of what
// is behind it, without reading that.
func Label(path string, about any) (size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	l, err := readLabel(bufio.NewReaderSize(f, 4<<10))
	if err == nil {
		err = json.Unmarshal(l.About, about)
	}
	if err != nil {
		return 0, fmt.Errorf("reading %s: %w", path, err)
	}
	return l.Size, nil
}

func readLabel(in *bufio.Reader) (l label, err error) {
	var line []byte
	for len(line) <= maxLabel {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return l, fmt.Errorf("%w: it has no first line", ErrDamaged)
		}
	}
	if len(line) > maxLabel {
		return l, fmt.Errorf("%w: its first line is longer than %d bytes", ErrDamaged, maxLabel)
	}
	if err := json.Unmarshal(line, &l); err != nil || l.Parcel != 1 || l.Size < 0 {
		return l, fmt.Errorf("%w: its first line is no label", ErrDamaged)
	}
	return l, nil
}

// Sweep removes what processes that were killed left half-written in a directory.
// now is the time.
func Sweep(dir string, now time.Time) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), temporary) {
			continue
		}
		if info, err := e.Info(); err == nil && now.Sub(info.ModTime()) > leftover {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
