package ocsp

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// response makes one with another library.
func response(t testing.TB, l *lab.Lab, r ocsp.Response) []byte {
	t.Helper()
	issuer, err := x509.ParseCertificate(l.Intermediate.DER)
	if err != nil {
		t.Fatal(err)
	}
	r.ThisUpdate, r.NextUpdate, r.IssuerHash = noon, noon.Add(time.Hour), crypto.SHA1
	der, err := ocsp.CreateResponse(issuer, issuer, r, l.Intermediate.Key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// What another library writes is read as it was meant.
func TestParse(t *testing.T) {
	l := lab.New(lab.Config{})
	leaf, issuer := cert.Parse(l.Leaf), cert.Parse(l.Intermediate.DER)
	serial := new(big.Int).SetBytes(leaf.Serial)
	for _, tt := range []struct {
		name   string
		in     ocsp.Response
		state  State
		reason int
	}{
		{"good", ocsp.Response{Status: ocsp.Good}, Good, NoReason},
		{"unknown", ocsp.Response{Status: ocsp.Unknown}, Unknown, NoReason},
		{"revoked", ocsp.Response{Status: ocsp.Revoked, RevokedAt: noon, RevocationReason: 1}, Revoked, 1},
	} {
		tt.in.SerialNumber = serial
		r, err := Parse(response(t, l, tt.in))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		a := r.For(leaf.Serial)
		switch {
		case a == nil || a.State != tt.state || a.Reason != tt.reason || !a.This.Equal(noon) || !a.Next.Equal(noon.Add(time.Hour)):
			t.Errorf("%s: answer = %+v", tt.name, a)
		case tt.state == Revoked && !a.RevokedAt.Equal(noon):
			t.Errorf("revoked at %v", a.RevokedAt)
		case !a.ID.Names(leaf, issuer), a.ID.Names(leaf, leaf), !r.Is(issuer), r.Is(leaf):
			t.Errorf("%s: it names other certificates than it should", tt.name)
		case r.For([]byte{1}) != nil || r.More || r.ExtendedRevoke || r.Nonce != nil:
			t.Errorf("%s: response = %+v", tt.name, r)
		}
		if out, err := cert.Check(&issuer.Key, cert.ParseAlgorithm(r.Algorithm), r.Data, r.Signature); out != cert.Verified {
			t.Errorf("%s: signature %v, %v", tt.name, out, err)
		}
	}
	r, err := Parse(lab.OCSP{Issuer: l.Intermediate, Answers: []lab.Status{{Serial: leaf.Serial}}, This: noon, Nonce: []byte("nonce"), ExtendedRevoke: true, Certificates: [][]byte{l.Leaf}}.Sign())
	if err != nil || string(r.Nonce) != "nonce" || !r.ExtendedRevoke || len(r.Certificates) != 1 || !bytes.Equal(r.Certificates[0], l.Leaf) || !r.Is(issuer) {
		t.Errorf("Parse = %+v, %v", r, err)
	}
}

func TestParseRefuses(t *testing.T) {
	l := lab.New(lab.Config{})
	der := lab.OCSP{Issuer: l.Intermediate, Answers: []lab.Status{{Serial: []byte{1}}}, This: noon}.Sign()
	for name, in := range map[string][]byte{
		"empty": nil, "cut short": der[:len(der)-1], "bytes behind it": append(bytes.Clone(der), 0), "too long": make([]byte, MaxSize+1),
		"another kind": bytes.Replace(der, []byte(oidBasic), []byte(oidBasic[:8]+"\x02"), 1),
	} {
		if r, err := Parse(in); err == nil || r != nil {
			t.Errorf("%s: Parse = %+v, %v, want an error and nothing", name, r, err)
		}
	}
	for code, name := range map[byte]string{1: "malformedRequest", 2: "internalError", 3: "tryLater", 5: "sigRequired", 6: "unauthorized", 9: "not a status"} {
		r, err := Parse([]byte{0x30, 3, 0x0a, 1, code})
		if err != nil || r.Code.String() != name || r.Data != nil || r.For([]byte{1}) != nil {
			t.Errorf("code %d: %+v, %v, want %s", code, r, err, name)
		}
	}
}

// A flood of answers is cut off, and that is said.
func TestManyAnswers(t *testing.T) {
	l := lab.New(lab.Config{})
	o := lab.OCSP{Issuer: l.Intermediate, This: noon}
	for i := range 2 * maxAnswers {
		o.Answers = append(o.Answers, lab.Status{Serial: []byte{byte(i % 127)}})
	}
	if r, err := Parse(o.Sign()); err != nil || len(r.Answers) != maxAnswers || !r.More {
		t.Errorf("Parse = %d answers, %v", len(r.Answers), err)
	}
}

func TestSCTList(t *testing.T) {
	l := lab.New(lab.Config{})
	serial := cert.Parse(l.Leaf).Serial
	answering := func(value []byte) []byte {
		return response(t, l, ocsp.Response{SerialNumber: new(big.Int).SetBytes(serial), ExtraExtensions: []pkix.Extension{
			{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: []byte{4, 0}},
			{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 5}, Value: value},
		}})
	}
	for _, tt := range []struct {
		value string
		want  string
		ok    bool
	}{{"\x04\x02ab", "ab", true}, {"\x05\x00", "", false}, {"\x04\x02abc", "", false}} {
		r, err := Parse(answering([]byte(tt.value)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.For(serial).SCTList(); string(got) != tt.want || (err == nil) != tt.ok {
			t.Errorf("SCTList of %x = %x, %v, want %x, ok %v", tt.value, got, err, tt.want, tt.ok)
		}
		if got, err := r.For([]byte{1}).SCTList(); got != nil || err != nil {
			t.Errorf("SCTList for another certificate = %x, %v", got, err)
		}
	}
}

// Another library reads our requests.
func TestRequest(t *testing.T) {
	l := lab.New(lab.Config{})
	leaf, issuer := cert.Parse(l.Leaf), cert.Parse(l.Intermediate.DER)
	for _, nonce := range [][]byte{nil, bytes.Repeat([]byte{7}, NonceSize)} {
		der := Request(leaf, issuer, nonce)
		if got := RequestNonce(der); !bytes.Equal(got, nonce) {
			t.Errorf("RequestNonce = %x, want %x", got, nonce)
		}
		r, err := ocsp.ParseRequest(der)
		if err != nil || !bytes.Equal(r.SerialNumber.Bytes(), bytes.TrimLeft(leaf.Serial, "\x00")) || !bytes.Equal(r.IssuerKeyHash, l.Intermediate.Key.ID) {
			t.Errorf("another library reads %+v, %v", r, err)
		}
	}
	if RequestNonce([]byte("x")) != nil {
		t.Error("what is no request has a nonce")
	}
}

// What is read lies within the response; what another reader takes from it is
// what ours takes; and no octet can follow it.
func FuzzParse(f *testing.F) {
	l := lab.New(lab.Config{})
	leaf := cert.Parse(l.Leaf)
	o := lab.OCSP{Issuer: l.Intermediate, Answers: []lab.Status{{Serial: leaf.Serial}, {Serial: []byte{1}, State: "revoked", At: noon, Reason: 1}}, This: noon, Next: noon.Add(time.Hour)}
	f.Add(o.Sign())
	o.Nonce, o.ExtendedRevoke, o.Certificates = []byte{1}, true, [][]byte{l.Intermediate.DER}
	f.Add(o.Sign())
	f.Add([]byte{0x30, 3, 0x0a, 1, 3})
	std, err := x509.ParseCertificate(l.Leaf)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := Parse(in)
		if err != nil {
			if r != nil {
				t.Errorf("refused with %v, and yet gives %+v", err, r)
			}
			return
		}
		for _, part := range append([][]byte{r.Data, r.Algorithm, r.Signature, r.Name, r.KeyHash, r.Nonce}, r.Certificates...) {
			if !bytes.Contains(in, part) {
				t.Errorf("%x is not in the response", part)
			}
		}
		if _, err := Parse(append(bytes.Clone(in), 0)); err == nil {
			t.Error("a trailing octet is accepted")
		}
		a := r.For(leaf.Serial)
		if len(in) > 4<<10 || a == nil {
			return // the other reader would check a signature of any size
		}
		want, err := ocsp.ParseResponseForCert(in, std, nil)
		if err != nil {
			return
		}
		if !a.This.Equal(want.ThisUpdate) || !a.Next.Equal(want.NextUpdate) || !r.Produced.Equal(want.ProducedAt) || int(a.State) != want.Status {
			t.Errorf("answer = %+v, want %+v", a, want)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	l := lab.New(lab.Config{})
	der := lab.OCSP{Issuer: l.Intermediate, Answers: []lab.Status{{Serial: []byte{1}}}, This: noon}.Sign()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(der); err != nil {
			b.Fatal(err)
		}
	}
}
