package disclosed

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// A Pair is a certificate and its key, of which nothing but hashes is known.
type Pair struct {
	Certificate, SPKI [32]byte
}

// Encode writes a table that [Decode] reads: the date of its source, facts, and
// pairs of hashes. The CA above each has to stand among the facts. The order does
// not matter: the same input gives the same octets. Of a CA in both, only the facts
// are kept.
func Encode(date string, cas []*Facts, pairs []Pair) ([]byte, error) {
	e := encoder{facts: slices.Clone(cas)}
	slices.SortFunc(e.facts, func(a, b *Facts) int { return bytes.Compare(a.SHA256[:], b.SHA256[:]) })
	out := cryptobyte.NewBuilder([]byte(magic))
	out.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(date)) })
	e.collectRoots()
	out.AddUint16(uint16(len(e.roots)))
	for _, r := range e.roots {
		out.AddBytes(r[:])
	}
	if len(e.roots) >= parentIsFacts || len(e.facts) >= parentIsFacts {
		return nil, errors.New("writing disclosed CAs: too many")
	}
	out.AddUint16(uint16(len(e.facts)))
	for _, f := range e.facts {
		if err := e.add(out, f); err != nil {
			return nil, fmt.Errorf("writing the facts of %s: %w", f.CA.Subject, err)
		}
	}
	if err := e.addPairs(out, pairs); err != nil {
		return nil, err
	}
	e.addNames(out)
	return out.Bytes()
}

// An encoder is what records refer to.
type encoder struct {
	facts []*Facts
	roots [][32]byte
	names []byte
}

func (e *encoder) collectRoots() {
	for _, f := range e.facts {
		if f.Above == nil && !slices.Contains(e.roots, f.Root) {
			e.roots = append(e.roots, f.Root)
		}
	}
	slices.SortFunc(e.roots, func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) })
}

func (e *encoder) add(out *cryptobyte.Builder, f *Facts) error {
	parent := slices.Index(e.roots, f.Root)
	if f.Above != nil {
		i := slices.IndexFunc(e.facts, func(x *Facts) bool { return x.SHA256 == f.Above.SHA256 })
		if i < 0 {
			return errors.New("the CA above it has no facts")
		}
		parent = parentIsFacts | i
	}
	from, until := f.NotBefore.Unix(), f.NotAfter.Unix()
	switch {
	case f.CA.Subject.Normal() == "":
		return errors.New("it has no name")
	case len(f.CA.Subject.Raw) > math.MaxUint16:
		return errors.New("its name is too long")
	case f.CA.Key.Err != nil:
		return f.CA.Key.Err
	case f.PathLen < -1 || f.PathLen >= noPathLen:
		return errors.New("its path length is out of range")
	case from < 0 || until > math.MaxUint32 || from > until:
		return errors.New("its dates are out of range")
	}
	out.AddBytes(f.SHA256[:])
	kind, short := pack(f.CA.SPKI)
	out.AddUint8(byte(kind))
	out.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(short) })
	id := keyID(&f.CA.Key)
	own := f.KeyID
	if bytes.Equal(own, id) {
		own = nil
	}
	out.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(own) })
	out.AddUint32(nameMark(f.CA.Subject.Normal()))
	out.AddUint32(mark(id))
	spki := f.SPKISHA256()
	out.AddUint32(mark(spki[:]))
	out.AddUint16(uint16(len(f.CA.Subject.Raw)))
	e.names = append(e.names, f.CA.Subject.Raw...)
	out.AddUint32(uint32(from))
	out.AddUint32(uint32(until))
	if f.PathLen < 0 {
		out.AddUint8(noPathLen)
	} else {
		out.AddUint8(byte(f.PathLen))
	}
	out.AddUint16(uint16(parent))
	return nil
}

func (e *encoder) addPairs(out *cryptobyte.Builder, pairs []Pair) error {
	known := map[[32]byte]bool{}
	for _, f := range e.facts {
		known[f.SHA256] = true
	}
	rest := slices.DeleteFunc(slices.Clone(pairs), func(p Pair) bool { return known[p.Certificate] })
	slices.SortFunc(rest, func(a, b Pair) int {
		if c := bytes.Compare(a.SPKI[:], b.SPKI[:]); c != 0 {
			return c
		}
		return bytes.Compare(a.Certificate[:], b.Certificate[:])
	})
	rest = slices.Compact(rest)
	if len(rest) > math.MaxUint16 {
		return errors.New("writing disclosed CAs: too many hashes")
	}
	out.AddUint16(uint16(len(rest)))
	for _, p := range rest {
		out.AddBytes(p.SPKI[:spkiPrefix])
		out.AddBytes(p.Certificate[:certificatePrefix])
	}
	return nil
}

func (e *encoder) addNames(out *cryptobyte.Builder) {
	var z bytes.Buffer
	w, err := flate.NewWriter(&z, flate.BestCompression)
	if err != nil {
		panic("disclosed: " + err.Error()) // of a level that does not exist
	}
	_, _ = w.Write(e.names) // to memory
	_ = w.Close()
	out.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(z.Bytes()) })
}

// mark is the start of a hash, by which records are found quickly.
func mark(hash []byte) uint32 { return binary.BigEndian.Uint32(hash) }

func nameMark(normal string) uint32 {
	sum := sha256.Sum256([]byte(normal))
	return mark(sum[:])
}

func unix(s uint32) time.Time { return time.Unix(int64(s), 0).UTC() }
