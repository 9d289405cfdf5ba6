package ct

import (
	"testing"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
)

// A certificate is the same as what the log signed for its precertificate, with
// SCTs and without; whatever else differs, and what is none, has another identity.
func TestIdentity(t *testing.T) {
	l := lab.New(lab.Config{})
	logged := cert.Parse(l.Leaf)
	tbs, err := CertificateTBS(logged)
	if err != nil {
		t.Fatal(err)
	}
	if Identity(l.Leaf, false) != Identity(tbs, true) {
		t.Error("a certificate with SCTs is another one than its precertificate")
	}
	plain := l.LeafTemplate()
	plain.Drop(lab.IDSCTs)
	plain.Set(lab.DNSNames("plain.lab.example"))
	der := plain.Sign(l.Intermediate.Key, "")
	if Identity(der, false) != Identity(cert.Parse(der).TBS, true) {
		t.Error("a certificate without SCTs is another one than its TBSCertificate")
	}
	seen := map[[32]byte]string{}
	for name, der := range map[string][]byte{"with SCTs": l.Leaf, "without": der, "garbage": {1, 2, 3}, "nothing": nil} {
		id := Identity(der, false)
		if other := seen[id]; other != "" {
			t.Errorf("%s and %s have one identity", name, other)
		}
		seen[id] = name
	}
}
