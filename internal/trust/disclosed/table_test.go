package disclosed_test

import (
	"bytes"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/trust/disclosed"
)

const date = "2026-11-02"

func facts(subject string, k *lab.Key, pathLen int) *disclosed.Facts {
	from := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	return &disclosed.Facts{
		SHA256:    sha256.Sum256([]byte(subject)),
		CA:        &cert.Certificate{Subject: cert.Name{Raw: lab.Named(subject)}, SPKI: k.SPKI, Key: cert.ParseKey(k.SPKI)},
		KeyID:     k.ID,
		NotBefore: from, NotAfter: from.AddDate(3, 0, 0), PathLen: pathLen,
	}
}

// sample is a CA below a root, one below that, and two that are known by hashes.
func sample(tb testing.TB) (upper, lower *disclosed.Facts, pairs []disclosed.Pair, data []byte) {
	tb.Helper()
	upper, lower = facts("CN=Upper CA,O=Lab", lab.RootKey(), 1), facts("CN=Lower CA,O=Lab", lab.IssuingKey(), -1)
	upper.Root = sha256.Sum256([]byte("root"))
	lower.Above, lower.KeyID, lower.NotAfter = upper, []byte("its own"), lower.NotAfter.AddDate(5, 0, 0)
	for _, s := range []string{"one", "two"} {
		pairs = append(pairs, disclosed.Pair{Certificate: sha256.Sum256([]byte(s)), SPKI: sha256.Sum256([]byte("key " + s))})
	}
	pairs = append(pairs, disclosed.Pair{Certificate: lower.SHA256, SPKI: lower.SPKISHA256()})
	data, err := disclosed.Encode(date, []*disclosed.Facts{upper, lower}, pairs)
	if err != nil {
		tb.Fatal(err)
	}
	return upper, lower, pairs, data
}

func TestTable(t *testing.T) {
	upper, lower, pairs, data := sample(t)
	table, err := disclosed.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := table.Check(); err != nil {
		t.Error(err)
	}
	if table.Date() != date || table.Facts() != 2 || table.Hashes() != 2 {
		t.Errorf("date %s, facts of %d, hashes of %d", table.Date(), table.Facts(), table.Hashes())
	}
	for _, want := range []*disclosed.Facts{upper, lower} {
		name := cert.Name{Raw: want.CA.Subject.Raw}
		for how, got := range map[string][]*disclosed.Facts{
			"name": table.ByName(&name), "key identifier": table.ByKeyID(want.KeyID), "key": table.ByKey(want.CA.SPKI),
		} {
			if len(got) != 1 {
				t.Errorf("%s: %d by %s", want.CA.Subject.String(), len(got), how)
				continue
			}
			same := cmp.Comparer(func(a, b *cert.Certificate) bool {
				return bytes.Equal(a.Subject.Raw, b.Subject.Raw) && bytes.Equal(a.SPKI, b.SPKI)
			})
			if diff := cmp.Diff(want, got[0], same); diff != "" {
				t.Errorf("by %s (-want +got):\n%s", how, diff)
			}
		}
	}
	from, until, pathLen := lower.Bounds()
	if !from.Equal(upper.NotBefore) || !until.Equal(upper.NotAfter) || pathLen != 0 {
		t.Errorf("the lower CA is bound to %s, %s, %d", from, until, pathLen)
	}
	if lower.Anchor() != upper.Root {
		t.Error("the lower CA stands below another root")
	}
	for _, p := range pairs {
		if !table.HasKey(p.SPKI) {
			t.Errorf("key %x is not known", p.SPKI[:4])
		}
	}
	other := pairs[0].SPKI
	other[19] ^= 1
	if table.HasKey(other) || table.HasKey([32]byte{}) || len(table.ByKeyID(nil)) > 0 || len(table.ByName(&cert.Name{})) > 0 {
		t.Error("what is not there is known")
	}
}

func TestZeroTableKnowsNothing(t *testing.T) {
	var table disclosed.Table
	f := facts("CN=Any", lab.RootKey(), -1)
	if table.HasKey(f.SPKISHA256()) || len(table.ByName(&f.CA.Subject))+len(table.ByKeyID(f.KeyID))+len(table.ByKey(f.CA.SPKI)) > 0 || table.Check() != nil {
		t.Error("the zero table knows something")
	}
}

func TestDamagedTable(t *testing.T) {
	_, _, _, data := sample(t)
	for n := range data {
		if table, err := disclosed.Decode(data[:n]); err == nil && table.Check() == nil {
			t.Errorf("the first %d of %d octets are a table", n, len(data))
		}
	}
	if _, err := disclosed.Decode(append(bytes.Clone(data), 0)); err == nil {
		t.Error("an octet behind the table went unseen")
	}
}

func TestEncodeRefuses(t *testing.T) {
	_, lower, pairs, _ := sample(t)
	nameless := facts("CN=Any", lab.RootKey(), 0)
	nameless.CA.Subject = cert.Name{}
	for name, list := range map[string][]*disclosed.Facts{
		"a CA above that is not there": {lower},
		"no name":                      {nameless},
		"a path length out of range":   {facts("CN=Any", lab.RootKey(), 400)},
	} {
		if _, err := disclosed.Encode(date, list, pairs); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// FuzzDecode: a table that is found sound finds every CA by what it is.
func FuzzDecode(f *testing.F) {
	_, _, _, data := sample(f)
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := disclosed.Decode(data)
		if err != nil || table.Check() != nil {
			return
		}
		for _, ca := range table.All() {
			if len(table.ByName(&ca.CA.Subject)) == 0 || len(table.ByKey(ca.CA.SPKI)) == 0 || !table.HasKey(ca.SPKISHA256()) {
				t.Errorf("%s is not found", ca.CA.Subject.String())
			}
			ca.Bounds()
			ca.Anchor()
		}
	})
}
