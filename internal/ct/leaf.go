package ct

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/certassay/certassay/internal/cert"
)

// maxChain bounds the certificates of a submitted chain that are taken apart;
// logs accept about ten.
const maxChain = 64

// A LogEntry is one entry of a log as read from it: what the leaf hash covers,
// and beside it what only the log says. Its slices lie within the bytes it was
// read from.
type LogEntry struct {
	// Milliseconds is the timestamp as written: any number at all.
	Milliseconds uint64
	// Precert says that Signed is the TBSCertificate of a precertificate and
	// not a certificate.
	Precert bool
	// IssuerKeyHash is the SHA-256 of the issuer's SubjectPublicKeyInfo, of
	// precertificates only.
	IssuerKeyHash [32]byte
	// Signed is the certificate or TBSCertificate; anything the log accepted.
	Signed []byte
	// Extensions are those of the SCT; tiled logs put the leaf index there.
	Extensions []byte

	// Submitted is the precertificate as it was submitted, of precertificates
	// only. The leaf hash does not cover it: see [LogEntry.CheckSubmitted].
	Submitted []byte
	// Chain are the certificates that were submitted behind the entry's own, of
	// RFC 6962 logs; Fingerprints are their SHA-256, of tiled logs. The leaf
	// hash covers neither.
	Chain        [][]byte
	Fingerprints [][32]byte

	timestamped []byte // TimestampedEntry
	unreadable  []byte // leaf of any octets; nil where timestamped is set
}

// Time is the timestamp; the zero time where it is beyond the year 9999.
func (e *LogEntry) Time() time.Time {
	if e.Milliseconds > maxTime {
		return time.Time{}
	}
	return time.UnixMilli(int64(e.Milliseconds)).UTC()
}

// Certificate reads what was signed: the certificate, or the precertificate's
// TBSCertificate as one that lacks its signature.
func (e *LogEntry) Certificate() *cert.Certificate {
	if e.Precert {
		return cert.ParseTBS(e.Signed)
	}
	return cert.Parse(e.Signed)
}

// LeafHash is the hash of the entry's leaf (RFC 6962 sections 2.1 and 3.4),
// computed on each call. scratch is used for it and given back, grown, so that a
// loop over entries allocates nothing; nil will do.
func (e *LogEntry) LeafHash(scratch []byte) (hash [32]byte, grown []byte) {
	if e.unreadable != nil {
		scratch = append(append(scratch[:0], 0), e.unreadable...)
		return sha256.Sum256(scratch), scratch
	}
	// 0 marks a leaf in the tree, then version v1 and type timestamped_entry.
	scratch = append(append(scratch[:0], 0, 0, 0), e.timestamped...)
	return sha256.Sum256(scratch), scratch
}

// LeafIndex reads the index from the extensions, see [SCT.LeafIndex].
func (e *LogEntry) LeafIndex() (index uint64, present, valid bool) {
	return (&SCT{Extensions: e.Extensions}).LeafIndex()
}

var errEntryShort = errors.New("it ends within a field")

// reader takes fields off the front of b. The first that does not fit makes all
// further ones empty.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n > len(r.b) {
		r.bad = true
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) uint(octets int) (v uint64) {
	for _, c := range r.take(octets) {
		v = v<<8 | uint64(c)
	}
	return v
}

// read reads a TimestampedEntry (RFC 6962 section 3.4).
func (e *LogEntry) read(r *reader) error {
	whole := r.b
	e.Milliseconds = r.uint(8)
	switch kind := r.uint(2); {
	case r.bad:
		return errEntryShort
	case kind == typeX509:
	case kind == typePrecert:
		e.Precert = true
		copy(e.IssuerKeyHash[:], r.take(32))
	default:
		return fmt.Errorf("unknown entry type %d", kind)
	}
	e.Signed = r.take(int(r.uint(3)))
	e.Extensions = r.take(int(r.uint(2)))
	if r.bad {
		return errEntryShort
	}
	e.timestamped = whole[:len(whole)-len(r.b)]
	return nil
}

// ParseLeaf reads leaf_input and extra_data of get-entries (RFC 6962 sections
// 3.4 and 4.6). The leaf has to be exactly one MerkleTreeLeaf. extra_data is
// no part of the tree: what is wrong with it comes back as extraErr, and the
// entry stands.
func ParseLeaf(leaf, extra []byte) (e LogEntry, extraErr, err error) {
	extraErr, err = e.Parse(leaf, extra)
	return e, extraErr, err
}

// Parse is [ParseLeaf] into e, all of which is replaced; the room of its chain is
// used again, so that a loop over entries allocates nothing.
func (e *LogEntry) Parse(leaf, extra []byte) (extraErr, err error) {
	chain := e.Chain[:0]
	*e = LogEntry{}
	if len(leaf) < 2 || leaf[0] != 0 || leaf[1] != 0 {
		return nil, errors.New("reading log entry: neither version v1 nor a timestamped entry")
	}
	r := &reader{b: leaf[2:]}
	if err := e.read(r); err != nil {
		*e = LogEntry{}
		return nil, fmt.Errorf("reading log entry: %w", err)
	}
	switch {
	case len(r.b) != 0:
		err = fmt.Errorf("reading log entry: %d bytes left over", len(r.b))
	case len(e.Signed) == 0:
		err = errors.New("reading log entry: an empty certificate")
	}
	if err != nil {
		*e = LogEntry{}
		return nil, err
	}
	e.Chain = chain
	if extraErr = e.readExtra(extra); extraErr != nil {
		e.Submitted, e.Chain = nil, nil
		extraErr = fmt.Errorf("reading extra data of log entry: %w", extraErr)
	}
	return extraErr, nil
}

// UnreadableLeaf is an entry whose leaf [ParseLeaf] refuses. Nothing is known of
// it but its hash.
func UnreadableLeaf(leaf []byte) LogEntry { return LogEntry{unreadable: leaf} }

func (e *LogEntry) readExtra(extra []byte) error {
	r := &reader{b: extra}
	if e.Precert {
		e.Submitted = r.take(int(r.uint(3)))
	}
	list := &reader{b: r.take(int(r.uint(3)))}
	if r.bad {
		return errEntryShort
	}
	if len(r.b) != 0 {
		return fmt.Errorf("%d bytes left over", len(r.b))
	}
	for len(list.b) > 0 {
		if len(e.Chain) == maxChain {
			return fmt.Errorf("more than %d certificates", maxChain)
		}
		c := list.take(int(list.uint(3)))
		if list.bad {
			return errEntryShort
		}
		e.Chain = append(e.Chain, c)
	}
	return nil
}

// ParseTileLeaf takes the first TileLeaf off a data tile
// (c2sp.org/static-ct-api, section "Log Entries"). What is read into e replaces
// all of it. An error means that the end of the leaf cannot be found, and nothing
// behind it read. What can be empty or odd without that, among it what the leaf
// hash does not cover, loses no entry: an empty certificate or precertificate
// stays empty, and fingerprints that are none are left out.
func ParseTileLeaf(b []byte, e *LogEntry) (rest []byte, err error) {
	fingerprints := e.Fingerprints[:0]
	*e = LogEntry{}
	r := reader{b: b}
	if err := e.read(&r); err != nil {
		return nil, fmt.Errorf("reading tile leaf: %w", err)
	}
	if e.Precert {
		e.Submitted = r.take(int(r.uint(3)))
	}
	list := r.take(int(r.uint(2)))
	if r.bad {
		return nil, fmt.Errorf("reading tile leaf: %w", errEntryShort)
	}
	for ; len(list) >= 32; list = list[32:] {
		fingerprints = append(fingerprints, [32]byte(list[:32]))
	}
	e.Fingerprints = fingerprints
	return r.b, nil
}

// Leaf is the MerkleTreeLeaf of the entry, the leaf_input of RFC 6962.
func (e *LogEntry) Leaf() []byte {
	if e.unreadable != nil {
		return append([]byte{}, e.unreadable...)
	}
	return append([]byte{0, 0}, e.timestamped...)
}

// Entry is what the log put its name to in the SCT of this entry.
func (e *LogEntry) Entry() Entry {
	if e.Precert {
		return Entry{typePrecert, vector24(e.IssuerKeyHash[:], e.Signed)}
	}
	return Entry{typeX509, vector24(nil, e.Signed)}
}

// ErrUncovered says that what a log hands out beside an entry is not what the
// entry's leaf hash covers.
var ErrUncovered = errors.New("what was handed out beside the entry does not belong to it")

// CheckSubmitted compares what the leaf hash does not cover with what it does.
// For a precertificate, Submitted without its poison has to be Signed, and the
// issuing key that chain shows has to have IssuerKeyHash. chain are the
// certificates behind the entry's own; where it is empty the issuer is not
// looked at. For a certificate there is nothing to compare: whether the chain
// signed it is a question of signatures.
func (e *LogEntry) CheckSubmitted(chain [][]byte) error {
	if !e.Precert {
		return nil
	}
	pre := cert.Parse(e.Submitted)
	var issuer, signer *cert.Certificate
	if len(chain) > 0 {
		issuer = cert.Parse(chain[0])
		if IsPrecertSigner(issuer) {
			signer, issuer = issuer, nil
			if len(chain) > 1 {
				issuer = cert.Parse(chain[1])
			}
		}
	}
	tbs, err := PrecertificateTBS(pre, signer)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUncovered, err)
	}
	if string(tbs) != string(e.Signed) {
		return fmt.Errorf("the precertificate has another content: %w", ErrUncovered)
	}
	if issuer == nil {
		return nil
	}
	if sum, ok := issuer.SPKISHA256(); !ok || sum != e.IssuerKeyHash {
		return fmt.Errorf("the issuer has another key: %w", ErrUncovered)
	}
	return nil
}

// LeafOf is the MerkleTreeLeaf that a log makes of an entry for which it gave
// this SCT: the leaf whose hash has to be in the log (RFC 6962 section 3.4). The
// SCT's extensions are part of it, which tools made for older logs forget.
func LeafOf(s *SCT, e Entry) []byte {
	out := make([]byte, 0, 2+8+2+len(e.body)+2+len(s.Extensions))
	out = append(out, 0, 0)
	out = binary.BigEndian.AppendUint64(out, uint64(s.Time.UnixMilli()))
	out = binary.BigEndian.AppendUint16(out, e.kind)
	out = append(out, e.body...)
	out = binary.BigEndian.AppendUint16(out, uint16(len(s.Extensions)))
	return append(out, s.Extensions...)
}
