package tlsdial

import (
	"crypto/tls"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/evidence"
)

// The names of the client profiles, in evidence.Handshake.Profile.
const (
	profileDefault   = "default"
	profileClassical = "classical"
	profileFast      = "fast"
	profileLegacy    = "legacy"
	profileZcrypto   = "zcrypto"
	profileECDSA     = evidence.ProbeECDSA
	profileRSA       = evidence.ProbeRSA
	profileTLS12     = evidence.ProbeTLS12
)

// configs are the crypto/tls settings; they are cloned for each connection.
type configs struct{ standard, classical, ecdsa, rsa, tls12 *tls.Config }

func newConfigs() configs {
	standard := &tls.Config{
		InsecureSkipVerify: true, //nolint:gosec // what is served is evidence; judging it comes later
		MinVersion:         tls.VersionTLS10,
		CipherSuites:       allSuites(),
	}
	classical := standard.Clone()
	classical.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP256}
	classical.CipherSuites = slices.Clone(classicalSuites)
	tls12 := standard.Clone()
	tls12.MaxVersion = tls.VersionTLS12
	c := configs{standard: standard, classical: classical, tls12: tls12, ecdsa: tls12.Clone(), rsa: tls12.Clone()}
	c.ecdsa.CipherSuites, c.rsa.CipherSuites = suitesByKey(tls12.CipherSuites)
	return c
}

// suitesByKey parts the suites of TLS 1.2 by the certificate that they need. In
// TLS 1.3 no suite says that, and crypto/tls always offers every signature
// scheme.
func suitesByKey(ids []uint16) (ecdsa, rsa []uint16) {
	for _, id := range ids {
		switch name := tls.CipherSuiteName(id); {
		case strings.HasPrefix(name, "TLS_ECDHE_ECDSA_"):
			ecdsa = append(ecdsa, id)
		case strings.HasPrefix(name, "TLS_ECDHE_RSA_"), strings.HasPrefix(name, "TLS_RSA_"):
			rsa = append(rsa, id)
		}
	}
	return ecdsa, rsa
}

func (c configs) of(profile string) *tls.Config {
	switch profile {
	case profileClassical:
		return c.classical
	case profileECDSA:
		return c.ecdsa
	case profileRSA:
		return c.rsa
	case profileTLS12:
		return c.tls12
	}
	return c.standard
}

func allSuites() (ids []uint16) {
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		ids = append(ids, s.ID)
	}
	return ids
}

// classicalSuites and the three of TLS 1.3 that crypto/tls always offers make
// nine, so that the ClientHello stays far below the 1 KiB at which sslsplit
// 0.5.5 resets the connection.
var classicalSuites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
	tls.TLS_RSA_WITH_AES_128_CBC_SHA,
}

// The suites of our own ClientHello (IANA TLS Cipher Suites registry). Those
// without authentication, without encryption and for export are left out: a
// certificate is what we came for, and intrusion detection knows the others.
var (
	ecdheSuites = []uint16{
		0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, // AES-GCM, ChaCha20
		0xc009, 0xc013, 0xc00a, 0xc014, 0xc023, 0xc027, 0xc024, 0xc028, // AES-CBC
	}
	otherECDHESuites = []uint16{
		0xc0ac, 0xc0ad, 0xc0ae, 0xc0af, // AES-CCM
		0xc072, 0xc073, 0xc076, 0xc077, 0xc086, 0xc087, 0xc08a, 0xc08b, // Camellia
		0xc05c, 0xc05d, 0xc060, 0xc061, // ARIA-GCM
		0xc008, 0xc012, 0xc007, 0xc011, // 3DES, RC4
	}
	dheSuites = []uint16{
		0x009e, 0x009f, 0xccaa, 0x00a2, 0x00a3, // GCM, ChaCha20; DSS
		0xc09e, 0xc09f, 0xc0a2, 0xc0a3, 0xc052, 0xc053, // CCM, ARIA
		0x0033, 0x0039, 0x0067, 0x006b, 0x0032, 0x0038, 0x0040, 0x006a, // AES-CBC
		0x0045, 0x0088, 0x00be, 0x00c4, 0xc07c, 0xc07d, 0x0044, 0x0087, // Camellia
		0x009a, 0x0099, 0x0016, 0x0013, 0x0015, 0x0012, // SEED, 3DES, DES
	}
	rsaSuites = []uint16{
		0x009c, 0x009d, 0xc09c, 0xc09d, 0xc0a0, 0xc0a1, 0xc050, 0xc051, // GCM, CCM, ARIA
		0x002f, 0x0035, 0x003c, 0x003d, // AES-CBC
		0x0041, 0x0084, 0x00ba, 0x00c0, 0xc07a, 0xc07b, // Camellia
		0x0096, 0x0007, 0x000a, 0x0005, 0x0004, 0x0009, // SEED, IDEA, 3DES, RC4, DES
	}
)

// kexOf says how a suite of ours agrees on keys.
func kexOf(suite uint16) kexKind {
	switch {
	case slices.Contains(ecdheSuites, suite), slices.Contains(otherECDHESuites, suite):
		return kexECDHE
	case slices.Contains(dheSuites, suite):
		return kexDHE
	}
	return kexOther
}
