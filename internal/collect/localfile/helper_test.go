package localfile

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/evidence"
)

var testKey = ed25519.NewKeyFromSeed([]byte("certassay test key, not a secret"))

// made is a certificate of subject by issuer.
func made(tb testing.TB, subject, issuer string) []byte {
	tb.Helper()
	name := func(cn string) pkix.Name { return pkix.Name{CommonName: cn} }
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: name(subject),
		NotBefore: time.Unix(1.7e9, 0), NotAfter: time.Unix(1.8e9, 0)}
	der, err := x509.CreateCertificate(nil, template, &x509.Certificate{Subject: name(issuer)}, testKey.Public(), testKey)
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

func armour(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

func armourAll(ders ...[]byte) string {
	var out string
	for _, der := range ders {
		out += armour("CERTIFICATE", der)
	}
	return out
}

// tlv encodes one value in DER.
func tlv(id byte, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	n := len(body)
	if n < 0x80 {
		return append([]byte{id, byte(n)}, body...)
	}
	return append([]byte{id, 0x83, byte(n >> 16), byte(n >> 8), byte(n)}, body...)
}

// pkcs7 is a SignedData without signatures.
func pkcs7(certs ...[]byte) []byte {
	data := tlv(idOID, []byte("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"))
	return tlv(idSequence, tlv(idOID, []byte(signedData)), tlv(idContext0, tlv(idSequence,
		[]byte{2, 1, 1}, tlv(0x31), tlv(idSequence, data), tlv(idContext0, certs...), tlv(0x31))))
}

// result is what came of a Read.
type result struct {
	subjects []*evidence.Subject
	notes    []string
}

func read(tb testing.TB, path string, stdin []byte) (r result) {
	tb.Helper()
	o := Options{
		Emit: func(s *evidence.Subject) { r.subjects = append(r.subjects, s) },
		Note: func(path, text string) { r.notes = append(r.notes, filepath.Base(path)+": "+text) },
	}
	if stdin != nil {
		o.Stdin = bytes.NewReader(stdin)
	}
	if err := Read(context.Background(), path, o); err != nil {
		tb.Fatalf("Read(%s): %v", path, err)
	}
	return r
}

// write makes a file below dir and returns its path.
func write(tb testing.TB, dir, name string, data []byte) string {
	tb.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func ders(in ...[]byte) (out []evidence.DER) {
	for _, b := range in {
		out = append(out, b)
	}
	return out
}
