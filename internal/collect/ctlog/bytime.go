package ctlog

import (
	"context"
	"fmt"
	"time"

	"github.com/certassay/certassay/internal/ct"
)

// FirstAt finds the first entry whose timestamp is not before at, by halves; it is
// the size of the tree where there is none. A log sequences entries some time
// after it has stamped them, so that timestamps are in order only within the
// maximum merge delay: ask for that much earlier, and look at the entries. An
// entry that cannot be verified is an error, for a wrong timestamp would lead
// astray.
func FirstAt(ctx context.Context, s Source, head *ct.TreeHead, at time.Time) (uint64, error) {
	low, high := uint64(0), head.Size
	for low < high {
		middle := low + (high-low)/2
		var stamp time.Time
		c, err := s.Entries(ctx, head, middle, middle+1, func(_ uint64, e *ct.LogEntry) error {
			stamp = e.Time()
			return nil
		})
		switch {
		case err != nil:
			return 0, err
		case len(c.Gaps) > 0:
			return 0, fmt.Errorf("reading the timestamp of entry %d: %w", middle, c.Gaps[0].Err)
		case stamp.Before(at):
			low = middle + 1
		default:
			high = middle
		}
	}
	return low, nil
}
