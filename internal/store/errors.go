package store

import (
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What can be wrong with a state directory. Errors of this package that a person
// can act on have a Hint method.
var (
	// ErrCorrupt says that the file is damaged, or no database.
	ErrCorrupt = errors.New("the database is damaged")
	// ErrForeign says that the file is a database of another program.
	ErrForeign = errors.New("the database is of another program")
	// ErrNewer says that a later version of this program wrote the file.
	ErrNewer = errors.New("the database is of a newer version of certassay")
	// ErrFull says that there is no space left to write. What was there before
	// is unharmed.
	ErrFull = errors.New("no space is left")
	// ErrReadOnly says that the file or its directory cannot be written.
	ErrReadOnly = errors.New("the state directory cannot be written")
	// ErrBusy says that another process did not end its transaction in time.
	ErrBusy = errors.New("another process is writing")
	// ErrMissing says that there is no database to read.
	ErrMissing = errors.New("there is no database")
	// ErrMoved says that a log's position is not where it was thought to be:
	// somebody else has moved it.
	ErrMoved = errors.New("the position was moved by another process")
)

// hints say what a person can do.
var hints = map[error]string{
	ErrCorrupt:  "keep the file for an inquiry and move it away: everything is then read anew from where the configuration says",
	ErrForeign:  "name a directory of its own for the state",
	ErrNewer:    "update certassay, or name another state directory",
	ErrFull:     "make room; nothing was lost, and it goes on from where it stopped",
	ErrReadOnly: "the user that runs certassay has to be able to write the state directory and the files in it",
	ErrBusy:     "see which process holds the file open, and whether it hangs",
	ErrMissing:  "\"certassay ct watch\" and --store make it; is this the right state directory?",
}

// A stateError is an error about the state, with what can be done.
type stateError struct {
	kind  error
	doing string // empty where it is wrapped in what says it
	cause error  // nil where kind says it all
}

func (e *stateError) Error() string {
	text := e.kind.Error()
	if e.doing != "" {
		text = e.doing + ": " + text
	}
	if e.cause != nil {
		text += fmt.Sprintf(" (%v)", e.cause)
	}
	return text
}

func (e *stateError) Is(target error) bool { return target == e.kind }
func (e *stateError) Unwrap() error        { return e.cause }

// Hint says what a person can do about it.
func (e *stateError) Hint() string { return hints[e.kind] }

// explain gives an error of the driver the name of its kind.
func explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	var known *stateError
	var own *sqlite.Error
	if errors.As(err, &known) || !errors.As(err, &own) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	// The low byte is the primary code; what is above says where it came up.
	switch own.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT:
		return &stateError{ErrCorrupt, doing, err}
	case sqlite3.SQLITE_FULL:
		return &stateError{ErrFull, doing, err}
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN:
		return &stateError{ErrReadOnly, doing, err}
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return &stateError{ErrBusy, doing, err}
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// A HeldError says that another process has the role that was asked for.
type HeldError struct {
	Role, Dir string
	// PID is that of the holder, 0 where it is not known. Since is when it
	// began.
	PID   int
	Since time.Time
}

func (e *HeldError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("another process does %q with %s", e.Role, e.Dir)
	}
	return fmt.Sprintf("process %d does %q with %s, since %s", e.PID, e.Role, e.Dir, e.Since.UTC().Format(time.RFC3339))
}

// Hint says what a person can do about it.
func (e *HeldError) Hint() string { return "end that process, or name another state directory" }
