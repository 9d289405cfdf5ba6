package disclosed

import (
	"bytes"
	"compress/flate"
	"crypto/sha1" //nolint:gosec // RFC 5280 section 4.2.1.2 defines key identifiers with it
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"github.com/certassay/certassay/internal/cert"
)

const (
	magic = "certassay: disclosed CAs, 1\n"
	// parentIsFacts marks a parent that is another record and no root.
	parentIsFacts = 1 << 15
	noPathLen     = math.MaxUint8
	// spkiPrefix is how much of the hash of a key is kept where nothing else is
	// known of it: to make a key with these 160 bits takes 2^149 tries, there
	// being two thousand hashes to meet. certificatePrefix only has to tell
	// certificates of a list apart.
	spkiPrefix        = 20
	certificatePrefix = 12
	pairSize          = spkiPrefix + certificatePrefix
	// maxNames bounds what names are unpacked to: a few octets of a damaged table
	// could become gigabytes.
	maxNames = 1 << 22
)

// A Table is an immutable set of disclosed CAs, safe for concurrent use. The zero
// value knows none.
type Table struct {
	date    string
	roots   [][32]byte
	records []record
	pairs   []byte // of pairSize octets, sorted
	// names gives all subjects, one behind the other; it is unpacked when first
	// needed.
	names                  func() ([]byte, error)
	byName, byKeyID, byKey index
	// byID are the records that say an identifier, by what they say.
	byID map[string][]int
}

// An index gives the records with a mark, nearly always none.
type index map[uint32][]int

// A record is one CA as it stands in the table.
type record struct {
	sha256 [32]byte
	form   form
	// These are marks of the subject, of the SHA-1 of the key, and of the SHA-256 of
	// its SubjectPublicKeyInfo.
	name, keyID, keySum uint32
	key, id             []byte
	nameAt, nameN       int
	from, until         time.Time
	pathLen             int
	parent              int
	facts               atomic.Pointer[Facts]
}

// Decode reads a table that [Encode] wrote. It reads keys and names when they are
// first asked for; [Table.Check] reads all.
func Decode(data []byte) (*Table, error) {
	t, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("reading disclosed CAs: %w", err)
	}
	return t, nil
}

var errShort = errors.New("it ends early or is damaged")

func decode(data []byte) (*Table, error) {
	in := cryptobyte.String(data)
	var head, date []byte
	if !in.ReadBytes(&head, len(magic)) || string(head) != magic {
		return nil, errors.New("it is no such table")
	}
	t := &Table{}
	var n uint16
	if !in.ReadUint8LengthPrefixed((*cryptobyte.String)(&date)) || !in.ReadUint16(&n) {
		return nil, errShort
	}
	t.date = string(date)
	t.roots = make([][32]byte, n)
	for i := range t.roots {
		if !in.CopyBytes(t.roots[i][:]) {
			return nil, errShort
		}
	}
	total, err := t.readRecords(&in)
	if err != nil {
		return nil, err
	}
	var packed []byte
	if !in.ReadUint16(&n) || !in.ReadBytes(&t.pairs, int(n)*pairSize) || !in.ReadUint24LengthPrefixed((*cryptobyte.String)(&packed)) || !in.Empty() {
		return nil, errShort
	}
	if total > maxNames {
		return nil, fmt.Errorf("names of %d octets, more than %d", total, maxNames)
	}
	t.names = sync.OnceValues(func() ([]byte, error) { return inflate(packed, total) })
	return t, nil
}

// inflate unpacks exactly n octets.
func inflate(packed []byte, n int) ([]byte, error) {
	r := flate.NewReader(bytes.NewReader(packed))
	out := make([]byte, n)
	if _, err := io.ReadFull(r, out); err != nil {
		return nil, fmt.Errorf("unpacking names: %w", err)
	}
	if more, err := io.CopyN(io.Discard, r, 1); more > 0 || !errors.Is(err, io.EOF) {
		return nil, errors.New("unpacking names: there are more than records")
	}
	return out, nil
}

// readRecords reads all but the names, and gives their length.
func (t *Table) readRecords(in *cryptobyte.String) (names int, err error) {
	var n uint16
	if !in.ReadUint16(&n) {
		return 0, errShort
	}
	t.records = make([]record, n)
	t.byName, t.byKeyID, t.byKey = make(index, n), make(index, n), make(index, n)
	t.byID = make(map[string][]int)
	for i := range t.records {
		r := &t.records[i]
		var kind, pathLen uint8
		var nameN, parent uint16
		var from, until uint32
		if !in.CopyBytes(r.sha256[:]) || !in.ReadUint8(&kind) ||
			!in.ReadUint16LengthPrefixed((*cryptobyte.String)(&r.key)) || !in.ReadUint8LengthPrefixed((*cryptobyte.String)(&r.id)) ||
			!in.ReadUint32(&r.name) || !in.ReadUint32(&r.keyID) || !in.ReadUint32(&r.keySum) ||
			!in.ReadUint16(&nameN) || !in.ReadUint32(&from) || !in.ReadUint32(&until) ||
			!in.ReadUint8(&pathLen) || !in.ReadUint16(&parent) {
			return 0, errShort
		}
		t.byName[r.name] = append(t.byName[r.name], i)
		t.byKeyID[r.keyID] = append(t.byKeyID[r.keyID], i)
		t.byKey[r.keySum] = append(t.byKey[r.keySum], i)
		if len(r.id) > 0 {
			t.byID[string(r.id)] = append(t.byID[string(r.id)], i)
		}
		r.form, r.nameAt, r.nameN = form(kind), names, int(nameN)
		r.from, r.until, r.parent, r.pathLen = unix(from), unix(until), int(parent), int(pathLen)
		if pathLen == noPathLen {
			r.pathLen = -1
		}
		names += r.nameN
		if p := r.parent; p < parentIsFacts && p >= len(t.roots) || p >= parentIsFacts && p&^parentIsFacts >= len(t.records) {
			return 0, errors.New("a CA below one that is not there")
		}
	}
	return names, nil
}

// at gives the facts of a record. A table that [Table.Check] found sound always
// has them.
func (t *Table) at(i int) (*Facts, error) {
	r := &t.records[i]
	if f := r.facts.Load(); f != nil {
		return f, nil
	}
	return t.read(i, len(t.records))
}

// read reads a record and those above it, at most so many: a table in which two
// CAs stand above each other would have no end.
func (t *Table) read(i, deep int) (*Facts, error) {
	if deep == 0 {
		return nil, errors.New("CAs that stand above each other")
	}
	r := &t.records[i]
	names, err := t.names()
	if err != nil {
		return nil, err
	}
	spki, err := unpack(r.form, r.key)
	if err != nil {
		return nil, err
	}
	f := &Facts{
		SHA256: r.sha256, KeyID: r.id, NotBefore: r.from, NotAfter: r.until, PathLen: r.pathLen,
		CA: &cert.Certificate{Subject: cert.Name{Raw: names[r.nameAt : r.nameAt+r.nameN]}, SPKI: spki, Key: cert.ParseKey(spki)},
	}
	if f.CA.Key.Err != nil {
		return nil, f.CA.Key.Err
	}
	if len(f.KeyID) == 0 {
		f.KeyID = keyID(&f.CA.Key)
	}
	if r.parent < parentIsFacts {
		f.Root = t.roots[r.parent]
	} else if f.Above, err = t.read(r.parent&^parentIsFacts, deep-1); err != nil {
		return nil, err
	}
	// Whoever was first is kept, so that one CA is one pointer.
	r.facts.CompareAndSwap(nil, f)
	return r.facts.Load(), nil
}

// find gives the facts of the records with a mark for which is holds.
func (t *Table) find(marks index, want uint32, is func(*Facts) bool) (out []*Facts) {
	for _, i := range marks[want] {
		if f, err := t.at(i); err == nil && is(f) {
			out = append(out, f)
		}
	}
	return out
}

// ByName gives the CAs of a name, compared as normalised text.
func (t *Table) ByName(n *cert.Name) []*Facts {
	normal := n.Normal()
	if normal == "" {
		return nil
	}
	return t.find(t.byName, nameMark(normal), func(f *Facts) bool { return f.CA.Subject.Normal() == normal })
}

// ByKeyID gives the CAs whose subject key identifier, or the SHA-1 of whose key, is
// this.
func (t *Table) ByKeyID(id []byte) (out []*Facts) {
	if len(id) == sha1.Size {
		out = t.find(t.byKeyID, mark(id), func(f *Facts) bool { return bytes.Equal(keyID(&f.CA.Key), id) })
	}
	for _, i := range t.byID[string(id)] {
		if f, err := t.at(i); err == nil && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// ByKey gives the CAs with a SubjectPublicKeyInfo.
func (t *Table) ByKey(spki []byte) []*Facts {
	sum := sha256.Sum256(spki)
	return t.find(t.byKey, mark(sum[:]), func(f *Facts) bool { return bytes.Equal(f.CA.SPKI, spki) })
}

// HasKey says whether a key is that of a disclosed CA, by the SHA-256 of its
// SubjectPublicKeyInfo: of one with facts or of one without.
func (t *Table) HasKey(spkiSHA256 [32]byte) bool {
	if len(t.find(t.byKey, mark(spkiSHA256[:]), func(f *Facts) bool { return f.SPKISHA256() == spkiSHA256 })) > 0 {
		return true
	}
	n := len(t.pairs) / pairSize
	lo, hi := 0, n
	for lo < hi {
		mid := (lo + hi) / 2
		if bytes.Compare(t.pair(mid), spkiSHA256[:spkiPrefix]) < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo < n && bytes.Equal(t.pair(lo), spkiSHA256[:spkiPrefix])
}

// pair is the hash of a key in the i-th pair.
func (t *Table) pair(i int) []byte { return t.pairs[i*pairSize : i*pairSize+spkiPrefix] }

// Date is that of the list that the table was made from, 2006-01-02.
func (t *Table) Date() string { return t.date }

// Facts is how many CAs the table has facts of, Hashes of how many it has nothing
// but hashes.
func (t *Table) Facts() int { return len(t.records) }

// Hashes is how many certificates the table knows by hashes alone.
func (t *Table) Hashes() int { return len(t.pairs) / pairSize }

// Check reads the whole table.
func (t *Table) Check() error {
	for i := range t.records {
		f, err := t.at(i)
		if err != nil {
			return fmt.Errorf("disclosed CA %x: %w", t.records[i].sha256, err)
		}
		r, normal, spki := &t.records[i], f.CA.Subject.Normal(), f.SPKISHA256()
		if normal == "" || nameMark(normal) != r.name || mark(keyID(&f.CA.Key)) != r.keyID || mark(spki[:]) != r.keySum {
			return fmt.Errorf("disclosed CA %x is not found by what it is", f.SHA256)
		}
	}
	return nil
}

// All gives the facts of every CA.
func (t *Table) All() (out []*Facts) {
	for i := range t.records {
		if f, err := t.at(i); err == nil {
			out = append(out, f)
		}
	}
	return out
}
