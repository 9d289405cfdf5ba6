package chain

import (
	"crypto/x509"
	"encoding/hex"
	"errors"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/trust"
)

// Parsed is a certificate as crypto/x509 reads it.
type Parsed = x509.Certificate

// verified is what the standard library's verifier says of a certificate.
type verified struct {
	anchor   trust.Anchor
	programs []string
	// reason says why no path is accepted at the time of judgement, with TLS
	// server as purpose; empty where one is.
	reason string
}

// verify asks which programs accept c. A chain that is only out of date, or only
// not meant for servers, still has its anchor: these are other findings, and a
// stranger's root must not hide behind them.
func verify(in *Input, g *graph, c *cert.Certificate) verified {
	leaf := in.Parsed(c)
	if leaf == nil {
		return verified{anchor: trust.None, programs: []string{}, reason: "unreadable"}
	}
	middle := x509.NewCertPool()
	for i, m := range in.Certificates {
		if i < maxLinks && m != c {
			if p := in.Parsed(m); p != nil {
				middle.AddCert(p)
			}
		}
	}
	out := verified{anchor: trust.None, programs: []string{}}
	accepted := false
	for _, p := range in.Trust.Programs() {
		reason, ok := attempt(in, leaf, p.Pool, middle)
		if !ok {
			out.reason = better(out.reason, reason)
			continue
		}
		if out.anchor == trust.None {
			out.anchor = p.Anchor
		}
		out.programs = append(out.programs, p.Name)
		accepted = accepted || reason == ""
		out.reason = better(out.reason, reason)
	}
	if accepted {
		out.reason = ""
	}
	if out.anchor == trust.None {
		if anchor, program, ok := g.oldPath(c); ok {
			out.anchor, out.programs, out.reason = anchor, append(out.programs, program), reasonSHA1
		}
	}
	if local := in.Trust.LocalPool(); out.anchor == trust.None && local != nil {
		if _, ok := attempt(in, leaf, local, middle); ok {
			out.anchor, out.programs = trust.Local, append(out.programs, "local")
		}
	}
	return out
}

// attempt verifies against one pool: at the time of judgement for servers, then
// with what excuses validity dates and purpose. reason is what the first,
// strictest attempt said.
func attempt(in *Input, leaf *Parsed, roots, middle *x509.CertPool) (reason string, ok bool) {
	opts := x509.VerifyOptions{
		Roots: roots, Intermediates: middle, CurrentTime: in.At,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	_, err := leaf.Verify(opts)
	if err == nil {
		return "", true
	}
	reason = reasonOf(err)
	opts.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
	for _, at := range []time.Time{in.At, leaf.NotBefore.Add(time.Second), leaf.NotAfter.Add(-time.Second)} {
		opts.CurrentTime = at
		if _, err := leaf.Verify(opts); err == nil {
			// The verifier calls an issuer that is out of date unknown.
			if reason == reasonUnknown {
				reason = reasonExpired
			}
			return reason, true
		}
	}
	return reason, false
}

// Reasons why no path is accepted, as facts.Chain.VerifyError names them.
const (
	reasonExpired = "expired"
	reasonUsage   = "ext-key-usage"
	reasonUnknown = "unknown-authority"
	reasonSHA1    = "sha1"
)

// better keeps the reason that says more: any other over "unknown authority",
// which every program that does not have the root gives.
func better(a, b string) string {
	if a == "" || a == reasonUnknown && b != "" {
		return b
	}
	return a
}

func reasonOf(err error) string {
	var invalid x509.CertificateInvalidError
	var critical x509.UnhandledCriticalExtension
	var unknown x509.UnknownAuthorityError
	var constraint x509.ConstraintViolationError
	switch {
	case errors.As(err, &invalid):
		return invalidReasons[invalid.Reason]
	case errors.As(err, &critical):
		return "unknown-critical-extension"
	case errors.As(err, &unknown):
		return reasonUnknown
	case errors.As(err, &constraint):
		return "constraint"
	}
	return "refused"
}

var invalidReasons = map[x509.InvalidReason]string{
	x509.NotAuthorizedToSign:           "not-a-ca",
	x509.Expired:                       reasonExpired,
	x509.CANotAuthorizedForThisName:    "name-constraint",
	x509.TooManyIntermediates:          "path-length",
	x509.IncompatibleUsage:             reasonUsage,
	x509.NameMismatch:                  "issuer-name",
	x509.NameConstraintsWithoutSANs:    "name-constraint",
	x509.UnconstrainedName:             "name-constraint",
	x509.TooManyConstraints:            "limit",
	x509.CANotAuthorizedForExtKeyUsage: reasonUsage,
	x509.NoValidChains:                 "refused",
}

func hash(sum [32]byte) string { return "sha256:" + hex.EncodeToString(sum[:]) }
