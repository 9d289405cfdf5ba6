package trust

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
)

// TestRevokedFile reads the shipped list: what is wrong in it would stop the program
// when it first looks something up.
func TestRevokedFile(t *testing.T) {
	l, err := ReadRevoked(revokedFile)
	if err != nil {
		t.Fatal(err)
	}
	if l.date < "2026-10-28" || l.entries < 1900 || len(l.keys) == 0 {
		t.Errorf("list of %s with %d entries and %d subjects with keys", l.date, l.entries, len(l.keys))
	}
	if len(revokedFile) > 120<<10 {
		t.Errorf("the list takes %d bytes in every binary", len(revokedFile))
	}
	used := map[Reason]bool{}
	for _, of := range l.serials {
		for _, r := range of {
			used[r.Reason] = true
		}
	}
	for _, r := range reasons {
		if !used[r] {
			t.Errorf("no entry has reason %q", r)
		}
	}
}

// listOf is a list of the issuer and serial number of one certificate and of the
// subject and key of another.
func listOf(serial, key *cert.Certificate) string {
	sum, _ := key.SPKISHA256()
	text, err := json.Marshal(RevokedFile{
		Date:    "2026-10-01",
		Batches: []RevokedBatch{{Listed: "2020-02-03", Bug: 7}, {Listed: "2021-02-03", Reason: KeyCompromise}},
		Issuers: []RevokedIssuer{{serial.Issuer.Raw, map[string]int{base64.RawStdEncoding.EncodeToString(serial.Serial): 0}}},
		Keys:    []RevokedByKey{{key.Subject.Raw, sum[:], 1}},
	})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestRevokedFind(t *testing.T) {
	h := lab.New(lab.Config{})
	ca, leaf, root := cert.Parse(h.Intermediate.DER), cert.Parse(h.Leaf), cert.Parse(h.Root.DER)
	l, err := ReadRevoked([]byte(listOf(ca, leaf)))
	if err != nil {
		t.Fatal(err)
	}
	if r := l.Find(ca); r == nil || r.List != "OneCRL 2026-10-01" || r.Reason != "" || !r.Listed.Equal(time.Date(2020, 2, 3, 0, 0, 0, 0, time.UTC)) || !strings.HasSuffix(r.Source(), "id=7") {
		t.Errorf("by issuer and serial number: %+v", r)
	}
	if r := l.Find(leaf); r == nil || r.Reason != KeyCompromise || !strings.HasPrefix(r.Source(), "https://wiki") {
		t.Errorf("by subject and key: %+v", r)
	}
	if r := l.Find(root); r != nil {
		t.Errorf("root: %+v, want nothing", r)
	}
	other := &cert.Certificate{SPKI: ca.SPKI, Issuer: cert.Name{Raw: ca.Issuer.Raw}, Serial: append([]byte{0}, ca.Serial...)}
	if r := l.Find(other); r != nil {
		t.Errorf("another serial number of the same issuer: %+v", r)
	}
	namesake := &cert.Certificate{SPKI: root.SPKI, Subject: cert.Name{Raw: leaf.Subject.Raw}, Serial: []byte{1}}
	if r := l.Find(namesake); r != nil {
		t.Errorf("another key under a listed subject: %+v", r)
	}
	if r := l.Find(cert.Parse([]byte("0"))); r != nil {
		t.Errorf("bytes that are no certificate: %+v", r)
	}
	if n := testing.AllocsPerRun(10, func() { l.Find(root) }); n != 0 {
		t.Errorf("a certificate that is not listed costs %v allocations", n)
	}
	store, err := Open(Options{Revoked: l})
	if err != nil {
		t.Fatal(err)
	}
	if store.Revoked(ca) == nil || store.RevokedDate() != "2026-10-01" {
		t.Error("the store does not use the list that it was given")
	}
}

func TestReadRevokedRefuses(t *testing.T) {
	h := lab.New(lab.Config{})
	good := listOf(cert.Parse(h.Intermediate.DER), cert.Parse(h.Leaf))
	name := base64.StdEncoding.EncodeToString(cert.Parse(h.Intermediate.DER).Issuer.Raw)
	for _, tt := range []struct{ name, old, new, want string }{
		{"no date", "2026-10-01", "soon", "date"},
		{"no day", "2020-02-03", "2020-02-31", "batch 0"},
		{"unknown reason", "key-compromise", "bad luck", "batch 1"},
		{"unknown key", `"bug"`, `"bugs"`, "unknown field"},
		{"no such batch", `"batch":1`, `"batch":2`, "no batch 2"},
		{"no such batch of a serial number", `":0}`, `":-1}`, "no batch -1"},
		{"no name", name, "MAA=", "no name"},
		{"no serial number", `"serials":{"`, `"serials":{"!`, "no serial number"},
		{"short hash", `"spki_sha256":"`, `"spki_sha256":"AAAA`, "32 octets"},
		{"twice", `"keys":[`, `"keys":[` + good[strings.Index(good, `"keys":[`)+8:len(good)-2] + ",", "twice"},
		{"second document", `}]}`, `}]}{}`, "more than one document"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(good, tt.old, tt.new, 1)
			if text == good {
				t.Fatal("nothing was changed")
			}
			if _, err := ReadRevoked([]byte(text)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ReadRevoked = %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// FuzzReadRevoked: a list that is read finds every entry that it counts.
func FuzzReadRevoked(f *testing.F) {
	h := lab.New(lab.Config{})
	f.Add([]byte(listOf(cert.Parse(h.Intermediate.DER), cert.Parse(h.Leaf))))
	f.Add([]byte(`{"date":"2026-01-01","batches":[],"issuers":[],"keys":[]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		l, err := ReadRevoked(in)
		if err != nil {
			if l != nil {
				t.Error("an error and a list")
			}
			return
		}
		found := 0
		for issuer, of := range l.serials {
			for serial := range of {
				if l.Find(&cert.Certificate{SPKI: []byte("x"), Issuer: cert.Name{Raw: []byte(issuer)}, Serial: []byte(serial)}) != nil {
					found++
				}
			}
		}
		for _, of := range l.keys {
			found += len(of)
		}
		if found != l.entries {
			t.Errorf("%d of %d entries are found", found, l.entries)
		}
	})
}

// FuzzReadOneCRL: what Mozilla's form converts to is read as it is in ours.
func FuzzReadOneCRL(f *testing.F) {
	f.Add([]byte(`{"timestamp":1793208925525,"data":[{"details":{"bug":"1427034"},"issuerName":"MA0xCzAJBgNVBAYTAlhY","serialNumber":"AMD/","last_modified":1515715200000}]}`))
	f.Add([]byte(`{"changes":[{"subject":"MA0xCzAJBgNVBAYTAlhY","pubKeyHash":"qQOvjAe7kbDZ4/OjDG1TM5/FvUfl1r20dlmIYMBooCQ=","last_modified":1793208925525},{"deleted":true}]}`))
	f.Add([]byte(`{"data":[{"last_modified":1e18,"subject":"MAA="}]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		file, err := ConvertOneCRL(in)
		if err != nil {
			if file != nil {
				t.Error("an error and a list")
			}
			return
		}
		own, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		a, errA := ReadOneCRL(in)
		b, errB := ReadOneCRL(own)
		if errA != nil || errB != nil || a.Date() != b.Date() || a.Missing(b) != 0 || b.Missing(a) != 0 || a.Entries() == 0 {
			t.Errorf("read as it is: %v; in our form: %v", errA, errB)
		}
	})
}
