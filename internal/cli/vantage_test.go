package cli

import (
	"context"
	"crypto/tls"
	"net"
	"testing"

	"github.com/certassay/certassay/internal/lab"
)

// vantages are the servers of the script about vantages: two with an RSA
// certificate beside the honest one, honest itself in $DUAL_HONEST and an
// interceptor's in $DUAL; $MINT issues for whatever name it is asked for; the
// proxies $TOFORGED, $TODUAL and $TOOLD lead everywhere to the interceptor, to an
// honest server with both certificates, and to one that speaks TLS 1.2.
func vantages(t *testing.T, l *lab.Lab, forged string) (servers, proxies map[string]string) {
	rsa := lab.New(lab.Config{RSA: true})
	ca := transitCA(l)
	own := forgedLeaf(l, ca, lab.ForgedRSAKey(), l.Host)
	honest := tls.Certificate{Certificate: l.Chain(), PrivateKey: l.LeafKey.Signer}
	both := serveBoth(t, honest, tls.Certificate{Certificate: rsa.Chain(), PrivateKey: rsa.LeafKey.Signer})
	servers = map[string]string{
		"DUAL_HONEST": both,
		"DUAL":        serveBoth(t, honest, tls.Certificate{Certificate: [][]byte{own, ca.DER}, PrivateKey: lab.ForgedRSAKey().Signer}),
		"MINT":        serveMinted(t, l, ca),
	}
	proxies = map[string]string{"TOFORGED": interceptor(t, forged), "TODUAL": interceptor(t, both),
		"TOOLD": interceptor(t, serveConfig(t, &tls.Config{Certificates: []tls.Certificate{honest}, MaxVersion: tls.VersionTLS12}))}
	return servers, proxies
}

func transitCA(l *lab.Lab) *lab.CA {
	return l.SelfSignedCA(lab.Named("O=Transit Filtering, CN=Transit Filtering CA"), lab.InterceptorKey())
}

// forgedLeaf is a leaf for a name that a CA of the interceptor's issued.
func forgedLeaf(l *lab.Lab, ca *lab.CA, key *lab.Key, name string) []byte {
	t := l.LeafTemplate()
	t.Issuer, t.Subject, t.Key, t.Serial = ca.Name, lab.Named("CN="+name), key, lab.SerialOf("forged "+name)
	t.Set(lab.SAN(name))
	t.Set(lab.AKI(ca.KeyID))
	return t.Sign(ca.Key, "")
}

func serveBoth(t *testing.T, certificates ...tls.Certificate) string {
	return serveConfig(t, &tls.Config{Certificates: certificates})
}

func serveMinted(t *testing.T, l *lab.Lab, ca *lab.CA) string {
	return serveConfig(t, &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		name := h.ServerName
		if name == "" {
			name = l.Host
		}
		return &tls.Certificate{Certificate: [][]byte{forgedLeaf(l, ca, l.LeafKey, name)}, PrivateKey: l.LeafKey.Signer}, nil
	}})
}

func serveConfig(t *testing.T, config *tls.Config) string {
	return lab.Listen(t, func(ctx context.Context, raw net.Conn) {
		conn := tls.Server(raw, config)
		if conn.HandshakeContext(ctx) == nil {
			_ = conn.Close()
		}
	})
}
