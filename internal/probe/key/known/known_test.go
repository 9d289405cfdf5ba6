package known

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/cert"
)

// record is one entry of a table.
func record(list byte, public ...byte) []byte {
	sum := sha256.Sum256(public)
	return append(sum[:hashSize:hashSize], list)
}

// tableOf sorts records into the octets of a table.
func tableOf(records ...[]byte) []byte {
	slices.SortFunc(records, bytes.Compare)
	return slices.Concat(records...)
}

func open(t *testing.T, data []byte) *Table {
	t.Helper()
	table, err := NewTable("test.dat", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// der encodes the two levels that a SubjectPublicKeyInfo needs.
func der(tag byte, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	if len(body) < 0x80 {
		return append([]byte{tag, byte(len(body))}, body...)
	}
	return append([]byte{tag, 0x82, byte(len(body) >> 8), byte(len(body))}, body...)
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	oidRSA     = "06092a864886f70d0101010500"
	oidEd25519 = "06032b6570"
	oidX25519  = "06032b656e"
	oidMLDSA44 = "0609608648016503040311"
)

func spkiOf(t *testing.T, algorithm string, public []byte) []byte {
	t.Helper()
	return der(0x30, der(0x30, unhex(t, algorithm)), der(0x03, []byte{0}, public))
}

func rsaKey(t *testing.T, n, e []byte) []byte {
	t.Helper()
	return spkiOf(t, oidRSA, der(0x30, der(0x02, n), der(0x02, e)))
}

// Public keys whose private keys stand in public documents and repositories.
var publicKeys = map[string]struct{ spki, list string }{
	"RFC 8032 section 7.1, test 1": {
		"302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "softwaretests",
	},
	"RFC 6979 appendix A.2.5": {
		"3059301306072a8648ce3d020106082a8648ce3d03010703420004" +
			"60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6" +
			"7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299", "rfc-6979",
	},
	"Go's crypto/tls example": {
		"3059301306072a8648ce3d020106082a8648ce3d030107034200043d1ded53616d6bd92d63ee8ff46d1c58efb49044c0e9216cdfc19e713cae7651f3eb1bc2773f2a10a4dc5867a47667433ec1e5a1136db2209aebdec1d8ef4814", "softwaretests",
	},
}

func TestBuiltIn(t *testing.T) {
	for name, test := range publicKeys {
		spki := unhex(t, test.spki)
		k := cert.ParseKey(spki)
		got, err := Tables{}.Lookup(spki, &k)
		if want := (Hit{test.list, builtIn}); err != nil || got != want {
			t.Errorf("Lookup(%s) = %v, %v, want %v", name, got, err, want)
		}
		spki[len(spki)-1] ^= 1
		spki[len(spki)-40] ^= 1 // changes x as well as y of the points
		k = cert.ParseKey(spki)
		if got, err := (Tables{}).Lookup(spki, &k); err != nil || got != (Hit{}) {
			t.Errorf("Lookup(%s, changed) = %v, %v, want nothing", name, got, err)
		}
	}
}

// The built-in tables are whole: every record is above the one before, of a list
// with a name, and none is of the list that would be incomplete.
func TestBuiltInTables(t *testing.T) {
	table := embedded()
	if table.Len() < 80_000 {
		t.Errorf("%d built-in records, want at least 80 000", table.Len())
	}
	for i := recordSize; i < len(published); i += recordSize {
		if bytes.Compare(published[i-recordSize:i-1], published[i:i+hashSize]) >= 0 {
			t.Fatalf("record %d does not ascend", i/recordSize)
		}
	}
	for i := hashSize; i < len(published); i += recordSize {
		if name := names[published[i]]; name == "" || name == Debian {
			t.Fatalf("record %d is of list %d", i/recordSize, published[i])
		}
	}
	if n := len(incidents()); n < 340 {
		t.Errorf("%d keys of incidents", n)
	}
}

func TestParseIncidents(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	for _, text := range []string{"xyz name", "abcd name", hash, hash + " ", hash + " a\n" + hash + " b"} {
		if _, err := parseIncidents(text); err == nil {
			t.Errorf("parseIncidents(%q) succeeded", text)
		}
	}
	if got, err := parseIncidents("# note\n\n" + hash + " a"); err != nil || len(got) != 1 {
		t.Errorf("parseIncidents(one key) = %v, %v", got, err)
	}
}

// One number is one key, in whatever way it is written.
func TestPublicNumber(t *testing.T) {
	n := append([]byte{0x00}, bytes.Repeat([]byte{0xc3}, 64)...)
	point := append(bytes.Repeat([]byte{0x00, 0x11}, 16), bytes.Repeat([]byte{0x22}, 32)...)
	curve := "06072a8648ce3d020106082a8648ce3d030107"
	dsa := "06072a8648ce380401" + "3009020103020102020105"
	edwards := append([]byte{0x00, 0x07}, bytes.Repeat([]byte{5}, 30)...)
	tests := []struct {
		name   string
		spki   []byte
		number []byte
	}{
		{"RSA", rsaKey(t, n, []byte{1, 0, 1}), n[1:]},
		{"RSA, exponent 3", rsaKey(t, n, []byte{3}), n[1:]},
		{"RSA, zeros in front", rsaKey(t, append([]byte{0, 0, 0}, n...), []byte{3}), n[1:]},
		{"point", spkiOf(t, curve, append([]byte{4}, point...)), point[1:32]},
		{"point compressed", spkiOf(t, curve, append([]byte{2}, point[:32]...)), point[1:32]},
		{"point hybrid", spkiOf(t, curve, append([]byte{6}, point...)), point[1:32]},
		{"DSA", spkiOf(t, dsa, der(0x02, []byte{0, 0xd5, 1})), []byte{0xd5, 1}},
		{"Ed25519", spkiOf(t, oidEd25519, edwards), edwards[1:]},
		{"X25519", spkiOf(t, oidX25519, edwards), edwards[1:]},
		{"ML-DSA, as it is", spkiOf(t, oidMLDSA44, edwards), edwards},
	}
	for _, test := range tests {
		tables := With([]*Table{open(t, tableOf(record(9, test.number...), record(1, 1), record(1, 2)))})
		k := cert.ParseKey(test.spki)
		got, err := tables.Lookup(test.spki, &k)
		if want := (Hit{"softwaretests", "test.dat"}); err != nil || got != want {
			t.Errorf("Lookup(%s) = %v, %v, want %v", test.name, got, err, want)
		}
	}
	for _, spki := range [][]byte{nil, {0x30, 0x00}, spkiOf(t, curve, []byte{0}), spkiOf(t, curve, nil)} {
		k := cert.ParseKey(spki)
		if hash, ok := publicHash(&k); ok {
			t.Errorf("publicHash(%x) = %x, want none", spki, hash)
		}
	}
}

func TestListNames(t *testing.T) {
	n := bytes.Repeat([]byte{0xc3}, 64)
	spki := rsaKey(t, append([]byte{0}, n...), []byte{3})
	k := cert.ParseKey(spki)
	for list, want := range map[byte]string{1: Debian, 16: "firmwares", 0: "list 0", 200: "list 200"} {
		got, err := With([]*Table{open(t, record(list, n...))}).Lookup(spki, &k)
		if err != nil || got.List != want {
			t.Errorf("Lookup(list %d) = %v, %v, want %q", list, got, err, want)
		}
	}
}

// broken fails after the table was opened.
type broken struct {
	io.ReaderAt
	fail bool
}

func (b *broken) ReadAt(p []byte, off int64) (int, error) {
	if b.fail {
		return 0, io.ErrUnexpectedEOF
	}
	return b.ReaderAt.ReadAt(p, off)
}

// A table that cannot be read is not a table without the key.
func TestLookupFails(t *testing.T) {
	n := bytes.Repeat([]byte{0xc3}, 64)
	spki := rsaKey(t, append([]byte{0}, n...), []byte{3})
	k := cert.ParseKey(spki)
	r := &broken{ReaderAt: bytes.NewReader(record(1, 1))}
	bad, err := NewTable("bad.dat", r, recordSize)
	if err != nil {
		t.Fatal(err)
	}
	r.fail = true
	if got, err := With([]*Table{bad}).Lookup(spki, &k); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Lookup(unreadable table) = %v, %v, want an error", got, err)
	}
	good := open(t, record(1, n...))
	if got, err := With([]*Table{bad, good}).Lookup(spki, &k); err != nil || got.List != Debian {
		t.Errorf("Lookup(in the other table) = %v, %v, want %s", got, err, Debian)
	}
}

func TestNewTableRefuses(t *testing.T) {
	two := tableOf(record(1, 1), record(1, 2))
	swapped := slices.Concat(two[recordSize:], two[:recordSize])
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "empty"},
		{"cut off", two[:30], "no multiple of 16"},
		{"unsorted", swapped, "out of order"},
		{"xz", append([]byte("\xfd7zXZ\x00"), two...), "xz -d"},
		{"gzip", append([]byte("\x1f\x8b"), two...), "gzip -d"},
		{"PEM", []byte("-----BEGIN CERTIFICATE-----"), "text"},
		{"metadata of badkeys", []byte(`{"bkformat": 0}`), "text"},
	}
	for _, test := range tests {
		_, err := NewTable("test.dat", bytes.NewReader(test.data), int64(len(test.data)))
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "test.dat") {
			t.Errorf("NewTable(%s) = %v, want an error with %q", test.name, err, test.want)
		}
	}
	if _, err := NewTable("huge.dat", bytes.NewReader(nil), maxTable+16); err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("NewTable(too large) = %v, want an error", err)
	}
	if _, err := NewTable("short.dat", bytes.NewReader(two), 4*recordSize); err == nil {
		t.Error("NewTable(file shorter than it says) succeeded")
	}
}

// One record out of place among few is seen, wherever it is.
func TestNewTableOrder(t *testing.T) {
	var records [][]byte
	for i := range byte(200) {
		records = append(records, record(1, i))
	}
	data := tableOf(records...)
	for i := range 199 {
		bad := slices.Clone(data)
		copy(bad[i*recordSize:], data[(i+1)*recordSize:(i+2)*recordSize])
		copy(bad[(i+1)*recordSize:], data[i*recordSize:(i+1)*recordSize])
		if _, err := NewTable("", bytes.NewReader(bad), int64(len(bad))); err == nil {
			t.Errorf("NewTable(records %d and %d swapped) succeeded", i, i+1)
		}
	}
}

// Whatever was opened finds each record that a scan finds if it is sorted, and
// never one that is not there.
func FuzzTable(f *testing.F) {
	f.Add(tableOf(record(1, 1), record(2, 2), record(3, 3)), []byte{2})
	f.Add(record(1, 1), []byte{1})
	f.Add([]byte("-----BEGIN"), []byte{})
	f.Fuzz(func(t *testing.T, data, public []byte) {
		table, err := NewTable("fuzz", bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		hash := sha256.Sum256(public)
		for _, h := range [][32]byte{hash, {}, [32]byte(append(slices.Clone(data[:hashSize]), make([]byte, 17)...))} {
			scan, sorted := false, true
			for i := 0; i < len(data); i += recordSize {
				scan = scan || bytes.Equal(data[i:i+hashSize], h[:hashSize])
				sorted = sorted && (i == 0 || bytes.Compare(data[i-recordSize:i-1], data[i:i+hashSize]) <= 0)
			}
			_, found, err := table.list(h)
			if err != nil || found && !scan || sorted && found != scan {
				t.Errorf("list(%x) = %v, %v, by a scan %v", h[:hashSize], found, err, scan)
			}
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	n := new(big.Int).Lsh(big.NewInt(0xc3c3), 2032).Bytes()
	spki := der(0x30, der(0x30, []byte("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00")), der(0x03, []byte{0}, der(0x30, der(0x02, []byte{0}, n), der(0x02, []byte{1, 0, 1}))))
	k := cert.ParseKey(spki)
	if k.Err != nil {
		b.Fatal(k.Err)
	}
	for b.Loop() {
		if hit, err := (Tables{}).Lookup(spki, &k); err != nil || hit.List != "" {
			b.Fatal(hit, err)
		}
	}
}
