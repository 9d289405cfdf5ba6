package ct

import (
	"testing"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
)

func BenchmarkCertificateTBS(b *testing.B) {
	c := cert.Parse(lab.New(lab.Config{}).Leaf)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := CertificateTBS(c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	l := lab.New(lab.Config{})
	c := cert.Parse(l.Leaf)
	tbs, err := CertificateTBS(c)
	if err != nil {
		b.Fatal(err)
	}
	e, _ := PrecertEntry(l.Intermediate.Key.SPKI, tbs)
	s, log := embedded(b, c)[0], labLog(lab.Logs()[0].Key)
	for b.Loop() {
		if err := log.Verify(&s, e); err != nil {
			b.Fatal(err)
		}
	}
}
