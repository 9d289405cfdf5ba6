//go:build !(linux || (darwin && amd64))

package cert

import "errors"

// Where the libraries do not build, their opinion is skipped, and that is said;
// our own walker and crypto/x509 judge as everywhere.
type (
	// ZCryptoCertificate is a certificate as zcrypto would read it.
	ZCryptoCertificate struct{}
	// CTGoCertificate is a certificate as certificate-transparency-go would
	// read it.
	CTGoCertificate struct{}
)

var errPlatform = errors.New("the library does not build for this platform")

func (c *Certificate) zcrypto() Result[ZCryptoCertificate] {
	return Result[ZCryptoCertificate]{Skipped: errPlatform}
}

func (c *Certificate) ctgo() Result[CTGoCertificate] {
	return Result[CTGoCertificate]{Skipped: errPlatform}
}

func zcryptoReading(*ZCryptoCertificate) *reading {
	panic("cert: a skipped library has read something")
}

func ctgoReading(*CTGoCertificate) *reading { panic("cert: a skipped library has read something") }
