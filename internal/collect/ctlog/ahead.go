package ctlog

import (
	"context"
	"sync"
)

// maxAhead bounds the pages of an RFC 6962 log that are fetched at the same time:
// a page can have 5 MB, and operators dislike crowds.
const maxAhead = 4

// An ahead fetches the pages of a range before they are asked for. How many
// entries a page has is the log's choice, so that the first one is awaited: all
// others are asked for in slots of that size, a slot again where less comes.
type ahead struct {
	fetch func(ctx context.Context, from, to uint64) ([]entryJSON, error)
	ctx   context.Context
	stop  func()

	at, to uint64
	slots  chan *slot  // in order; nil until the first page is there
	rest   []entryJSON // of the page that was handed out last
	err    error       // what ended the reading
}

// A slot is a part of the range on its way.
type slot struct {
	from, to uint64
	entries  []entryJSON
	err      error
	done     chan struct{}
}

// ahead prepares to read a range. Nothing is asked for before next is called, and
// stop has to be called in the end; it waits for all that is under way.
func (r *rfc6962) ahead(ctx context.Context, from, to uint64) *ahead {
	ctx, cancel := context.WithCancel(ctx)
	a := &ahead{fetch: r.page, ctx: ctx, at: from, to: to, stop: cancel}
	a.start(min(max(r.options.Concurrency, 1), maxAhead), uint64(r.options.Page), cancel)
	return a
}

// start makes stop wait for the goroutines that begin once the first page is
// there.
func (a *ahead) start(workers int, page uint64, cancel func()) {
	var wait sync.WaitGroup
	a.stop = func() {
		cancel()
		wait.Wait()
	}
	first := a.fetch
	a.fetch = func(ctx context.Context, from, to uint64) ([]entryJSON, error) {
		entries, err := first(ctx, from, min(to, from+page))
		if size := uint64(len(entries)); err == nil && from+size < to {
			a.feed(&wait, workers, first, from+size, size)
		}
		return entries, err
	}
}

// feed fetches slots of the same size, so many at a time.
func (a *ahead) feed(wait *sync.WaitGroup, workers int, fetch func(context.Context, uint64, uint64) ([]entryJSON, error), from, size uint64) {
	a.slots = make(chan *slot, workers)
	work := make(chan *slot)
	wait.Go(func() {
		defer close(a.slots)
		defer close(work)
		for ; from < a.to; from += size {
			s := &slot{from: from, to: min(a.to, from+size), done: make(chan struct{})}
			for _, queue := range []chan *slot{a.slots, work} {
				select {
				case queue <- s:
				case <-a.ctx.Done():
					return
				}
			}
		}
	})
	for range workers {
		wait.Go(func() {
			for s := range work {
				s.fill(a.ctx, fetch)
			}
		})
	}
}

// fill asks until the slot is full, which a log may do in pieces.
func (s *slot) fill(ctx context.Context, fetch func(context.Context, uint64, uint64) ([]entryJSON, error)) {
	defer close(s.done)
	for at := s.from; at < s.to; {
		page, err := fetch(ctx, at, s.to)
		if err != nil {
			s.err = err
			return
		}
		s.entries = append(s.entries, page...)
		at += uint64(len(page))
	}
}

// next gives the entries that follow, at most so many, and at least one where
// there is no error.
func (a *ahead) next(most uint64) ([]entryJSON, error) {
	if len(a.rest) == 0 {
		if a.err != nil {
			return nil, a.err
		}
		a.rest, a.err = a.page()
		if len(a.rest) == 0 {
			return nil, a.err
		}
	}
	n := min(most, uint64(len(a.rest)))
	out := a.rest[:n]
	a.rest = a.rest[n:]
	return out, nil
}

// page waits for the next page. It may be given together with the error that ends
// the reading behind it.
func (a *ahead) page() ([]entryJSON, error) {
	if a.slots == nil {
		return a.fetch(a.ctx, a.at, a.to)
	}
	select {
	case s, ok := <-a.slots:
		if !ok {
			return nil, context.Cause(a.ctx)
		}
		select {
		case <-s.done:
			return s.entries, s.err
		case <-a.ctx.Done():
		}
	case <-a.ctx.Done():
	}
	return nil, context.Cause(a.ctx)
}
