package ct

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"

	"golang.org/x/crypto/ocsp"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
)

// staple makes the OCSP response for a serial number with these extensions.
func staple(t testing.TB, l *lab.Lab, serial []byte, extensions ...pkix.Extension) []byte {
	t.Helper()
	issuer, err := x509.ParseCertificate(l.Intermediate.DER)
	if err != nil {
		t.Fatal(err)
	}
	der, err := ocsp.CreateResponse(issuer, issuer, ocsp.Response{
		Status: ocsp.Good, SerialNumber: new(big.Int).SetBytes(serial), ThisUpdate: l.At, NextUpdate: l.At.AddDate(0, 0, 7),
		IssuerHash: crypto.SHA1, ExtraExtensions: extensions,
	}, l.Intermediate.Key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func sctExtension(t testing.TB, list []byte) pkix.Extension {
	t.Helper()
	value, err := asn1.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 5}, Value: value}
}

func TestOCSPList(t *testing.T) {
	l := lab.New(lab.Config{})
	serial, want := cert.Parse(l.Leaf).Serial, list([]byte("an SCT"))
	nonce := pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: []byte{4, 0}}
	whole := staple(t, l, serial, nonce, sctExtension(t, want))
	if got, err := OCSPList(whole, serial); err != nil || !bytes.Equal(got, want) {
		t.Errorf("OCSPList = %x, %v, want %x", got, err, want)
	}
	for name, in := range map[string][]byte{
		"for another certificate": staple(t, l, []byte{1}, sctExtension(t, want)),
		"without SCTs":            staple(t, l, serial, nonce),
		"without extensions":      staple(t, l, serial),
		"try later":               {0x30, 3, 0x0a, 1, 3},
	} {
		if got, err := OCSPList(in, serial); err != nil || got != nil {
			t.Errorf("%s: OCSPList = %x, %v, want nothing", name, got, err)
		}
	}
	bad := pkix.Extension{Id: sctExtension(t, nil).Id, Value: []byte{5, 0}}
	for name, in := range map[string][]byte{"empty": nil, "no sequence": {1, 1, 0}, "a NULL as list": staple(t, l, serial, bad)} {
		if got, err := OCSPList(in, serial); err == nil {
			t.Errorf("%s: OCSPList = %x, want an error", name, got)
		}
	}
}

// A list that is found stands in the response as it was found.
func FuzzOCSPList(f *testing.F) {
	l := lab.New(lab.Config{})
	serial := cert.Parse(l.Leaf).Serial
	f.Add(staple(f, l, serial, sctExtension(f, list([]byte("an SCT")))))
	f.Fuzz(func(t *testing.T, in []byte) {
		if got, err := OCSPList(in, serial); err == nil && !bytes.Contains(in, got) {
			t.Errorf("OCSPList(%x) = %x, which is not in it", in, got)
		}
	})
}
