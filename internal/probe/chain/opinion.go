package chain

import (
	"fmt"

	ctx509 "github.com/google/certificate-transparency-go/x509"
	zx509 "github.com/zmap/zcrypto/x509"

	"github.com/certassay/certassay/internal/facts"
)

// maxOpinion is the longest path that the other libraries are shown. zcrypto's
// search for paths takes exponential time; over the certificates of one path
// alone there is nothing to search.
const maxOpinion = 8

// opinions asks the verifiers of zcrypto and certificate-transparency-go about
// one path. They are second opinions and never a verdict: zcrypto's ignores name
// constraints, unknown critical extensions and MD5. nil where the path is too
// long to ask.
func opinions(in *Input, p *path) []facts.Opinion {
	if len(p.steps) > maxOpinion {
		return nil
	}
	return []facts.Opinion{
		opinion("zcrypto", func() error { return zcryptoVerify(in, p) }),
		opinion("certificate-transparency-go", func() error { return ctgoVerify(in, p) }),
	}
}

func opinion(library string, ask func() error) (o facts.Opinion) {
	o.Library = library
	defer func() {
		if r := recover(); r != nil {
			o.Accepts, o.Reason = false, fmt.Sprintf("the library panicked: %v", r)
		}
	}()
	if err := ask(); err != nil {
		o.Reason = err.Error()
		return o
	}
	o.Accepts = true
	return o
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
