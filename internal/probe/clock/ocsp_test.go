package clock

import (
	"bytes"
	"crypto"
	"math/big"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"crypto/x509"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// staple makes an OCSP response for a serial number as the lab's intermediate.
func staple(t testing.TB, l *lab.Lab, serial []byte, this, next time.Time) []byte {
	t.Helper()
	issuer, err := x509.ParseCertificate(l.Intermediate.DER)
	if err != nil {
		t.Fatal(err)
	}
	der, err := ocsp.CreateResponse(issuer, issuer, ocsp.Response{
		Status: ocsp.Good, SerialNumber: new(big.Int).SetBytes(serial), ThisUpdate: this, NextUpdate: next,
		IssuerHash: crypto.SHA1,
	}, l.Intermediate.Key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestReadResponse(t *testing.T) {
	l := lab.New(lab.Config{})
	serial := cert.Parse(l.Leaf).Serial
	der := staple(t, l, serial, noon.Add(-time.Hour), noon.Add(day))
	for _, tt := range []struct {
		name    string
		der     []byte
		serial  []byte
		ok      bool
		answers bool
	}{
		{"for the leaf", der, serial, true, true},
		{"for another certificate", der, []byte{1}, true, false},
		{"try later", []byte{0x30, 3, 0x0a, 1, 3}, serial, true, false},
		{"bytes behind it", append(bytes.Clone(der), 0), serial, false, false},
		{"cut short", der[:len(der)-1], serial, false, false},
		{"empty", nil, serial, false, false},
		{"not a basic response", bytes.Replace(der, []byte(oidBasic), []byte(oidBasic[:8]+"\x02"), 1), serial, false, false},
		{"too long", make([]byte, maxStaple+1), serial, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := readResponse(tt.der, tt.serial)
			if (err == nil) != tt.ok || r.answers != tt.answers {
				t.Fatalf("readResponse() = %+v, %v, want ok %v, answers %v", r, err, tt.ok, tt.answers)
			}
			if tt.answers && (!r.this.Equal(noon.Add(-time.Hour)) || !r.next.Equal(noon.Add(day))) {
				t.Errorf("times = %v, %v, want an hour before noon and a day after", r.this, r.next)
			}
		})
	}
}

// What another reader takes from a response is what ours takes, and nothing is
// taken from one that is refused.
func FuzzReadResponse(f *testing.F) {
	l := lab.New(lab.Config{})
	leaf := cert.Parse(l.Leaf)
	der := staple(f, l, leaf.Serial, noon.Add(-time.Hour), noon.Add(day))
	f.Add(der)
	f.Add(der[:len(der)/2])
	f.Add(staple(f, l, leaf.Serial, noon, time.Time{}))
	f.Add([]byte{0x30, 3, 0x0a, 1, 3})
	std, err := x509.ParseCertificate(l.Leaf)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := readResponse(in, leaf.Serial)
		if err != nil {
			if r != (response{}) {
				t.Errorf("refused with %v, and yet gives %+v", err, r)
			}
			return
		}
		if r.answers == r.this.IsZero() && r.this.Year() != 1 {
			t.Errorf("answers = %v with thisUpdate %v", r.answers, r.this)
		}
		if again, err := readResponse(append(bytes.Clone(in), 0), leaf.Serial); err == nil {
			t.Errorf("a trailing octet is accepted: %+v", again)
		}
		if len(in) > 4<<10 {
			return // the other reader would check a signature of any size
		}
		want, err := ocsp.ParseResponseForCert(in, std, nil)
		if err != nil || !r.answers {
			return
		}
		if !r.this.Equal(want.ThisUpdate) || !r.next.Equal(want.NextUpdate) || !r.produced.Equal(want.ProducedAt) {
			t.Errorf("times = %v %v %v, want %v %v %v", r.this, r.next, r.produced, want.ThisUpdate, want.NextUpdate, want.ProducedAt)
		}
	})
}
