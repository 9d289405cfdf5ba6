// Package hint says what a person can do about an error or a warning. The command
// line prints it on a line of its own below, so that the error itself can stay a path
// of what was being done to what.
//
// Packages whose errors have a type of their own give them a method Hint() string
// instead: [Print] looks for that, not for this package.
package hint

// hinted is an error with its hint.
type hinted struct {
	error
	hint string
}

// With says of err, which must not be nil, what a person can do. An empty hint is
// none.
func With(err error, hint string) error { return &hinted{err, hint} }

// Hint is printed on a line of its own.
func (h *hinted) Hint() string { return h.hint }

// Unwrap gives the error that has the hint.
func (h *hinted) Unwrap() error { return h.error }
