package ct

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
)

// leafAt is a TimestampedEntry with a leaf index.
func leafAt(e Entry, at time.Time, index byte) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(at.UnixMilli()))
	b = binary.BigEndian.AppendUint16(b, e.kind)
	b = append(b, e.body...)
	return append(b, 0, 8, 0, 0, 5, 0, 0, 0, 0, index)
}

// precertEntry is a precertificate of the lab, its issuer and its log entry.
func precertEntry(t testing.TB) (der []byte, issuer *cert.Certificate, e Entry) {
	t.Helper()
	l := lab.New(lab.Config{})
	tmpl := l.LeafTemplate()
	tmpl.Drop(lab.IDSCTs)
	tmpl.Set(poison)
	der = l.Issue(tmpl)
	issuer = cert.Parse(l.Intermediate.DER)
	tbs, err := PrecertificateTBS(cert.Parse(der), nil)
	if err != nil {
		t.Fatal(err)
	}
	if e, err = PrecertEntry(issuer.SPKI, tbs); err != nil {
		t.Fatal(err)
	}
	return der, issuer, e
}

func tileLeaf(stamped, submitted []byte, fingerprints ...[32]byte) []byte {
	b := append([]byte(nil), stamped...)
	if submitted != nil {
		b = vector24(b, submitted)
	}
	b = binary.BigEndian.AppendUint16(b, uint16(32*len(fingerprints)))
	for _, f := range fingerprints {
		b = append(b, f[:]...)
	}
	return b
}

func TestParseTileLeaf(t *testing.T) {
	der, issuer, e := precertEntry(t)
	at := time.UnixMilli(1_780_000_000_123).UTC()
	stamped := leafAt(e, at, 9)
	second := leafAt(must(X509Entry([]byte("a certificate"))), at, 10)
	b := append(tileLeaf(stamped, der, issuer.SHA256()), tileLeaf(second, nil)...)

	var got LogEntry
	rest, err := ParseTileLeaf(b, &got)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Precert || !got.Time().Equal(at) || !bytes.Equal(got.Submitted, der) || len(got.Fingerprints) != 1 || got.Fingerprints[0] != issuer.SHA256() {
		t.Errorf("ParseTileLeaf = %+v", got)
	}
	if i, _, ok := got.LeafIndex(); i != 9 || !ok {
		t.Errorf("LeafIndex = %d, %v, want 9", i, ok)
	}
	if hash, _ := got.LeafHash(nil); hash != LeafHash(append([]byte{0, 0}, stamped...)) {
		t.Error("LeafHash is not that of the MerkleTreeLeaf")
	}
	if err := got.CheckSubmitted([][]byte{issuer.Raw}); err != nil {
		t.Errorf("CheckSubmitted = %v, want nil", err)
	}
	if rest, err = ParseTileLeaf(rest, &got); err != nil || len(rest) != 0 {
		t.Fatalf("second leaf: %d bytes left, %v", len(rest), err)
	}
	if got.Precert || string(got.Signed) != "a certificate" || len(got.Fingerprints) != 0 || got.Submitted != nil {
		t.Errorf("second leaf = %+v, want nothing left of the first", got)
	}
}

func TestParseTileLeafRefuses(t *testing.T) {
	der, _, e := precertEntry(t)
	stamped := leafAt(e, time.UnixMilli(1), 0)
	kind := append([]byte(nil), stamped...)
	kind[9] = 2
	for name, b := range map[string][]byte{
		"nothing":                 {},
		"unknown type":            kind,
		"cut in the certificate":  tileLeaf(stamped, der)[:100],
		"cut before the chain":    tileLeaf(stamped, der)[:len(stamped)+3+len(der)],
		"a length beyond the end": append(append([]byte(nil), stamped...), 0xff, 0xff, 0xff),
	} {
		if rest, err := ParseTileLeaf(b, new(LogEntry)); err == nil {
			t.Errorf("%s: ParseTileLeaf = %d bytes left, want an error", name, len(rest))
		}
	}
}

// One entry that no honest log has, or octets beside it that nothing covers, must
// not take the other 255 of its tile with it.
func TestParseTileLeafGoesOn(t *testing.T) {
	der, _, e := precertEntry(t)
	stamped := leafAt(e, time.UnixMilli(1), 0)
	odd := append(append([]byte(nil), vector24(append([]byte(nil), stamped...), der)...), 0, 31)
	empty := leafAt(Entry{typeX509, []byte{0, 0, 0}}, time.UnixMilli(1), 0)
	for name, b := range map[string][]byte{
		"no precertificate":  tileLeaf(stamped, []byte{}),
		"half a fingerprint": append(odd, make([]byte, 31)...),
		"empty certificate":  tileLeaf(empty, nil),
	} {
		var got LogEntry
		rest, err := ParseTileLeaf(append(b, "next"...), &got)
		if err != nil || string(rest) != "next" || len(got.Fingerprints) != 0 {
			t.Errorf("%s: ParseTileLeaf = %q left, %v, %d fingerprints; want the next leaf and none", name, rest, err, len(got.Fingerprints))
		}
		want := stamped
		if name == "empty certificate" {
			want = empty
		}
		if hash, _ := got.LeafHash(nil); hash != LeafHash(append([]byte{0, 0}, want...)) {
			t.Errorf("%s: the leaf hash is another one", name)
		}
	}
}

func TestParseLeaf(t *testing.T) {
	der, issuer, e := precertEntry(t)
	leaf := append([]byte{0, 0}, leafAt(e, time.UnixMilli(5), 3)...)
	extra := vector24(nil, der)
	extra = vector24(extra, vector24(vector24(nil, issuer.Raw), []byte("root")))
	got, extraErr, err := ParseLeaf(leaf, extra)
	if err != nil || extraErr != nil || len(got.Chain) != 2 || !bytes.Equal(got.Submitted, der) {
		t.Fatalf("ParseLeaf = %v, %v, %d certificates", err, extraErr, len(got.Chain))
	}
	if !bytes.Equal(got.Leaf(), leaf) {
		t.Error("Leaf is not leaf_input")
	}
	// What is wrong beside the leaf never loses the leaf.
	got, extraErr, err = ParseLeaf(leaf, extra[:40])
	if err != nil || extraErr == nil || !got.Precert || got.Submitted != nil {
		t.Errorf("ParseLeaf with cut extra data = %v, %v, want the entry and an error beside it", err, extraErr)
	}
	for name, b := range map[string][]byte{
		"version 2": append([]byte{1}, leaf[1:]...), "leaf type 1": append([]byte{0, 1}, leaf[2:]...),
		"left over": append(append([]byte(nil), leaf...), 0), "empty": {}, "cut": leaf[:30],
	} {
		if _, _, err := ParseLeaf(b, extra); err == nil {
			t.Errorf("%s: ParseLeaf = nil, want an error", name)
		}
	}
}

func TestCheckSubmitted(t *testing.T) {
	der, issuer, e := precertEntry(t)
	l := lab.New(lab.Config{})
	tmpl := l.LeafTemplate()
	tmpl.Drop(lab.IDSCTs)
	tmpl.Set(poison, lab.DNSNames("other.example"))
	other := l.Issue(tmpl)
	var got LogEntry
	if _, err := ParseTileLeaf(tileLeaf(leafAt(e, time.UnixMilli(1), 0), der), &got); err != nil {
		t.Fatal(err)
	}
	if err := got.CheckSubmitted([][]byte{l.Root.DER}); !errors.Is(err, ErrUncovered) || !strings.Contains(err.Error(), "key") {
		t.Errorf("another issuer: CheckSubmitted = %v, want ErrUncovered", err)
	}
	got.Submitted = other
	if err := got.CheckSubmitted([][]byte{issuer.Raw}); !errors.Is(err, ErrUncovered) {
		t.Errorf("another precertificate: CheckSubmitted = %v, want ErrUncovered", err)
	}
	got.Submitted = []byte("no certificate")
	if err := got.CheckSubmitted(nil); !errors.Is(err, ErrUncovered) {
		t.Errorf("no certificate: CheckSubmitted = %v, want ErrUncovered", err)
	}
}

// The leaf of an SCT with extensions is what the log hashes; tools that forget
// the extensions find no entry of any tiled log.
func TestLeafOfHoldsExtensions(t *testing.T) {
	_, _, e := precertEntry(t)
	at := time.UnixMilli(1_780_000_000_000)
	s := &SCT{Time: at, Extensions: []byte{0, 0, 5, 0, 0, 0, 0, 9}}
	if got, want := LeafOf(s, e), append([]byte{0, 0}, leafAt(e, at, 9)...); !bytes.Equal(got, want) {
		t.Error("LeafOf differs from the leaf of the tile")
	}
}

func must(e Entry, err error) Entry {
	if err != nil {
		panic(err)
	}
	return e
}

// submitted is what tileLeaf has to be given: nil for a certificate.
func submitted(e *LogEntry) []byte {
	if e.Precert && e.Submitted == nil {
		return []byte{}
	}
	return e.Submitted
}

// Whatever is accepted is, written again, the bytes that were read.
func FuzzParseTileLeaf(f *testing.F) {
	der, issuer, e := precertEntry(f)
	f.Add(tileLeaf(leafAt(e, time.UnixMilli(1), 0), der, issuer.SHA256()))
	f.Add(tileLeaf(leafAt(must(X509Entry(der)), time.UnixMilli(1), 0), nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var got LogEntry
		rest, err := ParseTileLeaf(b, &got)
		if err != nil {
			return
		}
		again, read := tileLeaf(got.timestamped, submitted(&got), got.Fingerprints...), b[:len(b)-len(rest)]
		if odd := len(read) - len(again); odd > 0 && odd < 32 { // of a fingerprint
			at := len(again) - 32*len(got.Fingerprints) - 2
			again = append(binary.BigEndian.AppendUint16(again[:at:at], uint16(32*len(got.Fingerprints)+odd)), read[at+2:]...)
		}
		if !bytes.Equal(again, read) {
			t.Error("what was read differs from what is written again")
		}
		hash, _ := got.LeafHash(nil)
		if hash != LeafHash(got.Leaf()) {
			t.Error("LeafHash is not the hash of Leaf")
		}
	})
}

func FuzzParseLeaf(f *testing.F) {
	der, issuer, e := precertEntry(f)
	f.Add(append([]byte{0, 0}, leafAt(e, time.UnixMilli(5), 3)...), vector24(vector24(nil, der), vector24(nil, issuer.Raw)))
	f.Fuzz(func(t *testing.T, leaf, extra []byte) {
		got, extraErr, err := ParseLeaf(leaf, extra)
		if err != nil {
			return
		}
		if !bytes.Equal(got.Leaf(), leaf) {
			t.Error("Leaf differs from what was read")
		}
		if extraErr != nil {
			return
		}
		var again, list []byte
		for _, c := range got.Chain {
			list = vector24(list, c)
		}
		if got.Precert {
			again = vector24(again, got.Submitted)
		}
		if !bytes.Equal(vector24(again, list), extra) {
			t.Error("extra data differs from what is written again")
		}
	})
}
