package store

import (
	"fmt"
	"slices"
	"time"
)

// A Notification is something to be told to every receiver. It is written in the
// transaction that finds it, and delivered from there afterwards, so that none is
// lost and none is made twice.
type Notification struct {
	// Number is the order; [Tx.Notify] gives it.
	Number int64
	// ID is the same whenever the same thing is found: a receiver that meets an
	// id again can pass it over.
	ID string
	// Kind says what it is about.
	Kind    string
	Created time.Time
	// Body is what is sent.
	Body []byte
}

// SetReceivers says who is told: what waits for one that is no longer among them
// is dropped, and counted; a new one is told of what is found from now on.
func (t *Tx) SetReceivers(names []string) (dropped int, err error) {
	var gone []string
	err = t.each(func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		if !slices.Contains(names, name) {
			gone = append(gone, name)
		}
		return err
	}, "SELECT name FROM receivers")
	if err != nil {
		return 0, err
	}
	for _, name := range gone {
		n, err := t.exec("DELETE FROM deliveries WHERE receiver = ?", name)
		if err != nil {
			return dropped, err
		}
		dropped += int(n)
		if _, err := t.exec("DELETE FROM receivers WHERE name = ?", name); err != nil {
			return dropped, err
		}
	}
	for _, name := range names {
		if _, err := t.exec("INSERT INTO receivers (name) VALUES (?) ON CONFLICT DO NOTHING", name); err != nil {
			return dropped, err
		}
	}
	return dropped, t.forgetBodies()
}

// Notify puts a notification into the outbox of every receiver. One whose id was
// notified before is passed over, and fresh is false.
func (t *Tx) Notify(n *Notification) (fresh bool, err error) {
	added, err := t.exec("INSERT INTO notifications (id, kind, created, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", n.ID, n.Kind, n.Created.UnixMilli(), n.Body)
	if err != nil || added == 0 {
		return false, err
	}
	if err := t.tx.QueryRowContext(t.ctx, "SELECT number FROM notifications WHERE id = ?", n.ID).Scan(&n.Number); err != nil {
		return false, err
	}
	_, err = t.exec("INSERT INTO deliveries (receiver, number) SELECT name, ? FROM receivers", n.Number)
	return true, err
}

// A Delivery is a notification on its way to one receiver.
type Delivery struct {
	Notification
	Tries int
	Retry time.Time
}

// Waiting gives what is to be delivered to a receiver, in order and at most limit
// of them: those whose time has come, or all where now is zero.
func (t *Tx) Waiting(receiver string, now time.Time, limit int) (out []Delivery, err error) {
	until := int64(1) << 62
	if !now.IsZero() {
		until = now.UnixMilli()
	}
	err = t.each(func(scan func(...any) error) error {
		var d Delivery
		var created, retry int64
		err := scan(&d.Number, &d.ID, &d.Kind, &created, &d.Body, &d.Tries, &retry)
		d.Created, d.Retry = time.UnixMilli(created).UTC(), time.UnixMilli(retry).UTC()
		out = append(out, d)
		return err
	}, `SELECT n.number, n.id, n.kind, n.created, n.body, d.tries, d.retry FROM deliveries d JOIN notifications n USING (number)
  WHERE d.receiver = ? AND d.retry <= ? ORDER BY n.number LIMIT ?`, receiver, until, limit)
	return out, err
}

// Next is when the next delivery to a receiver is due; zero where none waits.
func (t *Tx) Next(receiver string) (time.Time, error) {
	var at, n int64
	err := t.tx.QueryRowContext(t.ctx, "SELECT count(*), ifnull(min(retry), 0) FROM deliveries WHERE receiver = ?", receiver).Scan(&n, &at)
	if err != nil || n == 0 {
		return time.Time{}, err
	}
	return time.UnixMilli(at).UTC(), nil
}

// Delivered takes notifications out of a receiver's outbox.
func (t *Tx) Delivered(receiver string, numbers ...int64) error {
	for _, n := range numbers {
		if _, err := t.exec("DELETE FROM deliveries WHERE receiver = ? AND number = ?", receiver, n); err != nil {
			return err
		}
	}
	return t.forgetBodies()
}

// forgetBodies keeps of a notification that everybody has only its id.
func (t *Tx) forgetBodies() error {
	_, err := t.exec("UPDATE notifications SET body = NULL WHERE body IS NOT NULL AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.number = notifications.number)")
	return err
}

// Delay says when to try a delivery again, and why it failed.
func (t *Tx) Delay(receiver string, number int64, retry time.Time, cause string) error {
	_, err := t.exec("UPDATE deliveries SET tries = tries + 1, retry = ?, error = ? WHERE receiver = ? AND number = ?", retry.UnixMilli(), cause, receiver, number)
	return err
}

// Offset is how many octets of a receiver's file are recorded as written.
func (t *Tx) Offset(receiver string) (n int64, err error) {
	err = t.tx.QueryRowContext(t.ctx, "SELECT offset FROM receivers WHERE name = ?", receiver).Scan(&n)
	return n, err
}

// SetOffset records how many octets of a receiver's file are written.
func (t *Tx) SetOffset(receiver string, n int64) error {
	changed, err := t.exec("UPDATE receivers SET offset = ? WHERE name = ?", n, receiver)
	if err == nil && changed == 0 {
		err = fmt.Errorf("there is no receiver %q", receiver)
	}
	return err
}

// An Outbox is what waits for one receiver.
type Outbox struct {
	Receiver string
	Waiting  int
	// Oldest is when the oldest of them was found; zero where none waits.
	Oldest time.Time
	// Error is why the last attempt failed; empty where none did.
	Error string
}

// Outboxes gives the state of every receiver, by name.
func (t *Tx) Outboxes() (out []Outbox, err error) {
	err = t.each(func(scan func(...any) error) error {
		var b Outbox
		var oldest int64
		err := scan(&b.Receiver, &b.Waiting, &oldest, &b.Error)
		if oldest > 0 {
			b.Oldest = time.UnixMilli(oldest).UTC()
		}
		out = append(out, b)
		return err
	}, `SELECT r.name, count(d.number), ifnull(min(n.created), 0), ifnull(max(d.error), '') FROM receivers r
  LEFT JOIN deliveries d ON d.receiver = r.name LEFT JOIN notifications n ON n.number = d.number GROUP BY r.name ORDER BY r.name`)
	return out, err
}
