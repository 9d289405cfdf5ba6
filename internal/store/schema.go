package store

import (
	"context"
	"database/sql"
	"fmt"
)

// application marks the file as one of this program: "cass".
const application = 0x63617373

// steps build the schema, each from what the ones before it left. A step that was
// released never changes; what is missing is added by another one. Times are
// milliseconds since 1970, hashes their octets.
var steps = []string{`
CREATE TABLE logs (
  id BLOB PRIMARY KEY CHECK (length(id) = 32),
  name TEXT NOT NULL, url TEXT NOT NULL, protocol TEXT NOT NULL, key BLOB NOT NULL,
  start INTEGER NOT NULL,
  position INTEGER NOT NULL CHECK (position >= 0),
  head_size INTEGER, head_time INTEGER, head_root BLOB, head_signature BLOB,
  succeeded INTEGER, failed INTEGER, error TEXT NOT NULL DEFAULT '', failures INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE gaps (
  log BLOB NOT NULL REFERENCES logs(id), start INTEGER NOT NULL, stop INTEGER NOT NULL CHECK (stop > start),
  error TEXT NOT NULL, since INTEGER NOT NULL, tries INTEGER NOT NULL, retry INTEGER NOT NULL,
  PRIMARY KEY (log, start)
) STRICT, WITHOUT ROWID;

CREATE TABLE certificates (
  identity BLOB PRIMARY KEY CHECK (length(identity) = 32),
  serial BLOB NOT NULL,
  first INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX certificates_serial ON certificates (serial);

CREATE TABLE entries (
  log BLOB NOT NULL REFERENCES logs(id), number INTEGER NOT NULL,
  identity BLOB NOT NULL REFERENCES certificates(identity),
  hash BLOB NOT NULL, precertificate INTEGER NOT NULL, time INTEGER NOT NULL,
  PRIMARY KEY (log, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX entries_identity ON entries (identity);

CREATE TABLE receivers (
  name TEXT PRIMARY KEY, offset INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE notifications (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, created INTEGER NOT NULL, body BLOB
) STRICT;
CREATE INDEX notifications_open ON notifications (number) WHERE body IS NOT NULL;

CREATE TABLE deliveries (
  receiver TEXT NOT NULL REFERENCES receivers(name) ON DELETE CASCADE,
  number INTEGER NOT NULL REFERENCES notifications(number),
  tries INTEGER NOT NULL DEFAULT 0, retry INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (receiver, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_number ON deliveries (number);

CREATE TABLE holders (role TEXT PRIMARY KEY, pid INTEGER NOT NULL, since INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`, `
CREATE TABLE observations (
  name TEXT NOT NULL, address TEXT NOT NULL, vantage TEXT NOT NULL,
  spki BLOB NOT NULL CHECK (length(spki) = 32), leaf BLOB NOT NULL CHECK (length(leaf) = 32),
  first INTEGER NOT NULL, last INTEGER NOT NULL, times INTEGER NOT NULL,
  logged INTEGER,
  PRIMARY KEY (name, address, vantage, spki, leaf)
) STRICT, WITHOUT ROWID;
CREATE INDEX observations_spki ON observations (spki);
`, `
ALTER TABLE entries ADD COLUMN evidence BLOB;
CREATE TABLE watched (name TEXT PRIMARY KEY, since INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`, `
CREATE TABLE configuration (
  one INTEGER PRIMARY KEY CHECK (one = 1), taken INTEGER NOT NULL, failed INTEGER, error TEXT NOT NULL DEFAULT ''
) STRICT;
`}

// migrate takes the steps that the file lacks, all in one transaction: a process
// that is killed meanwhile, or two that begin at once, leave no half of it.
func migrate(ctx context.Context, db *sql.DB, steps []string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // of no effect after the commit
	version, err := versionOf(ctx, tx)
	if err != nil {
		return err
	}
	for i := version; i < len(steps); i++ {
		if _, err := tx.ExecContext(ctx, steps[i]); err != nil {
			return fmt.Errorf("taking step %d of the schema: %w", i+1, err)
		}
	}
	if version < len(steps) {
		// Both numbers are in the file's header and part of the transaction.
		mark := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", application, len(steps))
		if _, err := tx.ExecContext(ctx, mark); err != nil {
			return fmt.Errorf("marking the schema: %w", err)
		}
	}
	return tx.Commit()
}

// versionOf is the number of steps taken, 0 for a new file. The file of another
// program is refused.
func versionOf(ctx context.Context, tx *sql.Tx) (version int, err error) {
	var owner, tables int
	for query, into := range map[string]*int{
		"PRAGMA application_id": &owner, "PRAGMA user_version": &version, "SELECT count(*) FROM sqlite_schema": &tables,
	} {
		if err := tx.QueryRowContext(ctx, query).Scan(into); err != nil {
			return 0, err
		}
	}
	if owner != application && (owner != 0 || version != 0 || tables != 0) {
		return 0, &stateError{kind: ErrForeign}
	}
	return version, nil
}
