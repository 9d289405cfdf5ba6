package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"

	"github.com/certassay/certassay/internal/cli/exit"
)

// A sink is standard output that remembers its first failure. A full disk below
// "rules index > FILE" is a failed run and not wrong usage, also where a writer
// such as cobra's help has no way to say so.
type sink struct {
	w   io.Writer
	mu  sync.Mutex
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.err == nil {
			s.err = err
		}
	}
	return n, err
}

// exit gives the error of a command that said err, once all is written: what
// could not be written makes the run a failed one. An interrupted one stays that.
func (s *sink) exit(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var e *exit.Error
	if s.err == nil || errors.As(err, &e) && (e.Code == exit.Failure || e.Code == exit.Interrupted) {
		return err
	}
	return exit.Failed(fmt.Errorf("writing standard output: %w", s.err))
}

// terminal gives the file behind a stream that is a terminal.
func terminal(w io.Writer) (*os.File, bool) {
	if s, ok := w.(*sink); ok {
		w = s.w
	}
	f, ok := w.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}
