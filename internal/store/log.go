package store

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/certassay/certassay/internal/ct"
)

// A Log is how far a log was read. Sizes and positions are numbers of entries.
type Log struct {
	ID                  [32]byte
	Name, URL, Protocol string
	// Key is the SubjectPublicKeyInfo with which the head was verified; empty where
	// the log could not even be opened.
	Key []byte
	// Start is the first entry that was ever asked for, Position the next one
	// to read: all between were read, but for the gaps.
	Start, Position uint64
	// Head is the newest tree head that was verified, and that every later one
	// has to continue; nil before the first.
	Head *ct.TreeHead
	// Succeeded and Failed are when the log was last asked with and without
	// success; zero for never. Error says what failed; empty after a success.
	Succeeded, Failed time.Time
	Error             string
	// Failures counts those since the last success.
	Failures int
}

const logColumns = `id, name, url, protocol, key, start, position, head_size, head_time, head_root, head_signature,
  succeeded, failed, error, failures`

func scanLog(scan func(...any) error) (*Log, error) {
	var l Log
	var id, root, signature []byte
	var size, at, succeeded, failed sql.NullInt64
	err := scan(&id, &l.Name, &l.URL, &l.Protocol, &l.Key, &l.Start, &l.Position, &size, &at, &root, &signature,
		&succeeded, &failed, &l.Error, &l.Failures)
	if err != nil {
		return nil, err
	}
	l.ID = [32]byte(id)
	l.Succeeded, l.Failed = timeOf(succeeded), timeOf(failed)
	if size.Valid && len(root) == 32 {
		l.Head = &ct.TreeHead{Size: uint64(size.Int64), Time: timeOf(at), Root: [32]byte(root), Signature: signature}
	}
	return &l, nil
}

// Log gives what is known of a log; nil where it was never read.
func (t *Tx) Log(id [32]byte) (*Log, error) {
	var out *Log
	err := t.each(func(scan func(...any) error) (err error) {
		out, err = scanLog(scan)
		return err
	}, "SELECT "+logColumns+" FROM logs WHERE id = ?", id[:])
	return out, err
}

// Logs gives every log that was ever read, by name.
func (t *Tx) Logs() (out []*Log, err error) {
	err = t.each(func(scan func(...any) error) error {
		l, err := scanLog(scan)
		out = append(out, l)
		return err
	}, "SELECT "+logColumns+" FROM logs ORDER BY name, id")
	return out, err
}

// PutLog writes all that is known of a log, but for its gaps. from is the
// position that the caller read before: where the stored one is another, the
// error is [ErrMoved] and nothing is written. A log that is not stored has none.
func (t *Tx) PutLog(l *Log, from uint64) error {
	stored, err := t.Log(l.ID)
	if err != nil {
		return err
	}
	if stored != nil && stored.Position != from {
		return fmt.Errorf("%s: entry %d, not %d: %w", l.Name, stored.Position, from, ErrMoved)
	}
	var size, at sql.NullInt64
	var root, signature []byte
	if h := l.Head; h != nil {
		size, at = sql.NullInt64{Int64: int64(h.Size), Valid: true}, millis(h.Time)
		root, signature = h.Root[:], h.Signature
	}
	key := l.Key
	if key == nil {
		key = []byte{} // of a log that could not be opened yet; nil would be NULL
	}
	_, err = t.exec("INSERT INTO logs ("+logColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET name = excluded.name, url = excluded.url, protocol = excluded.protocol, key = excluded.key,
  start = excluded.start, position = excluded.position, head_size = excluded.head_size, head_time = excluded.head_time,
  head_root = excluded.head_root, head_signature = excluded.head_signature, succeeded = excluded.succeeded,
  failed = excluded.failed, error = excluded.error, failures = excluded.failures`,
		l.ID[:], l.Name, l.URL, l.Protocol, key, int64(l.Start), int64(l.Position), size, at, root, signature,
		millis(l.Succeeded), millis(l.Failed), l.Error, l.Failures)
	return err
}

// A Gap is a range of entries, To exclusive, that were passed over because they
// could not be read or verified. Nothing is known of them.
type Gap struct {
	From, To uint64
	Error    string
	// Since is when it was met first, Tries how often it was tried, and Retry
	// when to try again.
	Since time.Time
	Tries int
	Retry time.Time
}

// Gaps gives the gaps of a log, in order.
func (t *Tx) Gaps(log [32]byte) (out []Gap, err error) {
	err = t.each(func(scan func(...any) error) error {
		var g Gap
		var since, retry sql.NullInt64
		err := scan(&g.From, &g.To, &g.Error, &since, &g.Tries, &retry)
		g.Since, g.Retry = timeOf(since), timeOf(retry)
		out = append(out, g)
		return err
	}, "SELECT start, stop, error, since, tries, retry FROM gaps WHERE log = ? ORDER BY start", log[:])
	return out, err
}

// PutGap adds a gap, or writes anew the one that begins at the same entry.
func (t *Tx) PutGap(log [32]byte, g Gap) error {
	_, err := t.exec("INSERT OR REPLACE INTO gaps (log, start, stop, error, since, tries, retry) VALUES (?, ?, ?, ?, ?, ?, ?)",
		log[:], int64(g.From), int64(g.To), g.Error, g.Since.UnixMilli(), g.Tries, g.Retry.UnixMilli())
	return err
}

// RemoveGap removes the gap that begins at an entry.
func (t *Tx) RemoveGap(log [32]byte, from uint64) error {
	_, err := t.exec("DELETE FROM gaps WHERE log = ? AND start = ?", log[:], int64(from))
	return err
}
