// Package exit is how a command ends: the code that scripts and CI branch on, beside
// the error that a person reads. Whatever knows how a run ended says it by an error of
// this package; the process is ended by main alone.
package exit

import (
	"errors"
	"fmt"
)

// Codes. They are an interface: scripts and CI branch on them.
const (
	OK          = 0   // every check ran, nothing at or above the bar
	Findings    = 1   // findings at or above the bar
	Misuse      = 2   // usage, configuration, rule or inventory error; nothing was contacted
	Incomplete  = 3   // nothing at the bar, but something could not be checked
	Failure     = 4   // the run failed
	Interrupted = 130 // interrupted by a signal
)

// Help explains the codes, for the help of commands that judge.
const Help = `Exit codes:
  0    every check ran, nothing at or above the bar (--fail-on)
  1    findings at or above the bar
  2    wrong command line, configuration, inventory or rules; nothing was contacted
  3    nothing at the bar, but something could not be checked
  4    the run failed
  130  interrupted`

// An Error decides the exit code. Err may be nil where everything worth saying was
// said.
type Error struct {
	Code int
	Err  error
}

// Error gives what the error within says, or the code where there is none.
func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit code %d", e.Code)
	}
	return e.Err.Error()
}

// Unwrap gives the error within.
func (e *Error) Unwrap() error { return e.Err }

// With gives an error with a code; err may be nil.
func With(code int, err error) error { return &Error{code, err} }

// Usage marks an error as one of the command line or configuration.
func Usage(err error) error { return &Error{Misuse, err} }

// Failed marks an error as one of the run.
func Failed(err error) error { return &Error{Failure, err} }

// ErrInterrupted is the cause of a run that a signal ended.
var ErrInterrupted = errors.New("interrupted")
