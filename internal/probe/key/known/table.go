package known

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
)

// The format of badkeys' blocklist.dat (docs/BLOCKLISTFORMAT.md of
// github.com/badkeys/badkeys): sorted records of a hash's first octets and the
// number of a list.
const (
	hashSize   = 15
	recordSize = hashSize + 1
)

const (
	// maxTable is the largest table that is read: sixteen times badkeys'. A
	// sparse file of petabytes costs no more to search, but cannot be one.
	maxTable = 1 << 30
	// samples is how many places of a table are looked at when it is opened,
	// so that a file of another kind or an unsorted one is refused. A table
	// that is searched while unsorted would lose keys in silence.
	samples = 1024
)

// A Table is a sorted list of hashes of public keys. It is safe for concurrent
// use if its reader is.
type Table struct {
	name  string
	data  io.ReaderAt
	count int64
}

// NewTable reads the table of size octets in data. The name is for reports and
// errors. Nothing but samples is read now: a table can be larger than memory.
func NewTable(name string, data io.ReaderAt, size int64) (*Table, error) {
	t := &Table{name: name, data: data, count: size / recordSize}
	switch {
	case size == 0:
		return nil, t.fail(errors.New("it is empty"))
	case size > maxTable:
		return nil, t.fail(fmt.Errorf("%d octets are more than the limit of %d", size, maxTable))
	}
	if err := t.refuseOthers(size); err != nil {
		return nil, t.fail(err)
	}
	if size%recordSize != 0 {
		return nil, t.fail(fmt.Errorf("%d octets are no multiple of %d: it is cut off, or in another format", size, recordSize))
	}
	if err := t.checkOrder(); err != nil {
		return nil, t.fail(err)
	}
	return t, nil
}

func (t *Table) fail(err error) error {
	return fmt.Errorf("reading known keys %s: %w", t.name, err)
}

// Name is the name that the table was opened with.
func (t *Table) Name() string { return t.name }

// Len is the number of records.
func (t *Table) Len() int { return int(t.count) }

// refuseOthers recognises what people pass by mistake.
func (t *Table) refuseOthers(size int64) error {
	head := make([]byte, min(size, recordSize))
	if _, err := t.data.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		return errors.New("it is compressed; unpack it with xz -d")
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return errors.New("it is compressed; unpack it with gzip -d")
	case bytes.HasPrefix(head, []byte("-----BEGIN ")), bytes.HasPrefix(head, []byte("{")):
		return errors.New("it is text and not a blocklist.dat of badkeys")
	}
	return nil
}

// checkOrder looks at pairs of neighbours spread over the table: each pair, and
// all of them together, have to ascend.
func (t *Table) checkOrder() error {
	var last [hashSize]byte
	pairs := min(t.count-1, samples)
	for i := range pairs {
		at := i * (t.count - 1) / pairs
		var a, b [recordSize]byte
		if err := t.record(at, a[:]); err != nil {
			return err
		}
		if err := t.record(at+1, b[:]); err != nil {
			return err
		}
		if bytes.Compare(a[:hashSize], last[:]) < 0 || bytes.Compare(b[:hashSize], a[:hashSize]) < 0 {
			return fmt.Errorf("record %d is out of order: it is no blocklist.dat of badkeys, or damaged", at)
		}
		last = [hashSize]byte(b[:])
	}
	return nil
}

// record reads the i-th record into r.
func (t *Table) record(i int64, r []byte) error {
	// A reader may say io.EOF along with the last record.
	if n, err := t.data.ReadAt(r, i*recordSize); n < recordSize {
		return fmt.Errorf("record %d: %w", i, err)
	}
	return nil
}

// guesses is how many places are looked at where a hash should stand, hashes being
// spread evenly; then the rest is halved, whatever the table holds.
const guesses = 6

// list gives the number of the list that holds the hash, by search between the records
// that are known to stand around it.
func (t *Table) list(hash [32]byte) (list byte, found bool, err error) {
	r := make([]byte, recordSize) // one for all steps
	want := binary.BigEndian.Uint64(hash[:])
	least, most := uint64(0), uint64(math.MaxUint64)
	low, high := int64(0), t.count
	for step := 0; low < high; step++ {
		middle := low + (high-low)/2
		if step < guesses && least < most {
			// No overflow: the hash is between the two records, or equal to one.
			hi, lo := bits.Mul64(uint64(high-low), want-least)
			part, _ := bits.Div64(hi, lo, most-least)
			middle = min(low+int64(part), high-1)
		}
		if err := t.record(middle, r); err != nil {
			return 0, false, t.fail(err)
		}
		switch bytes.Compare(r[:hashSize], hash[:hashSize]) {
		case 0:
			return r[hashSize], true, nil
		case -1:
			low, least = middle+1, binary.BigEndian.Uint64(r)
		default:
			high, most = middle, binary.BigEndian.Uint64(r)
		}
	}
	return 0, false, nil
}
