package ct

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/lab"
)

func TestVerify(t *testing.T) {
	l := lab.New(lab.Config{})
	entry, err := X509Entry(l.Leaf)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := X509Entry(l.Intermediate.DER)
	for name, k := range map[string]*lab.Key{"ecdsa": lab.Logs()[0].Key, "rsa": lab.IssuingRSAKey()} {
		log := labLog(k)
		s := signed(t, k, l.At, []byte{1, 0, 0}, entry)
		if err := log.Verify(&s, entry); err != nil {
			t.Errorf("%s: Verify of an honest SCT: %v", name, err)
		}
		for what, change := range map[string]func(s *SCT) Entry{
			"another entry":     func(*SCT) Entry { return other },
			"another time":      func(s *SCT) Entry { s.Time = s.Time.Add(time.Millisecond); return entry },
			"other extensions":  func(s *SCT) Entry { s.Extensions = nil; return entry },
			"another signature": func(s *SCT) Entry { s.Signature[9] ^= 1; return entry },
			"trailing byte":     func(s *SCT) Entry { s.Signature = append(s.Signature, 0); return entry },
			"another hash":      func(s *SCT) Entry { s.Hash = 5; return entry },
			"another algorithm": func(s *SCT) Entry { s.Algorithm ^= 2; return entry },
			"another log":       func(s *SCT) Entry { s.LogID[0] ^= 1; return entry },
		} {
			forged := s
			forged.Signature = bytes.Clone(s.Signature)
			if err := log.Verify(&forged, change(&forged)); !errors.Is(err, ErrSignature) {
				t.Errorf("%s: Verify with %s = %v, want ErrSignature", name, what, err)
			}
		}
	}
}

func TestVerifyRefusesKeys(t *testing.T) {
	entry, _ := X509Entry([]byte{1})
	for name, k := range map[string]*lab.Key{"P-384": lab.RootKey(), "RSA 1024": lab.WeakKey()} {
		s := SCT{LogID: labLog(k).ID, Hash: hashSHA256, Algorithm: algorithmRSA, Signature: []byte{1}}
		if err := labLog(k).Verify(&s, entry); err == nil || errors.Is(err, ErrSignature) {
			t.Errorf("%s: Verify = %v, want an error about the key", name, err)
		}
	}
}

func TestEntries(t *testing.T) {
	if _, err := X509Entry(nil); err == nil {
		t.Error("X509Entry accepts nothing")
	}
	if _, err := PrecertEntry(nil, []byte{1}); err == nil {
		t.Error("PrecertEntry accepts an issuer without a key")
	}
	if _, err := PrecertEntry([]byte{1}, make([]byte, maxEntry+1)); err == nil {
		t.Error("PrecertEntry accepts what its length field cannot hold")
	}
}

func TestLogHistory(t *testing.T) {
	date := func(s string) time.Time {
		at, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	l := &Log{
		From: date("2025-01-01"), To: date("2026-01-01"),
		States:    []Change{{Usable, date("2024-06-01")}, {Retired, date("2025-03-01")}, {Rejected, date("2026-02-01")}},
		operators: []operator{{"Old", date("2024-09-01")}, {"New", time.Time{}}},
	}
	for at, want := range map[string]State{"2024-05-31": "", "2024-06-01": Usable, "2025-03-01": Retired, "2027-01-01": Rejected} {
		if got := l.StateAt(date(at)); got != want {
			t.Errorf("StateAt(%s) = %q, want %q", at, got, want)
		}
	}
	if end, ok := l.End(); !ok || !end.Equal(date("2025-03-01")) {
		t.Errorf("End = %v, %v", end, ok)
	}
	if gone, ok := l.Gone(); !ok || !gone.Equal(date("2026-02-01")) {
		t.Errorf("Gone = %v, %v", gone, ok)
	}
	if _, ok := (&Log{States: []Change{{Usable, date("2024-06-01")}}}).Gone(); ok {
		t.Error("a usable log is gone")
	}
	for at, want := range map[string]string{"2024-08-31": "Old", "2024-09-01": "New"} {
		if got := l.OperatorAt(date(at)); got != want {
			t.Errorf("OperatorAt(%s) = %q, want %q", at, got, want)
		}
	}
	for at, want := range map[string]bool{"2024-12-31": false, "2025-01-01": true, "2025-12-31": true, "2026-01-01": false} {
		if got, known := l.Accepts(date(at)); got != want || !known {
			t.Errorf("Accepts(%s) = %v, %v, want %v", at, got, known, want)
		}
	}
	if _, known := (&Log{}).Accepts(date("2026-01-01")); known {
		t.Error("a log without an interval knows what it accepts")
	}
}

func TestLeafIndex(t *testing.T) {
	for _, c := range []struct {
		name           string
		in             []byte
		index          uint64
		present, valid bool
	}{
		{"none", nil, 0, false, false},
		{"as in the specification", []byte{0, 0, 5, 1, 0, 0, 0, 2}, 1<<32 + 2, true, true},
		{"behind another extension", []byte{9, 0, 1, 7, 0, 0, 5, 0, 0, 0, 0, 2}, 2, true, true},
		{"only another one", []byte{9, 0, 1, 7}, 0, false, false},
		{"too short", []byte{0, 0, 4, 0, 0, 0, 2}, 0, true, false},
		{"twice", []byte{0, 0, 5, 0, 0, 0, 0, 2, 0, 0, 5, 0, 0, 0, 0, 2}, 2, true, false},
		{"cut", []byte{0, 0, 5, 0}, 0, false, false},
		{"bytes left over", []byte{0, 0, 5, 0, 0, 0, 0, 2, 9}, 2, true, false},
	} {
		s := SCT{Extensions: c.in}
		if index, present, valid := s.LeafIndex(); index != c.index || present != c.present || valid != c.valid {
			t.Errorf("%s: LeafIndex = %d, %v, %v, want %d, %v, %v", c.name, index, present, valid, c.index, c.present, c.valid)
		}
	}
}
