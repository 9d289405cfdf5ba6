package store

import "time"

// An Entry is a log entry that matched.
type Entry struct {
	Log    [32]byte
	Number uint64 // index in the log
	// Identity is what a precertificate and its certificate have in common, in
	// whatever log they are: the SHA-256 of what the CA decided to sign.
	Identity [32]byte
	// Serial is a hash of issuer name and serial number.
	Serial [32]byte
	// Hash is the SHA-256 of the certificate, or of a precertificate's
	// TBSCertificate.
	Hash    [32]byte
	Precert bool
	Time    time.Time // when the log took it
	// Evidence is all that was seen of the entry, in a form of the caller's. It is
	// kept once for the precertificate and once for the certificate, whatever
	// number of logs they are in; nil elsewhere.
	Evidence []byte
}

// News is what an entry adds to what was known.
type News struct {
	// Entry says that it was not stored before, Certificate that nothing with
	// its identity was.
	Entry, Certificate bool
	// SameSerial are other certificates of the same issuer with the same
	// number, of which there must be none (RFC 5280 section 4.1.2.2).
	SameSerial [][32]byte
}

// AddEntry stores an entry; one that is stored already stays as it is. now is
// when it was seen.
func (t *Tx) AddEntry(e *Entry, now time.Time) (news News, err error) {
	err = t.each(func(scan func(...any) error) error {
		var other []byte
		err := scan(&other)
		if err == nil && len(other) == 32 {
			news.SameSerial = append(news.SameSerial, [32]byte(other))
		}
		return err
	}, "SELECT identity FROM certificates WHERE serial = ? AND identity <> ? ORDER BY identity LIMIT 10", e.Serial[:], e.Identity[:])
	if err != nil {
		return news, err
	}
	n, err := t.exec("INSERT INTO certificates (identity, serial, first) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", e.Identity[:], e.Serial[:], now.UnixMilli())
	if err != nil {
		return news, err
	}
	news.Certificate = n > 0
	n, err = t.exec(`INSERT INTO entries (log, number, identity, hash, precertificate, time, evidence)
  SELECT ?1, ?2, ?3, ?4, ?5, ?6, iif(EXISTS (SELECT 1 FROM entries WHERE identity = ?3 AND precertificate = ?5 AND evidence IS NOT NULL), NULL, ?7)
  WHERE true ON CONFLICT DO NOTHING`,
		e.Log[:], int64(e.Number), e.Identity[:], e.Hash[:], e.Precert, e.Time.UnixMilli(), e.Evidence)
	news.Entry = n > 0
	return news, err
}

// Entries gives where a certificate was logged, in the order it was met.
func (t *Tx) Entries(identity [32]byte) (out []Entry, err error) {
	err = t.each(func(scan func(...any) error) error {
		e := Entry{Identity: identity}
		var log, serial, hash []byte
		var at int64
		err := scan(&log, &e.Number, &serial, &hash, &e.Precert, &at)
		if err == nil {
			e.Log, e.Serial, e.Hash, e.Time = [32]byte(log), [32]byte(serial), [32]byte(hash), time.UnixMilli(at).UTC()
		}
		out = append(out, e)
		return err
	}, "SELECT log, number, serial, hash, precertificate, time FROM entries JOIN certificates USING (identity) WHERE identity = ? ORDER BY time, log, number", identity[:])
	return out, err
}

// EachEntry shows all entries with their evidence, in the order of their time. An
// error of visit ends it.
func (t *Tx) EachEntry(visit func(*Entry) error) error {
	return t.each(func(scan func(...any) error) error {
		var e Entry
		var log, identity, serial, hash []byte
		var at int64
		err := scan(&log, &e.Number, &identity, &serial, &hash, &e.Precert, &at, &e.Evidence)
		if err != nil {
			return err
		}
		e.Log, e.Identity, e.Serial, e.Hash = [32]byte(log), [32]byte(identity), [32]byte(serial), [32]byte(hash)
		e.Time = time.UnixMilli(at).UTC()
		return visit(&e)
	}, "SELECT log, number, identity, serial, hash, precertificate, time, evidence FROM entries JOIN certificates USING (identity) ORDER BY time, log, number")
}

// SetWatched says what is looked for from now on. What was looked for before stays
// since when it was.
func (t *Tx) SetWatched(names []string, now time.Time) error {
	before, err := t.Watched()
	if err != nil {
		return err
	}
	if _, err := t.exec("DELETE FROM watched"); err != nil {
		return err
	}
	for _, name := range names {
		since := now
		if at, ok := before[name]; ok {
			since = at
		}
		if _, err := t.exec("INSERT INTO watched (name, since) VALUES (?, ?) ON CONFLICT DO NOTHING", name, since.UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}

// Watched gives what is looked for, and since when.
func (t *Tx) Watched() (map[string]time.Time, error) {
	out := map[string]time.Time{}
	err := t.each(func(scan func(...any) error) error {
		var name string
		var since int64
		err := scan(&name, &since)
		out[name] = time.UnixMilli(since).UTC()
		return err
	}, "SELECT name, since FROM watched")
	return out, err
}

// Seen counts the certificates that were seen.
func (t *Tx) Seen() (n int, err error) {
	err = t.tx.QueryRowContext(t.ctx, "SELECT count(*) FROM certificates").Scan(&n)
	return n, err
}
