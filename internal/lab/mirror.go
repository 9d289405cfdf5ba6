package lab

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
)

// A Mirror is an interceptor that wants to be taken for the server. For each
// ClientHello it asks the genuine server with the same names, versions, groups and
// application protocols, and answers with a copy of what came: the chain with
// every name, date, extension and serial number in place and keys of its own, the
// stapled OCSP response, version, group and protocol. It makes no certificate for
// a name that the server has none for, keeps one key for one leaf, and passes on
// what is said. The zero value of each field copies all it can.
type Mirror struct {
	// Server is the genuine server's address.
	Server string
	// OwnKeyIDs writes key identifiers that fit the copy's keys.
	OwnKeyIDs bool
	// OwnSerials gives every certificate another serial number.
	OwnSerials bool
	// WithoutSCTs leaves the SCT list out, WithoutStaple the OCSP response.
	WithoutSCTs, WithoutStaple bool
	// Issuer, where set, is the stolen key of the leaf's issuer: it signs the
	// leaf, and the rest of the chain is the genuine one.
	Issuer crypto.Signer

	mu     sync.Mutex
	clones map[[32]byte]tls.Certificate // by the genuine leaf; guarded by mu
}

// Serve starts it on loopback until the end of the test, and gives its address.
func (m *Mirror) Serve(t testing.TB) string {
	t.Helper()
	return Listen(t, func(ctx context.Context, raw net.Conn) {
		var far *tls.Conn
		near := tls.Server(raw, &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (config *tls.Config, err error) {
			far, config, err = m.ask(ctx, hello)
			return config, err
		}})
		err := near.HandshakeContext(ctx)
		if far == nil {
			return
		}
		defer far.Close()
		if err != nil {
			return
		}
		go func() {
			_, _ = io.Copy(far, near)
			_ = far.Close()
		}()
		_, _ = io.Copy(near, far)
	})
}

// ask makes the handshake of a client with the genuine server, and the
// configuration that gives the same one.
func (m *Mirror) ask(ctx context.Context, hello *tls.ClientHelloInfo) (*tls.Conn, *tls.Config, error) {
	version := uint16(tls.VersionTLS12)
	for _, v := range hello.SupportedVersions {
		if v == tls.VersionTLS13 {
			version = v
		}
	}
	dialer := tls.Dialer{Config: &tls.Config{
		InsecureSkipVerify: true, // the copy is of whatever is there
		ServerName:         hello.ServerName, NextProtos: hello.SupportedProtos, MaxVersion: version,
		CurvePreferences: hello.SupportedCurves, CipherSuites: hello.CipherSuites,
	}}
	conn, err := dialer.DialContext(ctx, "tcp", m.Server)
	if err != nil {
		return nil, nil, err
	}
	far := conn.(*tls.Conn)
	state := far.ConnectionState()
	chain, err := m.clone(state.PeerCertificates)
	if err != nil {
		return far, nil, err
	}
	chain.SignedCertificateTimestamps = state.SignedCertificateTimestamps
	if !m.WithoutStaple {
		chain.OCSPStaple = state.OCSPResponse
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{chain}, MinVersion: state.Version, MaxVersion: state.Version,
		CurvePreferences: []tls.CurveID{state.CurveID},
	}
	if state.Version < tls.VersionTLS13 {
		config.CipherSuites = []uint16{state.CipherSuite}
	}
	if state.NegotiatedProtocol != "" {
		config.NextProtos = []string{state.NegotiatedProtocol}
	}
	return far, config, nil
}

// clone copies a chain under other keys, once for each leaf.
func (m *Mirror) clone(genuine []*x509.Certificate) (tls.Certificate, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	sum := sha256.Sum256(genuine[0].Raw)
	if c, ok := m.clones[sum]; ok {
		return c, nil
	}
	var c tls.Certificate
	signer, last := m.Issuer, 0
	if signer == nil {
		last = len(genuine) - 1
		var err error
		if signer, err = keyFor(genuine[last].SignatureAlgorithm); err != nil {
			return c, err
		}
	}
	for i := last; i >= 0; i-- {
		key, err := keyLike(genuine[i].PublicKey)
		if err != nil {
			return c, err
		}
		der, err := m.copied(genuine[i], key, signer)
		if err != nil {
			return c, err
		}
		c.Certificate = append([][]byte{der}, c.Certificate...)
		c.PrivateKey, signer = key, key
	}
	for _, rest := range genuine[last+1:] {
		c.Certificate = append(c.Certificate, rest.Raw)
	}
	if m.clones == nil {
		m.clones = map[[32]byte]tls.Certificate{}
	}
	m.clones[sum] = c
	return c, nil
}

// keyLike makes a key of the kind of another.
func keyLike(public crypto.PublicKey) (crypto.Signer, error) {
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.GenerateKey(k.Curve, rand.Reader)
	case *rsa.PublicKey:
		return rsa.GenerateKey(rand.Reader, k.N.BitLen())
	}
	return nil, fmt.Errorf("no key like %T can be made", public)
}

// keyFor makes the key of an issuer that is not served.
func keyFor(algorithm x509.SignatureAlgorithm) (crypto.Signer, error) {
	switch algorithm {
	case x509.ECDSAWithSHA256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case x509.ECDSAWithSHA384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case x509.SHA256WithRSA, x509.SHA384WithRSA:
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	return nil, fmt.Errorf("no key for %v can be made", algorithm)
}

// keyIDOf is the usual identifier of a key: SHA-1 of its bits.
func keyIDOf(public crypto.PublicKey) []byte {
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		panic(fmt.Sprintf("lab: writing a key of our own: %v", err))
	}
	return keyID(spki)
}

// freshSerial is one of the same length.
func freshSerial(genuine []byte) []byte {
	sum := sha1.Sum(append([]byte("mirror"), genuine...))
	fresh := append([]byte(nil), genuine...)
	copy(fresh[1:], sum[:])
	return fresh
}
