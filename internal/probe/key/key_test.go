package key

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/probe/key/known"
)

// spki encodes a SubjectPublicKeyInfo with the content octets of an algorithm
// identifier.
func spki(algorithm string, public []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes([]byte(algorithm)) })
		b.AddASN1BitString(public)
	})
	return b.BytesOrPanic()
}

// Algorithm identifiers (RFC 8017 appendix A.1, RFC 5480 section 2.1.1, RFC 8410
// section 3).
const (
	rsaAlgorithm     = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"
	p256Algorithm    = "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
	unknownCurve     = "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x03\x2a\x03\x04"
	ed25519Algorithm = "\x06\x03\x2b\x65\x70"
)

func rsaKey(n *big.Int, e int64) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(n)
		b.AddASN1Int64(e)
	})
	return spki(rsaAlgorithm, b.BytesOrPanic())
}

func of(spki []byte, tables known.Tables) *facts.Key {
	return Key(&cert.Certificate{SPKI: spki, Key: cert.ParseKey(spki)}, tables, nil)
}

func seeded(seed string, bits int) *big.Int {
	var b []byte
	for i := byte(0); len(b)*8 < bits; i++ {
		sum := sha256.Sum256(append([]byte(seed), i))
		b = append(b, sum[:]...)
	}
	n := new(big.Int).SetBytes(b[:bits/8])
	return n.SetBit(n, bits-1, 1).SetBit(n, bits-2, 1).SetBit(n, 0, 1)
}

func prime(n *big.Int) *big.Int {
	p := new(big.Int).Set(n)
	for !p.ProbablyPrime(0) {
		p.Add(p, big.NewInt(2))
	}
	return p
}

func TestWeaknesses(t *testing.T) {
	p, q := prime(seeded("p", 512)), prime(seeded("q", 512))
	next := prime(new(big.Int).Add(p, big.NewInt(2)))
	honest := new(big.Int).Mul(p, q)
	seed := sha256.Sum256([]byte("seed"))
	tests := []struct {
		name   string
		spki   []byte
		want   []string
		broken bool
	}{
		{"honest RSA", rsaKey(honest, 65537), []string{}, false},
		{"exponent 1", rsaKey(honest, 1), []string{"exponent-one"}, true},
		{"exponent 4", rsaKey(honest, 4), []string{"exponent-even"}, false},
		{"close primes", rsaKey(new(big.Int).Mul(p, next), 65537), []string{"close-primes"}, true},
		{"too large", rsaKey(seeded("large", 16400), 65537), nil, false},
		{"RSA without an exponent", spki(rsaAlgorithm, []byte{0x30, 3, 2, 1, 5}), []string{}, false},
		{"point with zeros", spki(p256Algorithm, append([]byte{4}, make([]byte, 64)...)), []string{"off-curve"}, false},
		{"infinity", spki(p256Algorithm, []byte{0}), []string{"infinity"}, true},
		{"curve that is not known", spki(unknownCurve, append([]byte{4}, make([]byte, 64)...)), []string{}, false},
		{"honest Ed25519", spki(ed25519Algorithm, ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)), []string{}, false},
		{"Ed25519 of order 4", spki(ed25519Algorithm, make([]byte, 32)), []string{"small-order"}, true},
	}
	for _, test := range tests {
		f := of(test.spki, known.Tables{})
		if diff := cmp.Diff(test.want, f.Weaknesses); diff != "" || f.Broken != test.broken {
			t.Errorf("%s: broken %v, want %v; weaknesses:\n%s", test.name, f.Broken, test.broken, diff)
		}
	}
}

// failing is a table on a disk that went away.
type failing struct{ open bool }

func (r *failing) ReadAt(p []byte, _ int64) (int, error) {
	if !r.open {
		return 0, io.ErrUnexpectedEOF
	}
	return copy(p, make([]byte, 16)), nil
}

func TestKnown(t *testing.T) {
	n := new(big.Int).Mul(prime(seeded("p", 512)), prime(seeded("q", 512)))
	sum := sha256.Sum256(n.Bytes())
	record := append(sum[:15:15], 1)
	table, err := known.NewTable("weak.dat", bytes.NewReader(record), 16)
	if err != nil {
		t.Fatal(err)
	}
	r := &failing{open: true}
	gone, err := known.NewTable("gone.dat", r, 16)
	if err != nil {
		t.Fatal(err)
	}
	r.open = false
	tests := []struct {
		name   string
		tables known.Tables
		want   *facts.KnownKey
	}{
		{"on no list", known.Tables{}, &facts.KnownKey{}},
		{"listed", known.With([]*known.Table{table}), &facts.KnownKey{List: "debianssl", Source: "weak.dat"}},
		{"listed beside a table that cannot be read", known.With([]*known.Table{gone, table}), &facts.KnownKey{List: "debianssl", Source: "weak.dat"}},
		{"a table cannot be read", known.With([]*known.Table{gone}), nil},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, of(rsaKey(n, 65537), test.tables).Known); diff != "" {
			t.Errorf("%s:\n%s", test.name, diff)
		}
	}
}

func TestKeyWithoutKey(t *testing.T) {
	if f := Key(&cert.Certificate{}, known.Tables{}, &Memory{}); f != nil {
		t.Errorf("Key(no key) = %v, want nil", f)
	}
}

// What the samples of a labelled corpus have to be called, by the subclass that
// its manifest gives them.
var subclasses = map[string]string{
	"rsa-exponent-1": "exponent-one", "close-primes": "close-primes", "roca": "roca",
	"patterned-modulus": "patterned-modulus", "small-factor": "small-factor",
	"small-private-exponent": "small-private-exponent", "non-rsa-modulus": "modulus-prime",
}

// TestCorpus reads the corpora of labelled keys in CERTASSAY_CORPUS, where that
// is set: every weak key is named, and no key of an honest chain has a weakness.
func TestCorpus(t *testing.T) {
	root := os.Getenv("CERTASSAY_CORPUS")
	if root == "" {
		t.Skip("CERTASSAY_CORPUS is not set")
	}
	named := 0
	for _, dir := range []string{"forged", "genuine"} {
		var rows []struct{ Served, Subclass, Label string }
		text, err := os.ReadFile(filepath.Join(root, dir, "manifest.json"))
		if err == nil {
			err = json.Unmarshal(text, &rows)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			text, err := os.ReadFile(filepath.Join(root, dir, row.Served))
			if err != nil {
				t.Fatal(err)
			}
			for _, info := range keysIn(text) {
				f := of(info, known.Tables{})
				want := subclasses[row.Subclass]
				if want != "" && !slices.Contains(f.Weaknesses, want) || want == "" && row.Label == "genuine" && len(f.Weaknesses) > 0 {
					t.Errorf("%s (%s): weaknesses %v, want %q", row.Served, row.Subclass, f.Weaknesses, want)
				}
				if want != "" {
					named++
				}
			}
		}
	}
	if named == 0 {
		t.Error("no weak key in the corpus")
	}
}

// keysIn gives the SubjectPublicKeyInfo of each certificate or bare key.
func keysIn(text []byte) (out [][]byte) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		info := block.Bytes
		if block.Type == "CERTIFICATE" {
			info = cert.Parse(info).SPKI
		}
		if info != nil {
			out = append(out, info)
		}
	}
	return out
}

func BenchmarkKeyRSA2048(b *testing.B) {
	info := rsaKey(new(big.Int).Mul(prime(seeded("p", 1024)), prime(seeded("q", 1024))), 65537)
	c := &cert.Certificate{SPKI: info, Key: cert.ParseKey(info)}
	Key(c, known.Tables{}, nil)
	for b.Loop() {
		Key(c, known.Tables{}, nil)
	}
}

// What is remembered of a key is what was found, and nothing of the certificate
// that it came with.
func TestMemory(t *testing.T) {
	p := prime(seeded("p", 512))
	spki := rsaKey(new(big.Int).Mul(p, prime(new(big.Int).Add(p, big.NewInt(2)))), 65537)
	var m Memory
	for range 2 {
		c := &cert.Certificate{SPKI: spki, Key: cert.ParseKey(spki)}
		if diff := cmp.Diff(Key(c, known.Tables{}, nil), Key(c, known.Tables{}, &m)); diff != "" {
			t.Errorf("without a memory (-) and with one (+):\n%s", diff)
		}
		// The next has a key identifier that is not its key's.
		c = &cert.Certificate{SPKI: spki, Key: cert.ParseKey(spki)}
		c.Extensions = []cert.Extension{{OID: cert.OID(cert.OIDSubjectKeyID), Value: []byte{4, 1, 7}}}
		if f := Key(c, known.Tables{}, &m); f.MatchesSKI == nil || *f.MatchesSKI {
			t.Errorf("MatchesSKI = %v, want false", f.MatchesSKI)
		}
	}
	if len(m.recent) != 1 {
		t.Errorf("%d keys are remembered, want 1", len(m.recent))
	}
}
