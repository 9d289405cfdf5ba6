//go:build linux || (darwin && amd64)

package cert

import (
	ctx509 "github.com/google/certificate-transparency-go/x509"
	zx509 "github.com/zmap/zcrypto/x509"
)

// The second opinions: libraries that build without cgo only where the build
// constraint says.
type (
	// ZCryptoCertificate is a certificate as zcrypto reads it.
	ZCryptoCertificate = zx509.Certificate
	// CTGoCertificate is a certificate as certificate-transparency-go reads it.
	CTGoCertificate = ctx509.Certificate
)

func (c *Certificate) zcrypto() (r Result[ZCryptoCertificate]) {
	if r.Certificate, r.Err = zx509.ParseCertificate(c.Raw); r.Err != nil {
		// Some refusals come with a certificate that is half filled.
		r.Certificate = nil
	}
	return r
}

func (c *Certificate) ctgo() (r Result[CTGoCertificate]) {
	r.Certificate, r.Err = ctx509.ParseCertificate(c.Raw)
	if r.Err != nil && !ctx509.IsFatal(r.Err) {
		r.Lax, r.Err = r.Err, nil
	}
	if r.Err != nil {
		r.Certificate = nil
	}
	return r
}

func zcryptoReading(x *zx509.Certificate) *reading {
	r := &reading{
		version: x.Version, serial: x.SerialNumber, notBefore: x.NotBefore, notAfter: x.NotAfter,
		subject: x.RawSubject, issuer: x.RawIssuer, spki: x.RawSubjectPublicKeyInfo, tbs: x.RawTBSCertificate,
		sigAlg: x.SignatureAlgorithm.String(), cn: x.Subject.CommonName,
		dns: x.DNSNames, emails: x.EmailAddresses, ips: addresses(x.IPAddresses),
		ca: x.IsCA, pathLen: pathLen(x.BasicConstraintsValid, x.MaxPathLen), keyUsage: int(x.KeyUsage),
		ski: x.SubjectKeyId, aki: x.AuthorityKeyId, policies: oids(x.PolicyIdentifiers),
	}
	r.purposes.total = len(x.ExtKeyUsage) + len(x.UnknownExtKeyUsage)
	for _, u := range x.ExtKeyUsage {
		switch u {
		case zx509.ExtKeyUsageAny:
			r.purposes.any = true
		case zx509.ExtKeyUsageServerAuth:
			r.purposes.server = true
		case zx509.ExtKeyUsageClientAuth:
			r.purposes.client = true
		case zx509.ExtKeyUsageCodeSigning:
			r.purposes.code = true
		case zx509.ExtKeyUsageEmailProtection:
			r.purposes.email = true
		case zx509.ExtKeyUsageTimeStamping:
			r.purposes.ts = true
		case zx509.ExtKeyUsageOcspSigning:
			r.purposes.ocsp = true
		}
	}
	return r
}

func ctgoReading(x *ctx509.Certificate) *reading {
	r := &reading{
		version: x.Version, serial: x.SerialNumber, notBefore: x.NotBefore, notAfter: x.NotAfter,
		subject: x.RawSubject, issuer: x.RawIssuer, spki: x.RawSubjectPublicKeyInfo, tbs: x.RawTBSCertificate,
		sigAlg: x.SignatureAlgorithm.String(), cn: x.Subject.CommonName,
		dns: x.DNSNames, emails: x.EmailAddresses, ips: addresses(x.IPAddresses),
		ca: x.IsCA, pathLen: pathLen(x.BasicConstraintsValid, x.MaxPathLen), keyUsage: int(x.KeyUsage),
		ski: x.SubjectKeyId, aki: x.AuthorityKeyId, policies: oids(x.PolicyIdentifiers),
	}
	r.purposes.total = len(x.ExtKeyUsage) + len(x.UnknownExtKeyUsage)
	for _, u := range x.ExtKeyUsage {
		switch u {
		case ctx509.ExtKeyUsageAny:
			r.purposes.any = true
		case ctx509.ExtKeyUsageServerAuth:
			r.purposes.server = true
		case ctx509.ExtKeyUsageClientAuth:
			r.purposes.client = true
		case ctx509.ExtKeyUsageCodeSigning:
			r.purposes.code = true
		case ctx509.ExtKeyUsageEmailProtection:
			r.purposes.email = true
		case ctx509.ExtKeyUsageTimeStamping:
			r.purposes.ts = true
		case ctx509.ExtKeyUsageOCSPSigning:
			r.purposes.ocsp = true
		}
	}
	return r
}
