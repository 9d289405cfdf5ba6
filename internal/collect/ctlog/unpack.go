package ctlog

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// unpackers are kept because one costs 40 kB and a third of the time that a tile
// takes.
var unpackers = sync.Pool{New: func() any { return new(gzip.Reader) }}

var inflaters = sync.Pool{New: func() any { return new(inflater) }}

// packed says whether b is gzip, whatever headers say: logs pack tiles without
// being asked, and archives hold packed files. No other answer begins so: JSON
// and notes are text, and a leaf's timestamp would be of the year 72 000 000.
func packed(b []byte) bool { return len(b) > 2 && b[0] == 0x1f && b[1] == 0x8b }

// unpack gives the contents of b, which may be packed with gzip, appended to
// buffer[:0] where they are. A bomb, more than limit bytes or more than maxRatio
// times its size, is [ErrTooLarge].
func unpack(b, buffer []byte, limit int) ([]byte, error) {
	if !packed(b) {
		if len(b) > limit {
			return nil, ErrTooLarge
		}
		return b, nil
	}
	limit = min(limit, freeRatio+maxRatio*len(b))
	f := inflaters.Get().(*inflater)
	out, ok := f.gunzip(b, buffer, limit)
	inflaters.Put(f)
	if ok {
		return out, nil
	}
	z := unpackers.Get().(*gzip.Reader)
	defer unpackers.Put(z)
	if err := z.Reset(bytes.NewReader(b)); err != nil {
		return nil, fmt.Errorf("unpacking: %w: %w", ErrMalformed, err)
	}
	slow := bytes.NewBuffer(buffer[:0])
	n, err := slow.ReadFrom(io.LimitReader(z, int64(limit)+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("unpacking: %w: %w", ErrMalformed, err)
	case n > int64(limit):
		return nil, fmt.Errorf("unpacking %d bytes: %w", len(b), ErrTooLarge)
	}
	return slow.Bytes(), nil
}
