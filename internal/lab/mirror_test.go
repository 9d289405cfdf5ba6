package lab

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"net"
	"slices"
	"testing"
)

// shake makes a handshake and gives what a client sees of it.
func shake(t *testing.T, address string, config *tls.Config) tls.ConnectionState {
	t.Helper()
	config.InsecureSkipVerify = true
	conn, err := tls.Dial("tcp", address, config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState()
}

// serving makes handshakes and waits for the client to leave.
func serving(config *tls.Config) func(context.Context, net.Conn) {
	return func(ctx context.Context, raw net.Conn) {
		conn := tls.Server(raw, config)
		if conn.HandshakeContext(ctx) == nil {
			_, _ = io.Copy(io.Discard, conn)
		}
	}
}

// The copy differs from the genuine chain in keys, signatures and what was asked
// for, and its connections in nothing.
func TestMirror(t *testing.T) {
	l := New(Config{})
	staple := OCSP{Issuer: l.Intermediate, Answers: []Status{{Serial: l.LeafTemplate().Serial}}, This: l.At, Next: l.At.Add(day)}.Sign()
	genuine := Listen(t, serving(&tls.Config{
		Certificates: []tls.Certificate{{Certificate: l.Chain(), PrivateKey: l.LeafKey.Signer, OCSPStaple: staple}}, NextProtos: []string{"h2", "http/1.1"},
	}))
	for _, tt := range []struct {
		name   string
		mirror *Mirror
		same   int    // extensions of the leaf that are the genuine ones
		lost   string // identifier
	}{
		{"all that can be copied", &Mirror{}, 10, ""},
		{"own key identifiers", &Mirror{OwnKeyIDs: true}, 8, ""},
		{"no SCTs, no staple", &Mirror{WithoutSCTs: true, WithoutStaple: true, OwnSerials: true}, 9, IDSCTs},
		{"a stolen key", &Mirror{Issuer: l.Intermediate.Key.Signer}, 10, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.mirror.Server = genuine
			address := tt.mirror.Serve(t)
			for _, config := range []*tls.Config{
				{ServerName: l.Host, NextProtos: []string{"h2"}},
				{ServerName: l.Host, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}},
				{ServerName: "certassay-1.invalid", CurvePreferences: []tls.CurveID{tls.CurveP384}},
				{ServerName: l.Host},
			} {
				want, got := shake(t, genuine, config.Clone()), shake(t, address, config.Clone())
				if got.Version != want.Version || got.CipherSuite != want.CipherSuite || got.CurveID != want.CurveID || got.NegotiatedProtocol != want.NegotiatedProtocol {
					t.Errorf("version %#x, suite %#x, group %v, protocol %q; want %#x, %#x, %v, %q", got.Version, got.CipherSuite, got.CurveID, got.NegotiatedProtocol,
						want.Version, want.CipherSuite, want.CurveID, want.NegotiatedProtocol)
				}
				if stapled := bytes.Equal(got.OCSPResponse, staple); stapled == tt.mirror.WithoutStaple {
					t.Errorf("stapled %v, want %v", stapled, !tt.mirror.WithoutStaple)
				}
				sameCertificates(t, tt.mirror, got.PeerCertificates, want.PeerCertificates, tt.same, tt.lost)
			}
			first, second := shake(t, address, &tls.Config{ServerName: l.Host}), shake(t, address, &tls.Config{ServerName: "other.invalid"})
			if !bytes.Equal(first.PeerCertificates[0].Raw, second.PeerCertificates[0].Raw) {
				t.Error("two copies of one leaf differ")
			}
		})
	}
}

func sameCertificates(t *testing.T, m *Mirror, got, want []*x509.Certificate, extensions int, lost string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d certificates, want %d", len(got), len(want))
	}
	leaf, genuine := got[0], want[0]
	if !bytes.Equal(leaf.RawSubject, genuine.RawSubject) || !bytes.Equal(leaf.RawIssuer, genuine.RawIssuer) || !leaf.NotAfter.Equal(genuine.NotAfter) ||
		(leaf.SerialNumber.Cmp(genuine.SerialNumber) == 0) == m.OwnSerials || bytes.Equal(leaf.RawSubjectPublicKeyInfo, genuine.RawSubjectPublicKeyInfo) {
		t.Errorf("the copy of the leaf is %v %v until %v", leaf.Subject, leaf.SerialNumber, leaf.NotAfter)
	}
	if err := leaf.CheckSignatureFrom(got[1]); err != nil {
		t.Errorf("the copy does not verify: %v", err)
	}
	if bytes.Equal(got[1].Raw, want[1].Raw) != (m.Issuer != nil) {
		t.Error("the intermediate is copied with a stolen key, or genuine without")
	}
	same := 0
	for i, e := range genuine.Extensions {
		at := slices.IndexFunc(leaf.Extensions, func(x pkix.Extension) bool { return x.Id.Equal(e.Id) })
		if at < 0 {
			if e.Id.String() != lost {
				t.Errorf("extension %v is lost", e.Id)
			}
			continue
		}
		if lost == "" && at != i {
			t.Errorf("extension %v is at %d, want %d", e.Id, at, i)
		}
		if bytes.Equal(leaf.Extensions[at].Value, e.Value) && leaf.Extensions[at].Critical == e.Critical {
			same++
		}
	}
	if same != extensions {
		t.Errorf("%d extensions are the genuine ones, want %d of %d", same, extensions, len(genuine.Extensions))
	}
}

// What is said through it arrives.
func TestMirrorPassesOn(t *testing.T) {
	l := New(Config{})
	m := &Mirror{Server: Serve(t, l.Chain(), l.LeafKey, Server{Banner: "honest"})}
	conn, err := tls.Dial("tcp", m.Serve(t), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got, err := io.ReadAll(io.LimitReader(conn, 6)); err != nil || string(got) != "honest" {
		t.Errorf("read %q, %v", got, err)
	}
}
