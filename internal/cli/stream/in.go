package stream

import (
	"context"
	"errors"
	"io"

	"github.com/certassay/certassay/internal/cli/exit"
)

// An in is standard input that an interrupt ends, also while nobody types or the
// other program says nothing. The read that waits is left behind: the process ends.
type in struct {
	ctx  context.Context
	r    io.Reader
	rest []byte
	// answers brings what the one read under way came to; nil where none is.
	answers chan chunk
	err     error
}

// NewIn gives what r holds until ctx ends: also while nobody types or the other
// program says nothing. The read that waits is left behind.
func NewIn(ctx context.Context, r io.Reader) io.Reader { return &in{ctx: ctx, r: r} }

type chunk struct {
	bytes []byte
	err   error
}

// block is how much is read at a time, in memory of its own, as a read that was
// left behind may still write there.
const block = 64 << 10

func (s *in) Read(p []byte) (int, error) {
	if len(s.rest) == 0 && s.err == nil {
		s.fill()
	}
	if len(s.rest) > 0 {
		n := copy(p, s.rest)
		s.rest = s.rest[n:]
		return n, nil
	}
	return 0, s.err
}

// fill waits for what comes next, or for the interrupt.
func (s *in) fill() {
	if s.answers == nil {
		s.answers = make(chan chunk, 1)
		go func(to chan<- chunk) {
			part := make([]byte, block)
			n, err := s.r.Read(part)
			to <- chunk{part[:n], err}
		}(s.answers)
	}
	select {
	case <-s.ctx.Done():
		s.err = s.ctx.Err()
	case a := <-s.answers:
		s.answers, s.rest, s.err = nil, a.bytes, a.err
	}
}

// CutShort gives the error of a command that a signal ended while it read: what
// it was given is not wrong.
func CutShort(ctx context.Context, err error) error {
	if ctx.Err() == nil || !errors.Is(err, context.Canceled) {
		return err
	}
	return exit.With(exit.Interrupted, exit.ErrInterrupted)
}
