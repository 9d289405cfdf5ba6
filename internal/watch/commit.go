package watch

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/store"
)

// firstRetry and lastRetry bound the time until a gap is tried again.
const (
	firstRetry = time.Minute
	lastRetry  = 6 * time.Hour
)

// commit writes, all or nothing: the position up to which was read, the gaps
// before it, and what was found, with what is to be told of it.
func (f *follower) commit(ctx context.Context, to uint64, gaps []ctlog.Gap, found []*Sighting) error {
	from, now := f.state.Position, f.Now().UTC()
	told := 0
	err := f.update(ctx, func(tx *store.Tx) error {
		told = 0
		next := *f.state
		next.Position = to
		if err := tx.PutLog(&next, from); err != nil {
			return err
		}
		for _, g := range gaps {
			if err := tx.PutGap(f.state.ID, store.Gap{From: g.From, To: g.To, Error: cut(g.Err.Error()), Since: now, Retry: now.Add(firstRetry)}); err != nil {
				return err
			}
		}
		n, err := f.record(tx, found, now)
		told += n
		return err
	})
	if err != nil {
		return err
	}
	f.state.Position = to
	f.told(told)
	return nil
}

func (f *follower) told(n int) {
	if n > 0 {
		f.Told()
	}
}

// record stores what was found and puts what is news of it into the outbox.
func (f *follower) record(tx *store.Tx, found []*Sighting, now time.Time) (told int, err error) {
	for _, s := range found {
		m, err := f.tell(tx, s, now)
		if err != nil {
			return told, err
		}
		if m == nil {
			continue
		}
		m.judged(s.judged)
		fresh, err := notify(tx, m)
		if err != nil {
			return told, err
		}
		told += fresh
	}
	return told, nil
}

// tell stores an entry and gives what is to be told of it; nil where it is no news.
func (f *follower) tell(tx *store.Tx, s *Sighting, now time.Time) (_ *Message, err error) {
	index := s.Entry.Number
	if s.unreadable {
		m := f.message(KindOdd, fmt.Sprintf("%x:%d", f.state.ID, index), now)
		m.Index, m.Error = &index, fmt.Sprintf("the entry with the leaf hash %x is none that RFC 6962 has: no name can be ruled out", s.leafHash)
		return m, nil
	}
	if s.Entry.Evidence, err = json.Marshal(s.subject); err != nil {
		return nil, fmt.Errorf("keeping entry %d: %w", index, err)
	}
	news, err := tx.AddEntry(&s.Entry, now)
	expected := s.judged.Expected || f.Expected(s)
	if err != nil || !news.Certificate || expected && !f.TellExpected {
		return nil, err
	}
	m := f.message(KindCertificate, hex.EncodeToString(s.Entry.Identity[:]), now)
	m.Index, m.CertificateText, m.Expected = &index, s.text(news, s.signed), expected
	return m, nil
}

func notify(tx *store.Tx, m *Message) (told int, err error) {
	n, err := m.notification()
	if err != nil {
		return 0, fmt.Errorf("writing notification: %w", err)
	}
	fresh, err := tx.Notify(n)
	if fresh {
		told = 1
	}
	return told, err
}

func (f *follower) message(kind, id string, now time.Time) *Message {
	return &Message{
		Schema: Schema, ID: kind + ":" + id, Kind: kind, Found: now,
		Log: logName{Name: f.state.Name, ID: hex.EncodeToString(f.state.ID[:]), URL: f.state.URL},
	}
}

// retryGaps tries the gaps again whose time has come: few, so that the new entries
// never wait for the old ones.
func (f *follower) retryGaps(ctx context.Context, head *ct.TreeHead) error {
	const atOnce = 4
	var gaps []store.Gap
	err := f.Store.View(ctx, func(tx *store.Tx) (err error) {
		gaps, err = tx.Gaps(f.state.ID)
		return err
	})
	now, tried := f.Now(), 0
	for _, g := range gaps {
		if err != nil || tried == atOnce || ctx.Err() != nil {
			break
		}
		if g.Retry.After(now) || g.To > head.Size {
			continue
		}
		tried++
		err = f.retryGap(ctx, head, g)
	}
	return err
}

// retryGap reads a gap again. What is read of it leaves it; what stays is tried
// later, and told when it has stayed for long and the log is to blame.
func (f *follower) retryGap(ctx context.Context, head *ct.TreeHead, g store.Gap) error {
	const patience = 3
	c, found, err := f.entries(ctx, head, g.From, g.To)
	if err != nil {
		return err
	}
	now := f.Now().UTC()
	told := 0
	err = f.update(ctx, func(tx *store.Tx) error {
		if err := tx.RemoveGap(f.state.ID, g.From); err != nil {
			return err
		}
		for _, left := range c.Gaps {
			kept := store.Gap{From: left.From, To: left.To, Error: cut(left.Err.Error()), Since: g.Since, Tries: g.Tries + 1}
			kept.Retry = now.Add(min(firstRetry<<min(kept.Tries, 12), lastRetry))
			if err := tx.PutGap(f.state.ID, kept); err != nil {
				return err
			}
		}
		told, err = f.record(tx, found, now)
		if err != nil || len(c.Gaps) == 0 || g.Tries+1 < patience {
			return err
		}
		n, err := f.missing(tx, head, &c, g, now)
		told += n
		return err
	})
	if err == nil && len(c.Gaps) == 0 {
		f.Warn(fmt.Sprintf("%s: entries %d to %d could be read now", f.log.Name, g.From, g.To-1))
	}
	f.told(told)
	return err
}

// missing tells of entries that the log signed for and does not give.
func (f *follower) missing(tx *store.Tx, head *ct.TreeHead, c *ctlog.Coverage, g store.Gap, now time.Time) (int, error) {
	subject := ctlog.LogSubject(f.log, head, nil, c, now)
	if len(subject.Log.Missing) == 0 {
		return 0, nil // it could not be asked
	}
	m := f.message(KindMissing, fmt.Sprintf("%x:%d", f.state.ID, g.From), now)
	for _, r := range subject.Log.Missing {
		m.Ranges = append(m.Ranges, rangeText{r.From, r.To, r.Error})
	}
	f.judge(m, subject)
	return notify(tx, m)
}

// oddHead tells of a head that the log did not sign, or that is not of now: who
// shows one hides what was logged. It is told once a day for as long as it lasts,
// however many such heads there are.
func (f *follower) oddHead(ctx context.Context, what string, head *ct.TreeHead, cause error) error {
	now := f.Now().UTC()
	m := f.message(KindOddHead, fmt.Sprintf("%s:%x:%s", what, f.state.ID, now.Format(time.DateOnly)), now)
	m.Error = cut(cause.Error())
	f.judge(m, ctlog.LogSubject(f.log, head, nil, nil, now))
	return f.send(ctx, m)
}

// send puts a message by itself into the outbox.
func (f *follower) send(ctx context.Context, m *Message) error {
	told := 0
	err := f.update(ctx, func(tx *store.Tx) (err error) {
		told, err = notify(tx, m)
		return err
	})
	f.told(told)
	return err
}

func (f *follower) judge(m *Message, s *evidence.Subject) {
	if f.Judge != nil {
		m.judged(f.Judge(s, nil))
	}
}
