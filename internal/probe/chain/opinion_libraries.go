//go:build linux || (darwin && amd64)

package chain

import (
	"fmt"

	ctx509 "github.com/google/certificate-transparency-go/x509"
	zx509 "github.com/zmap/zcrypto/x509"
)

// verifiers are asked in this order. The libraries build without cgo only where
// the build constraint says; see package cert.
var verifiers = []verifier{
	{"zcrypto", zcryptoVerify},
	{"certificate-transparency-go", ctgoVerify},
}

func zcryptoVerify(in *Input, p *path) error {
	opts := zx509.VerifyOptions{
		Roots: zx509.NewCertPool(), Intermediates: zx509.NewCertPool(), CurrentTime: in.At,
		KeyUsages: []zx509.ExtKeyUsage{zx509.ExtKeyUsageServerAuth},
	}
	var leaf *zx509.Certificate
	for i := range p.steps {
		r := p.steps[i].c.ZCrypto()
		switch {
		case r.Skipped != nil:
			return fmt.Errorf("certificate %d was not shown to it: %w", i, r.Skipped)
		case r.Err != nil:
			return fmt.Errorf("certificate %d: %w", i, r.Err)
		}
		if i == 0 {
			leaf = r.Certificate
		}
		switch {
		case i == len(p.steps)-1:
			opts.Roots.AddCert(r.Certificate)
		case i > 0:
			opts.Intermediates.AddCert(r.Certificate)
		}
	}
	current, expired, _, err := leaf.Verify(opts)
	if err == nil && len(current) == 0 {
		err = fmt.Errorf("no path is current, %d are expired", len(expired))
	}
	return err
}

func ctgoVerify(in *Input, p *path) error {
	opts := ctx509.VerifyOptions{
		Roots: ctx509.NewCertPool(), Intermediates: ctx509.NewCertPool(), CurrentTime: in.At,
		KeyUsages: []ctx509.ExtKeyUsage{ctx509.ExtKeyUsageServerAuth},
	}
	var leaf *ctx509.Certificate
	for i := range p.steps {
		r := p.steps[i].c.CTGo()
		switch {
		case r.Skipped != nil:
			return fmt.Errorf("certificate %d was not shown to it: %w", i, r.Skipped)
		case r.Err != nil:
			return fmt.Errorf("certificate %d: %w", i, r.Err)
		}
		if i == 0 {
			leaf = r.Certificate
		}
		switch {
		case i == len(p.steps)-1:
			opts.Roots.AddCert(r.Certificate)
		case i > 0:
			opts.Intermediates.AddCert(r.Certificate)
		}
	}
	_, err := leaf.Verify(opts)
	return err
}
