package crl

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"math/big"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// What another library writes is read as it was meant.
func TestParse(t *testing.T) {
	l := lab.New(lab.Config{})
	issuer, err := x509.ParseCertificate(l.Intermediate.DER)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(300), ThisUpdate: noon, NextUpdate: noon.Add(time.Hour),
		RevokedCertificateEntries: []x509.RevocationListEntry{
			{SerialNumber: big.NewInt(5), RevocationTime: noon}, {SerialNumber: big.NewInt(200), RevocationTime: noon.Add(-time.Hour), ReasonCode: 1},
		},
	}, issuer, l.Intermediate.Key)
	if err != nil {
		t.Fatal(err)
	}
	list, err := Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	if !list.This.Equal(noon) || !list.Next.Equal(noon.Add(time.Hour)) || !bytes.Equal(list.Number, []byte{1, 44}) ||
		list.Scope != nil || list.Delta || list.Unknown || list.AlgorithmsDiffer || list.Issuer.Normal() != cert.Parse(l.Intermediate.DER).Subject.Normal() {
		t.Errorf("Parse = %+v", list)
	}
	key := cert.Parse(l.Intermediate.DER).Key
	if out, err := cert.Check(&key, cert.ParseAlgorithm(list.Algorithm), list.TBS, list.Signature); out != cert.Verified {
		t.Errorf("signature %v, %v", out, err)
	}
	for _, tt := range []struct {
		serial []byte
		found  bool
		want   Entry
	}{
		{[]byte{5}, true, Entry{noon, NoReason}},
		{[]byte{0, 5}, true, Entry{noon, NoReason}}, // written with an octet too many
		{[]byte{0, 200}, true, Entry{noon.Add(-time.Hour), 1}},
		{[]byte{200}, false, Entry{}}, // a negative number is another one
		{[]byte{6}, false, Entry{}},
		{nil, false, Entry{}},
	} {
		e, found, err := list.Find(tt.serial)
		if err != nil || found != tt.found || found && (!e.At.Equal(tt.want.At) || e.Reason != tt.want.Reason) {
			t.Errorf("Find(%x) = %+v, %v, %v, want %+v, %v", tt.serial, e, found, err, tt.want, tt.found)
		}
	}
}

func TestScope(t *testing.T) {
	l := lab.New(lab.Config{})
	list, err := Parse(lab.CRL{Issuer: l.Intermediate, This: noon, URL: "http://crl.lab.example/7.crl", OnlyUser: true, Indirect: true, Delta: true, Critical: true}.Sign())
	if err != nil {
		t.Fatal(err)
	}
	s := list.Scope
	if s == nil || !s.Named || len(s.URLs) != 1 || s.URLs[0] != "http://crl.lab.example/7.crl" || !s.OnlyUser || s.OnlyCA || !s.Indirect || s.SomeReasons {
		t.Errorf("scope = %+v", s)
	}
	if !list.Delta || !list.Unknown || !list.Next.IsZero() {
		t.Errorf("list = %+v", list)
	}
}

func TestRefuses(t *testing.T) {
	l := lab.New(lab.Config{})
	der := lab.CRL{Issuer: l.Intermediate, This: noon, Entries: []lab.Status{{Serial: []byte{1}, At: noon}}}.Sign()
	for name, in := range map[string][]byte{"empty": nil, "cut short": der[:len(der)-1], "bytes behind it": append(bytes.Clone(der), 0), "a certificate": l.Leaf} {
		if list, err := Parse(in); err == nil || list != nil {
			t.Errorf("%s: Parse = %+v, %v, want an error and nothing", name, list, err)
		}
	}
	// An entry that cannot be read is no absence of those behind it.
	list, err := Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	list.entries = []byte{0x30, 3, 4, 1, 0, 0x30, 3, 2, 1, 9}
	if _, found, err := list.Find([]byte{9}); err == nil || found {
		t.Errorf("Find behind a broken entry = %v, %v, want an error", found, err)
	}
	list.entries = []byte{0x30, 3, 2, 1, 9}
	if _, found, err := list.Find([]byte{9}); err == nil || found {
		t.Errorf("Find of an entry without a time = %v, %v, want an error", found, err)
	}
}

// What crypto/x509 reads of a list is what ours reads of it.
func FuzzParse(f *testing.F) {
	l := lab.New(lab.Config{})
	c := lab.CRL{Issuer: l.Intermediate, This: noon, Next: noon.Add(time.Hour), Entries: []lab.Status{{Serial: []byte{1}, At: noon, Reason: 4}, {Serial: []byte{9}, At: noon}}}
	f.Add(c.Sign())
	c.URL, c.OnlyCA, c.Delta = "http://x/", true, true
	f.Add(c.Sign())
	f.Fuzz(func(t *testing.T, in []byte) {
		list, err := Parse(in)
		if err != nil {
			if list != nil {
				t.Errorf("refused with %v, and yet gives %+v", err, list)
			}
			return
		}
		if !bytes.Contains(in, list.TBS) || !bytes.Contains(in, list.Signature) {
			t.Error("what was signed is not in the list")
		}
		want, err := x509.ParseRevocationList(in)
		if err != nil {
			return
		}
		if !list.This.Equal(want.ThisUpdate) || !list.Next.Equal(want.NextUpdate) {
			t.Errorf("times = %v, %v, want %v, %v", list.This, list.Next, want.ThisUpdate, want.NextUpdate)
		}
		for _, e := range want.RevokedCertificateEntries {
			if e.SerialNumber.Sign() <= 0 {
				continue
			}
			serial := append([]byte{0}, e.SerialNumber.Bytes()...)
			if _, found, err := list.Find(serial); err == nil && !found {
				t.Errorf("%x is not found", serial)
			}
		}
	})
}

func BenchmarkFind(b *testing.B) {
	l := lab.New(lab.Config{})
	c := lab.CRL{Issuer: l.Intermediate, This: noon}
	for i := range 20_000 {
		c.Entries = append(c.Entries, lab.Status{Serial: lab.SerialOf(string(rune(i))), At: noon, Reason: 1})
	}
	list, err := Parse(c.Sign())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, found, err := list.Find([]byte{1}); found || err != nil {
			b.Fatal(found, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/20_000, "ns/entry")
}
