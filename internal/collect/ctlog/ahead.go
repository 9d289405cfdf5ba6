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
	fetch fetchPage
	ctx   context.Context
	stop  func()

	at, to uint64
	slots  chan *slot  // in order; nil until the first page is there
	pages  []*page     // that are there, in order; the first is being handed out
	rest   []entryJSON // what is left of that one
	err    error       // what ended the reading
	spare  spares[*page]
}

// A fetchPage fills a page with entries from one index to another, as many as the
// log likes.
type fetchPage func(ctx context.Context, p *page, from, to uint64) error

// A slot is a part of the range on its way.
type slot struct {
	from, to uint64
	pages    []*page // each with at least one entry
	err      error
	done     chan struct{}
}

// ahead prepares to read a range. Nothing is asked for before next is called, and
// stop has to be called in the end; it waits for all that is under way.
func (r *rfc6962) ahead(ctx context.Context, from, to uint64) *ahead {
	ctx, cancel := context.WithCancel(ctx)
	a := &ahead{fetch: r.page, ctx: ctx, at: from, to: to, stop: cancel, spare: make(spares[*page], maxAhead+2)}
	a.start(min(max(r.options.Concurrency, 1), maxAhead), uint64(r.options.Page), cancel)
	return a
}

// start makes stop wait for the goroutines that begin once the first page is
// there.
func (a *ahead) start(workers int, size uint64, cancel func()) {
	var wait sync.WaitGroup
	a.stop = func() {
		cancel()
		wait.Wait()
	}
	first := a.fetch
	a.fetch = func(ctx context.Context, p *page, from, to uint64) error {
		err := first(ctx, p, from, min(to, from+size))
		if n := uint64(len(p.entries)); err == nil && from+n < to {
			a.feed(&wait, workers, first, from+n, n)
		}
		return err
	}
}

// feed fetches slots of the same size, so many at a time.
func (a *ahead) feed(wait *sync.WaitGroup, workers int, fetch fetchPage, from, size uint64) {
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
				s.fill(a.ctx, fetch, a.spare)
			}
		})
	}
}

// fill asks until the slot is full, which a log may do in pieces.
func (s *slot) fill(ctx context.Context, fetch fetchPage, spare spares[*page]) {
	defer close(s.done)
	for at := s.from; at < s.to; {
		p := spare.get(newPage)
		if s.err = fetch(ctx, p, at, s.to); s.err != nil {
			return
		}
		s.pages = append(s.pages, p)
		at += uint64(len(p.entries))
	}
}

// next gives the entries that follow, at most so many, and at least one where
// there is no error. They hold until it is called again.
func (a *ahead) next(most uint64) ([]entryJSON, error) {
	if len(a.rest) == 0 {
		if len(a.pages) > 0 {
			a.spare.put(a.pages[0])
			a.pages = a.pages[1:]
		}
		if len(a.pages) == 0 {
			if a.err != nil {
				return nil, a.err
			}
			if a.pages, a.err = a.more(); len(a.pages) == 0 {
				return nil, a.err
			}
		}
		a.rest = a.pages[0].entries
	}
	n := min(most, uint64(len(a.rest)))
	out := a.rest[:n]
	a.rest = a.rest[n:]
	return out, nil
}

// more waits for the next pages. They may be given together with the error that
// ends the reading behind them.
func (a *ahead) more() ([]*page, error) {
	if a.slots == nil {
		p := a.spare.get(newPage)
		if err := a.fetch(a.ctx, p, a.at, a.to); err != nil {
			return nil, err
		}
		return []*page{p}, nil
	}
	select {
	case s, ok := <-a.slots:
		if !ok {
			return nil, context.Cause(a.ctx)
		}
		select {
		case <-s.done:
			return s.pages, s.err
		case <-a.ctx.Done():
		}
	case <-a.ctx.Done():
	}
	return nil, context.Cause(a.ctx)
}
