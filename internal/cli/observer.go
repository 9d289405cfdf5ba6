package cli

import (
	"context"
	"time"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/store"
)

// A batch is written when it has so many observations, or is so old: each
// transaction waits for the disk, and a run that is killed loses one batch.
const (
	batchSize = 256
	batchAge  = 10 * time.Second
)

// An observer notes in a store which keys servers showed.
type observer struct {
	ctx     context.Context // of the run, without its end: what was seen is kept
	store   *store.Store
	pending []store.Observation
	since   time.Time
}

func newObserver(ctx context.Context, dir string) (*observer, error) {
	s, err := store.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	return &observer{ctx: context.WithoutCancel(ctx), store: s, since: audit.Now()}, nil
}

// add notes the leaf of a live server. Where nothing was served nothing was seen.
func (o *observer) add(e *evidence.Subject, j audit.Judged) error {
	if j.Answer == nil || e.Seen.IsZero() {
		return nil
	}
	address := e.Address
	if address == "" && len(e.Handshakes) > 0 {
		address = e.Handshakes[0].Address // the name and port that a proxy was given
	}
	o.pending = append(o.pending, store.Observation{
		Name: e.Name, Address: address, Vantage: e.Vantage, SPKI: j.Answer.Key, Leaf: j.Answer.Leaf,
		Last: e.Seen.UTC(), Logged: j.Answer.Logged,
	})
	if len(o.pending) < batchSize && audit.Now().Sub(o.since) < batchAge {
		return nil
	}
	return o.flush()
}

func (o *observer) flush() error {
	o.since = audit.Now()
	if len(o.pending) == 0 {
		return nil
	}
	err := o.store.Update(o.ctx, func(tx *store.Tx) error {
		for i := range o.pending {
			if err := tx.Observe(&o.pending[i]); err != nil {
				return err
			}
		}
		return nil
	})
	o.pending = o.pending[:0]
	return err
}

func (o *observer) close() error { return closing(o.flush(), o.store.Close()) }
