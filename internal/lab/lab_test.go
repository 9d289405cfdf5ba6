package lab

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"testing"

	ct "github.com/google/certificate-transparency-go"
	cttls "github.com/google/certificate-transparency-go/tls"
	ctx509 "github.com/google/certificate-transparency-go/x509"
)

// TestHonestLeaf holds our own writing against crypto/x509: every field of the
// honest leaf is read as it was meant.
func TestHonestLeaf(t *testing.T) {
	for _, rsa := range []bool{false, true} {
		l := New(Config{RSA: rsa})
		c, err := x509.ParseCertificate(l.Leaf)
		if err != nil {
			t.Fatal(err)
		}
		wantUsage := x509.KeyUsageDigitalSignature
		if rsa {
			wantUsage |= x509.KeyUsageKeyEncipherment
		}
		for _, check := range []struct {
			field string
			ok    bool
		}{
			{"version", c.Version == 3},
			{"serial", c.SerialNumber.Sign() > 0 && c.SerialNumber.BitLen() == 127},
			{"subject", c.Subject.String() == "CN=time.lab.example"},
			{"names", slices.Equal(c.DNSNames, []string{"time.lab.example", "www.time.lab.example"})},
			{"key usage", c.KeyUsage == wantUsage},
			{"extended key usage", slices.Equal(c.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth})},
			{"basic constraints", c.BasicConstraintsValid && !c.IsCA},
			{"key identifiers", bytes.Equal(c.SubjectKeyId, l.LeafKey.ID) && bytes.Equal(c.AuthorityKeyId, l.Intermediate.KeyID)},
			{"OCSP", slices.Equal(c.OCSPServer, []string{ocspURL})},
			{"issuer URL", slices.Equal(c.IssuingCertificateURL, []string{issuerURL})},
			{"CRL", slices.Equal(c.CRLDistributionPoints, []string{crlURL})},
			{"policy", len(c.Policies) == 1 && c.Policies[0].String() == DomainValidated},
			{"times", c.NotBefore.Before(l.At) && c.NotAfter.Sub(c.NotBefore) == 90*day-1e9},
			{"no unhandled extension", len(c.UnhandledCriticalExtensions) == 0},
		} {
			if !check.ok {
				t.Errorf("rsa=%v: %s of the honest leaf is not read as meant", rsa, check.field)
			}
		}
	}
}

// TestEmbeddedSCTs lets certificate-transparency-go rebuild the precertificate
// and verify what the logs of the laboratory signed.
func TestEmbeddedSCTs(t *testing.T) {
	l := New(Config{})
	leaf, err := ctx509.ParseCertificate(l.Leaf)
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := ctx509.ParseCertificate(l.Intermediate.DER)
	if err != nil {
		t.Fatal(err)
	}
	if len(leaf.SCTList.SCTList) != len(Logs()) {
		t.Fatalf("%d SCTs are embedded, want %d", len(leaf.SCTList.SCTList), len(Logs()))
	}
	for i, serialized := range leaf.SCTList.SCTList {
		log := Logs()[i]
		var sct ct.SignedCertificateTimestamp
		if rest, err := cttls.Unmarshal(serialized.Val, &sct); err != nil || len(rest) != 0 {
			t.Fatalf("SCT %d: %v, %d octets left over", i, err, len(rest))
		}
		if sct.LogID.KeyID != log.ID() {
			t.Errorf("SCT %d is of another log than %s", i, log.Description)
		}
		entry, err := ct.MerkleTreeLeafForEmbeddedSCT([]*ctx509.Certificate{leaf, issuer}, sct.Timestamp)
		if err != nil {
			t.Fatal(err)
		}
		verifier, err := ct.NewSignatureVerifier(log.Key.Public())
		if err != nil {
			t.Fatal(err)
		}
		if err := verifier.VerifySCTSignature(sct, ct.LogEntry{Leaf: *entry}); err != nil {
			t.Errorf("SCT of %s: %v", log.Description, err)
		}
	}
}

// TestDeterministic makes everything twice, and holds the honest leaf against the
// hash that it had when this was written.
func TestDeterministic(t *testing.T) {
	a, b := makeCases(), makeCases()
	for i := range a {
		if !slices.EqualFunc(a[i].Chain, b[i].Chain, bytes.Equal) {
			t.Errorf("case %s differs between two runs", a[i].Name)
		}
	}
	sum := sha256.Sum256(New(Config{}).Leaf)
	if got, want := hex.EncodeToString(sum[:8]), "77d4a84eb3e4faa4"; got != want {
		t.Errorf("SHA-256 of the honest leaf begins %s, want %s: recorded hashes elsewhere change with it", got, want)
	}
}

// TestKeys reads every key file: none is left unused or misnamed.
func TestKeys(t *testing.T) {
	files, err := keyFiles.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, f := range files {
		k, err := readKey(f.Name()[:len(f.Name())-len(".pem")])
		if err != nil {
			t.Fatalf("%s: %v", f.Name(), err)
		}
		if other, ok := seen[string(k.SPKI)]; ok {
			t.Errorf("%s and %s are the same key", f.Name(), other)
		}
		seen[string(k.SPKI)] = f.Name()
	}
	if _, err := readKey("no-such-key"); err == nil {
		t.Error("readKey of a missing file = nil error")
	}
}
