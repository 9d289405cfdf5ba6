// Package stream makes the standard streams fit for a program that has to say how it
// ended: output remembers that it could not be written, and waiting for input ends
// with an interrupt.
package stream

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"

	"github.com/certassay/certassay/internal/cli/exit"
)

// An Out is standard output that remembers its first failure. A full disk below
// "rules index > FILE" is a failed run and not wrong usage, also where a writer
// such as cobra's help has no way to say so.
type Out struct {
	w   io.Writer
	mu  sync.Mutex
	err error
}

// NewOut remembers what becomes of writing to w.
func NewOut(w io.Writer) *Out { return &Out{w: w} }

// Write implements [io.Writer].
func (o *Out) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.err == nil {
			o.err = err
		}
	}
	return n, err
}

// Exit gives the error of a command that said err, once all is written: what
// could not be written makes the run a failed one. An interrupted one stays that.
func (o *Out) Exit(err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var e *exit.Error
	if o.err == nil || errors.As(err, &e) && (e.Code == exit.Failure || e.Code == exit.Interrupted) {
		return err
	}
	return exit.Failed(fmt.Errorf("writing standard output: %w", o.err))
}

// Terminal gives the file behind a stream that is a terminal.
func Terminal(w io.Writer) (*os.File, bool) {
	if s, ok := w.(*Out); ok {
		w = s.w
	}
	f, ok := w.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}
