package limbo

import (
	"crypto/x509"
	"testing"
)

// A verifier is a library that the same cases are put to, alone.
type verifier struct {
	name    string
	accepts func(*testing.T, *testcase) bool
}

var verifiers = append([]verifier{{"crypto/x509 alone", stdlib}}, further...)

func stdlib(t *testing.T, c *testcase) bool {
	leaf, err := x509.ParseCertificate(der(t, c.Peer)[0])
	if err != nil {
		return false
	}
	pool := func(texts []string) *x509.CertPool {
		p := x509.NewCertPool()
		for _, b := range der(t, texts...) {
			if x, err := x509.ParseCertificate(b); err == nil {
				p.AddCert(x)
			}
		}
		return p
	}
	_, err = leaf.Verify(x509.VerifyOptions{
		DNSName: c.Name.Value, Roots: pool(c.Trusted), Intermediates: pool(c.Intermediates), CurrentTime: c.at(t),
	})
	return err == nil
}
