package ctlog

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/certassay/certassay/internal/collect/fetch"
	"github.com/certassay/certassay/internal/ct"
)

// What can be wrong with a log's answer.
var (
	// ErrNotFound says that there is no such thing at the log.
	ErrNotFound = errors.New("not found")
	// ErrTooLarge says that an answer is larger than anything honest.
	ErrTooLarge = errors.New("the answer is too large")
	// ErrMalformed says that an answer is not of the form that the protocol
	// has.
	ErrMalformed = errors.New("the answer is malformed")
	// ErrShort says that a log has signed for entries that it does not give.
	ErrShort = errors.New("the log does not give all entries of its signed tree")
	// ErrEntry says that an entry is not the one in the signed tree.
	ErrEntry = errors.New("the entry is not the one in the signed tree")
	// ErrIndex says that an entry states another index than it has.
	ErrIndex = errors.New("the entry states another index")
	// ErrRedirect says that a log sent us elsewhere.
	ErrRedirect = errors.New("redirects to another host are not followed")
	// ErrPrivate says that a log's name leads to an address that is not public.
	ErrPrivate = fetch.ErrPrivate
	// ErrStale and ErrFuture say that a tree head is too old, or not yet.
	ErrStale  = errors.New("the tree head is too old")
	ErrFuture = errors.New("the tree head is of the future")
	// ErrRollback says that a log shows a smaller tree than before: an old
	// answer from a cache, or entries that were removed.
	ErrRollback = errors.New("the log shows an older tree than before")
	// ErrFork says that a log signed two trees of which neither continues the
	// other: proof of misbehaviour.
	ErrFork = errors.New("the log signed two trees that contradict each other")
)

// A StatusError is an HTTP status that is no success.
type StatusError struct {
	Code int
	// RetryAfter is how long the log asks to wait; zero where it does not say.
	RetryAfter time.Duration
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("HTTP status %d %s", e.Code, http.StatusText(e.Code))
	if e.RetryAfter > 0 {
		text += fmt.Sprintf(", wait %s", e.RetryAfter.Round(time.Second))
	}
	return text
}

// Is makes 404 and 410 [ErrNotFound].
func (e *StatusError) Is(target error) bool {
	return target == ErrNotFound && (e.Code == http.StatusNotFound || e.Code == http.StatusGone)
}

// An EntryError is what is wrong with one entry.
type EntryError struct {
	Index uint64
	Err   error
}

func (e *EntryError) Error() string { return fmt.Sprintf("entry %d: %v", e.Index, e.Err) }
func (e *EntryError) Unwrap() error { return e.Err }

// A Contradiction is two tree heads that the same log signed and that cannot
// both be true, or one that takes back another. The heads are the evidence.
type Contradiction struct {
	Older, Newer *ct.TreeHead
	// Err is ErrFork or ErrRollback.
	Err error
}

func (e *Contradiction) Error() string {
	return fmt.Sprintf("%v: %d entries with root %x, then %d with root %x", e.Err, e.Older.Size, e.Older.Root, e.Newer.Size, e.Newer.Root)
}

func (e *Contradiction) Unwrap() error { return e.Err }
