package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// File is the name of the database in a state directory.
const File = "state.db"

// patience is how long a process waits for the transaction of another one.
const patience = 15 * time.Second

// A Store is an open state directory. It is safe for concurrent use; use
// [Open].
type Store struct {
	db  *sql.DB
	dir string
}

// Open opens the state of a directory, makes both where they are missing, and
// brings the schema up to date. A file that is damaged is [ErrCorrupt], one of a
// newer version [ErrNewer], and one of another program [ErrForeign]; nothing is
// changed then.
func Open(ctx context.Context, dir string) (*Store, error) { return open(ctx, dir, steps) }

func open(ctx context.Context, dir string, steps []string) (*Store, error) {
	doing := "opening state in " + dir
	// Names that are watched, and addresses to notify, are nobody else's matter.
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, &stateError{ErrReadOnly, doing, err}
	}
	s, err := connect(ctx, dir, "rwc")
	if err != nil {
		return nil, explain(doing, err)
	}
	// The file is looked at before anything of it is changed.
	if err = s.check(ctx, len(steps)); err == nil {
		_, err = s.db.ExecContext(ctx, "PRAGMA journal_mode = WAL")
	}
	if err == nil {
		err = migrate(ctx, s.db, steps)
	}
	if err != nil {
		return nil, explain(doing, errors.Join(err, s.Close()))
	}
	return s, nil
}

// Read opens the state of a directory to look at it, also while another process
// writes. [ErrMissing] says that there is none.
func Read(ctx context.Context, dir string) (*Store, error) {
	doing := "reading state in " + dir
	if _, err := os.Stat(filepath.Join(dir, File)); errors.Is(err, fs.ErrNotExist) {
		return nil, &stateError{ErrMissing, doing, nil}
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	s, err := connect(ctx, dir, "ro")
	if err != nil {
		return nil, explain(doing, err)
	}
	version, err := s.version(ctx, len(steps))
	if err == nil && version < len(steps) {
		err = fmt.Errorf("its schema is %d of %d: the next \"certassay ct watch\" brings it up to date", version, len(steps))
	}
	if err != nil {
		return nil, explain(doing, errors.Join(err, s.Close()))
	}
	return s, nil
}

func connect(ctx context.Context, dir, mode string) (*Store, error) {
	path, err := filepath.Abs(filepath.Join(dir, File))
	if err != nil {
		return nil, err
	}
	name := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	q := url.Values{"mode": {mode}, "_txlock": {"immediate"}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", patience.Milliseconds()), "foreign_keys(1)", "trusted_schema(0)",
	}}
	if mode == "ro" {
		q.Set("_txlock", "deferred")
	} else {
		// FULL: what was committed survives the loss of power, or a
		// notification that was sent would be sent again.
		q["_pragma"] = append(q["_pragma"], "synchronous(FULL)")
	}
	name.RawQuery = q.Encode()
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, err
	}
	// One connection: within a process transactions queue here, where waiting
	// costs nothing, and not at the file.
	db.SetMaxOpenConns(1)
	s := &Store{db: db, dir: dir}
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// check has SQLite look at the structure of the whole file: a page that is
// damaged shows itself now and not in the middle of the night.
func (s *Store) check(ctx context.Context, known int) error {
	if _, err := s.version(ctx, known); err != nil {
		return err
	}
	var answer string
	if err := s.db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&answer); err != nil {
		return err
	}
	if answer != "ok" {
		return &stateError{kind: ErrCorrupt, cause: errors.New(answer)}
	}
	return nil
}

// version is the number of schema steps that the file has; more than known are
// refused.
func (s *Store) version(ctx context.Context, known int) (version int, err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	version, err = versionOf(ctx, tx)
	if err == nil && version > known {
		err = &stateError{kind: ErrNewer, cause: fmt.Errorf("its schema is %d, this version knows %d", version, known)}
	}
	return version, err
}

// Dir is the state directory.
func (s *Store) Dir() string { return s.dir }

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

// Hold takes a role that one process can have at a time, such as "watch", and
// gives what ends it; a process that dies loses it. Where another process has it
// the error is a [*HeldError].
func (s *Store) Hold(ctx context.Context, role string, pid int, now time.Time) (release func() error, err error) {
	lock := flock.New(filepath.Join(s.dir, role+".lock"), flock.SetPermissions(0o600))
	taken, err := lock.TryLock()
	if err == nil && !taken {
		// Holder looks at the lock for a moment: that is nobody who holds it.
		wait, stop := context.WithTimeout(ctx, holdWait)
		taken, err = lock.TryLockContext(wait, holdWait/10)
		stop()
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		taken, err = false, nil
	}
	if err != nil {
		return nil, &stateError{ErrReadOnly, "locking " + s.dir, err}
	}
	if !taken {
		return nil, s.holder(ctx, role)
	}
	_, err = s.db.ExecContext(ctx, "INSERT OR REPLACE INTO holders (role, pid, since) VALUES (?, ?, ?)", role, pid, now.UnixMilli())
	if err != nil {
		return nil, explain("locking "+s.dir, errors.Join(err, lock.Unlock()))
	}
	return lock.Unlock, nil
}

// holdWait is how long [Store.Hold] waits for a lock.
const holdWait = 250 * time.Millisecond

func (s *Store) holder(ctx context.Context, role string) *HeldError {
	held := &HeldError{Role: role, Dir: s.dir}
	var since int64
	if err := s.db.QueryRowContext(ctx, "SELECT pid, since FROM holders WHERE role = ?", role).Scan(&held.PID, &since); err == nil {
		held.Since = time.UnixMilli(since).UTC()
	}
	return held
}

// Holder says who has a role now, as [Store.Hold] would say it; nil where nobody
// has. It takes nothing from anybody.
func (s *Store) Holder(ctx context.Context, role string) (*HeldError, error) {
	path := filepath.Join(s.dir, role+".lock")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY))
	free, err := lock.TryRLock()
	switch {
	case err != nil:
		return nil, &stateError{ErrReadOnly, "looking at the lock of " + s.dir, err}
	case free:
		return nil, lock.Unlock()
	}
	return s.holder(ctx, role), nil
}

// A Tx is a transaction. It ends with the function that it was made for.
type Tx struct {
	ctx context.Context
	tx  *sql.Tx
}

// Update runs a transaction that writes. When it returns without an error all of
// it is on the disk; else nothing is.
func (s *Store) Update(ctx context.Context, do func(*Tx) error) error {
	return s.run(ctx, "writing state", do)
}

// View runs a transaction that reads: all that it sees is of one moment.
func (s *Store) View(ctx context.Context, do func(*Tx) error) error {
	return s.run(ctx, "reading state", do)
}

func (s *Store) run(ctx context.Context, doing string, do func(*Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return explain(doing, err)
	}
	defer func() { _ = tx.Rollback() }() // of no effect after the commit
	if err := do(&Tx{ctx, tx}); err != nil {
		return explain(doing, err)
	}
	return explain(doing, tx.Commit())
}

func (t *Tx) exec(query string, args ...any) (changed int64, err error) {
	result, err := t.tx.ExecContext(t.ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// each calls row for every row of an answer.
func (t *Tx) each(row func(scan func(...any) error) error, query string, args ...any) error {
	rows, err := t.tx.QueryContext(t.ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err says what went wrong
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// millis writes a time; the zero time is NULL.
func millis(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: !t.IsZero()}
}

func timeOf(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMilli(n.Int64).UTC()
}
