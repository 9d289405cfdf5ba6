package store

import (
	"database/sql"
	"time"
)

// An Observation is a key and certificate that a host showed: what a notary
// keeps.
type Observation struct {
	// Name is the DNS name or address that was asked for, Address the IP
	// address and port that answered, Vantage where it was asked from.
	Name, Address, Vantage string
	// SPKI is the SHA-256 of the leaf's SubjectPublicKeyInfo, Leaf that of the
	// leaf.
	SPKI, Leaf [32]byte
	// First and Last are when it was seen, Times how often.
	First, Last time.Time
	Times       int
	// Logged says whether the certificate is in a CT log; nil where nobody
	// looked.
	Logged *bool
}

// Observe notes that something was seen at o.Last. First and Times of o are not
// read. A nil Logged leaves what is known.
func (t *Tx) Observe(o *Observation) error {
	var logged sql.NullBool
	if o.Logged != nil {
		logged = sql.NullBool{Bool: *o.Logged, Valid: true}
	}
	at := o.Last.UnixMilli()
	_, err := t.exec(`INSERT INTO observations (name, address, vantage, spki, leaf, first, last, times, logged) VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?)
  ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last), times = times + 1, logged = ifnull(excluded.logged, logged)`,
		o.Name, o.Address, o.Vantage, o.SPKI[:], o.Leaf[:], at, at, logged)
	return err
}

// Observations gives what was seen of a name, or of all where it is empty, in the
// order in which it was first seen.
func (t *Tx) Observations(name string) (out []Observation, err error) {
	err = t.each(func(scan func(...any) error) error {
		var o Observation
		var spki, leaf []byte
		var first, last int64
		var logged sql.NullBool
		if err := scan(&o.Name, &o.Address, &o.Vantage, &spki, &leaf, &first, &last, &o.Times, &logged); err != nil {
			return err
		}
		o.SPKI, o.Leaf = [32]byte(spki), [32]byte(leaf)
		o.First, o.Last = time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC()
		if logged.Valid {
			o.Logged = &logged.Bool
		}
		out = append(out, o)
		return nil
	}, `SELECT name, address, vantage, spki, leaf, first, last, times, logged FROM observations
  WHERE ? = '' OR name = ? ORDER BY name, first, address, vantage, spki, leaf`, name, name)
	return out, err
}
