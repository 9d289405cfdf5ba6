package ct

import (
	"crypto/sha256"

	"github.com/certassay/certassay/internal/cert"
)

// Identity is what a precertificate and its certificate have in common, in
// whatever log they are: the SHA-256 of the TBSCertificate without the SCTs (RFC
// 6962 section 3.2). Of a precertificate der is that TBSCertificate. Who issues a
// certificate with the TBSCertificate of another one gains nothing: the key in it
// is the same. Of what cannot be taken apart it is the hash of all.
func Identity(der []byte, precert bool) [32]byte {
	if precert {
		return sha256.Sum256(der)
	}
	c := cert.Parse(der)
	if tbs, err := CertificateTBS(c); err == nil {
		return sha256.Sum256(tbs)
	}
	if c.Readable() && len(c.TBS) > 0 {
		return sha256.Sum256(c.TBS)
	}
	return sha256.Sum256(der)
}
