//go:build linux || (darwin && amd64)

package tlsdial

import (
	"errors"
	"fmt"
	"time"

	ztls "github.com/zmap/zcrypto/tls"
	zx509 "github.com/zmap/zcrypto/x509"

	"github.com/certassay/certassay/internal/cert"
)

// What may reach zcrypto. Its parser verifies self-issued certificates on
// sight with no bound on the key (a certificate of 25 kB costs 104 s of CPU),
// panics on a negative exponent, and its client raises to the power of
// whatever prime the server names.
const (
	zcryptoMaxRSABits      = 16384
	zcryptoMaxExponentBits = 32
	zcryptoMaxPrimeBits    = 4096
	zcryptoMaxOtherSPKI    = 4 << 10 // bytes, for keys that are not RSA
)

// zcryptoSafe says whether zcrypto may parse a certificate. What our own
// walker cannot read it must not have either.
func zcryptoSafe(der []byte) error {
	c := cert.Parse(der)
	refuse := func(why string) error { return fmt.Errorf("%w: a certificate %s", errScreened, why) }
	switch {
	case c.Err != nil || c.SPKI == nil || c.Key.Err != nil:
		return refuse("has no readable key")
	case c.Key.Algorithm != cert.RSA && len(c.SPKI) > zcryptoMaxOtherSPKI:
		return refuse("has an oversized key")
	case c.Key.Algorithm != cert.RSA:
		return nil
	case c.Key.Bits > zcryptoMaxRSABits:
		return refuse("has an oversized RSA modulus")
	case !c.Key.ModulusOdd():
		return refuse("has an even or negative RSA modulus")
	case c.Key.Exponent() < 3 || c.Key.Exponent()>>zcryptoMaxExponentBits != 0 || c.Key.Exponent()&1 == 0:
		return refuse("has an impossible RSA exponent")
	}
	return nil
}

// A screen is a connection that hands on whole records, and only after what
// they complete was found harmless.
type screen struct {
	*recorder
	flight  flight
	checked int    // certificates of flight that were looked at
	pending []byte // what Read has not handed out of the last record
}

// Read implements net.Conn.
func (s *screen) Read(b []byte) (int, error) {
	if len(s.pending) == 0 {
		r, err := s.next()
		if err != nil {
			return 0, err
		}
		s.flight.add(r)
		if err := s.inspect(); err != nil {
			return 0, err
		}
		s.pending = r.raw
	}
	n := copy(b, s.pending)
	s.pending = s.pending[n:]
	return n, nil
}

func (s *screen) inspect() error {
	if s.flight.dropped > 0 {
		return fmt.Errorf("%w: too many certificates", errScreened)
	}
	for ; s.checked < len(s.flight.certs); s.checked++ {
		if err := zcryptoSafe(s.flight.certs[s.checked]); err != nil {
			return err
		}
	}
	if s.flight.ske == nil || kexOf(s.flight.cipher) != kexDHE {
		return nil
	}
	kx, err := parseKeyExchange(kexDHE, s.flight.version, s.flight.ske)
	if err != nil || kx.primeBits > zcryptoMaxPrimeBits {
		return fmt.Errorf("%w: Diffie-Hellman parameters of %d bits", errScreened, kx.primeBits)
	}
	return nil
}

// zcrypto completes a DHE handshake with zcrypto's client, in a goroutine of
// its own. When the time is up the goroutine is left behind: the connection
// under it is closed, and the screen bounds what it can still compute.
func (s *session) zcrypto(conn *recorder, a *attempt, deadline time.Time) error {
	type result struct {
		state  ztls.ConnectionState
		proven bool
		flight *flight
		err    error
	}
	done := make(chan result, 1)
	// A recorder of its own, so that a goroutine left behind shares nothing.
	own := newRecorder(conn.Conn, conn.limit, func() {})
	config := zcryptoConfig(a.ServerName, s.alpn())
	maxCerts := s.d.opts.MaxCertificates
	go func() {
		guarded := &screen{recorder: own, flight: flight{maxCerts: maxCerts}}
		r := result{flight: &guarded.flight, err: errors.New("zcrypto crashed on what the server sent")}
		defer func() {
			_ = recover() // r.err says so already
			own.drop()
			done <- r
		}()
		client := ztls.Client(guarded, config)
		r.err = client.Handshake()
		r.state, r.proven = client.ConnectionState(), proven(client.GetHandshakeLog())
	}()
	timer := time.NewTimer(time.Until(deadline) + time.Second) // reads end at the deadline; the rest is computing
	defer timer.Stop()
	select {
	case r := <-done:
		conn.hello = own.hello
		if r.err == nil {
			// zcrypto checks no PSS signature, though it offers PSS.
			a.Possession = r.proven || len(r.flight.certs) > 0 && s.prove(a, r.flight, own.helloRandom()) == nil
		}
		s.fill(a, r.flight)
		if r.err != nil {
			return fmt.Errorf("completing the handshake with zcrypto: %w", r.err)
		}
		a.Completed = true
		a.Version, a.Cipher, a.ALPN = r.state.Version, r.state.CipherSuite, r.state.NegotiatedProtocol
		return nil
	case <-timer.C:
		return errors.New("zcrypto used more time than it was given")
	}
}

// proven says that the key exchange was signed by the certificate's key. A
// completed handshake does not: with InsecureSkipVerify zcrypto's DHE goes on
// after a wrong signature, so that anyone could serve anyone's certificate.
func proven(log *ztls.ServerHandshake) bool {
	if log == nil || log.ServerKeyExchange == nil {
		return false
	}
	kx := log.ServerKeyExchange
	return kx.SignatureError == "" && kx.Signature != nil && kx.Signature.Valid
}

// zcryptoSuites are the DHE suites that zcrypto has code for.
var zcryptoSuites = []uint16{
	ztls.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256, ztls.TLS_DHE_RSA_WITH_AES_256_GCM_SHA384,
	ztls.TLS_DHE_RSA_WITH_AES_128_CBC_SHA256, ztls.TLS_DHE_RSA_WITH_AES_256_CBC_SHA256,
	ztls.TLS_DHE_RSA_WITH_AES_128_CBC_SHA, ztls.TLS_DHE_RSA_WITH_AES_256_CBC_SHA,
	ztls.TLS_DHE_DSS_WITH_AES_128_GCM_SHA256, ztls.TLS_DHE_DSS_WITH_AES_256_GCM_SHA384,
	ztls.TLS_DHE_DSS_WITH_AES_128_CBC_SHA256, ztls.TLS_DHE_DSS_WITH_AES_256_CBC_SHA256,
	ztls.TLS_DHE_DSS_WITH_AES_128_CBC_SHA, ztls.TLS_DHE_DSS_WITH_AES_256_CBC_SHA,
	ztls.TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA, ztls.TLS_DHE_DSS_WITH_3DES_EDE_CBC_SHA,
}

// zcryptoConfig offers DHE only: everything else is done better elsewhere.
// TLS 1.3 is left out because the screen reads only what is in the clear.
func zcryptoConfig(serverName string, alpn []string) *ztls.Config {
	return &ztls.Config{
		InsecureSkipVerify: true,
		ServerName:         serverName,
		NextProtos:         alpn,
		MinVersion:         ztls.VersionTLS10,
		MaxVersion:         ztls.VersionTLS12,
		CipherSuites:       zcryptoSuites,
		ForceSuites:        true,                // without it these are not offered
		RootCAs:            zx509.NewCertPool(), // else it reads the system's and builds chains
	}
}
