//go:build linux || (darwin && amd64)

package limbo

import (
	"testing"

	ctx509 "github.com/google/certificate-transparency-go/x509"
	zx509 "github.com/zmap/zcrypto/x509"
)

// further are the verifiers that build without cgo only where the build constraint
// says.
var further = []verifier{
	{"zcrypto alone", zcrypto},
	{"certificate-transparency-go alone", ctgo},
}

func zcrypto(t *testing.T, c *testcase) bool {
	leaf, err := zx509.ParseCertificate(der(t, c.Peer)[0])
	if err != nil {
		return false
	}
	pool := func(texts []string) *zx509.CertPool {
		p := zx509.NewCertPool()
		for _, b := range der(t, texts...) {
			if x, err := zx509.ParseCertificate(b); err == nil {
				p.AddCert(x)
			}
		}
		return p
	}
	current, _, _, err := leaf.Verify(zx509.VerifyOptions{
		DNSName: c.Name.Value, Roots: pool(c.Trusted), Intermediates: pool(c.Intermediates), CurrentTime: c.at(t),
	})
	return err == nil && len(current) > 0
}

func ctgo(t *testing.T, c *testcase) bool {
	parse := func(b []byte) *ctx509.Certificate {
		x, err := ctx509.ParseCertificate(b)
		if err != nil && ctx509.IsFatal(err) {
			return nil
		}
		return x
	}
	leaf := parse(der(t, c.Peer)[0])
	if leaf == nil {
		return false
	}
	pool := func(texts []string) *ctx509.CertPool {
		p := ctx509.NewCertPool()
		for _, b := range der(t, texts...) {
			if x := parse(b); x != nil {
				p.AddCert(x)
			}
		}
		return p
	}
	_, err := leaf.Verify(ctx509.VerifyOptions{
		DNSName: c.Name.Value, Roots: pool(c.Trusted), Intermediates: pool(c.Intermediates), CurrentTime: c.at(t),
	})
	return err == nil
}
