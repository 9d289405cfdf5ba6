package tlsdial

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/target"
)

const testHost = "host.test"

// keys are made once: an RSA key takes a tenth of a second.
var keys = sync.OnceValue(func() (k struct {
	ecdsa *ecdsa.PrivateKey
	p384  *ecdsa.PrivateKey
	rsa   *rsa.PrivateKey
	ed    ed25519.PrivateKey
},
) {
	k.ecdsa, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	k.p384, _ = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	k.rsa, _ = rsa.GenerateKey(rand.Reader, 2048)
	_, k.ed, _ = ed25519.GenerateKey(rand.Reader)
	return k
})

// selfSigned is a certificate for testHost under key.
func selfSigned(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	return selfSignedFor(t, key)
}

func selfSignedFor(t testing.TB, key crypto.Signer, ips ...net.IP) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0x1122334455),
		Subject:      pkix.Name{CommonName: testHost},
		DNSNames:     []string{testHost},
		IPAddresses:  ips,
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// chainOf serves the given bytes, whatever they are, under key.
func chainOf(key crypto.Signer, ders ...[]byte) []tls.Certificate {
	return []tls.Certificate{{Certificate: ders, PrivateKey: key}}
}

// held is how long a server of these tests holds a connection at most. Who gives up
// on one that hangs has to do so before unbounded, however busy the machine is.
const (
	held      = 2 * time.Minute
	unbounded = time.Minute
)

// patiently is for what a short limit has to end, but not before something else has
// happened: f is called with longer and longer limits until it finds nothing wrong.
func patiently(t testing.TB, f func(limit time.Duration) error) {
	t.Helper()
	var err error
	for limit := 300 * time.Millisecond; limit < 30*time.Second; limit *= 4 {
		if err = f(limit); err == nil {
			return
		}
		t.Logf("with a limit of %v: %v", limit, err)
	}
	t.Error(err)
}

// listen serves each connection with handle until the test ends.
func listen(t testing.TB, handle func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(held))
				handle(conn)
			})
		}
	})
	return netip.MustParseAddrPort(l.Addr().String())
}

// serveTLS serves handshakes of crypto/tls and waits for the client to hang up.
func serveTLS(t testing.TB, config *tls.Config) netip.AddrPort {
	t.Helper()
	return listen(t, func(conn net.Conn) {
		server := tls.Server(conn, config)
		if server.Handshake() == nil {
			_, _ = io.Copy(io.Discard, server)
		} else {
			_, _ = io.Copy(io.Discard, conn)
		}
	})
}

// at is testHost on the port of addr, and options under which it is found there.
func at(addr netip.AddrPort, opts Options) (target.Target, Options) {
	t := target.Target{Raw: "as written", Scheme: "https", Host: testHost, Port: addr.Port()}
	opts.Overrides = map[string][]netip.Addr{t.HostPort(): {addr.Addr()}}
	return t, opts
}

// collectFrom looks at addr as testHost and returns the one subject.
func collectFrom(t testing.TB, addr netip.AddrPort, opts Options) *evidence.Subject {
	t.Helper()
	what, opts := at(addr, opts)
	return collectOne(t.Context(), t, what, opts)
}

func collectOne(ctx context.Context, t testing.TB, what target.Target, opts Options) *evidence.Subject {
	t.Helper()
	d, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	subjects := d.Collect(ctx, what)
	if len(subjects) != 1 {
		t.Fatalf("Collect gave %d subjects, want 1", len(subjects))
	}
	return subjects[0]
}

// wantCertificates compares the bytes that were kept.
func wantCertificates(t testing.TB, s *evidence.Subject, want ...[]byte) {
	t.Helper()
	if len(s.Certificates) != len(want) {
		t.Fatalf("%d certificates, want %d; failures %+v", len(s.Certificates), len(want), s.Failures)
	}
	for i, der := range want {
		if !bytes.Equal(s.Certificates[i], der) {
			t.Errorf("certificate %d differs from what was served", i)
		}
	}
}

func profiles(s *evidence.Subject) (names []string) {
	for _, h := range s.Handshakes {
		names = append(names, h.Profile)
	}
	return names
}

// settled fails the test when more goroutines are left than before.
func settled(t testing.TB, before int) {
	t.Helper()
	for deadline := time.Now().Add(unbounded); runtime.NumGoroutine() > before; {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
		time.Sleep(time.Millisecond)
	}
}

// readHello reads the client's first record.
func readHello(conn net.Conn) ([]byte, error) {
	header := make([]byte, 5)
	if _, err := io.ReadFull(conn, header); err != nil {
		return nil, err
	}
	body := make([]byte, int(header[3])<<8|int(header[4]))
	_, err := io.ReadFull(conn, body)
	return append(header, body...), err
}

// reset drops a connection with RST instead of FIN.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// message is a handshake message; records cuts messages into records.
func message(kind byte, body []byte) []byte {
	return append([]byte{kind, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}

func records(kind byte, data []byte, size int) (out []byte) {
	for len(data) > 0 {
		n := min(size, len(data))
		out = append(out, kind, 3, 3, byte(n>>8), byte(n))
		out = append(out, data[:n]...)
		data = data[n:]
	}
	return out
}

func vec24(b []byte) []byte {
	return append([]byte{byte(len(b) >> 16), byte(len(b) >> 8), byte(len(b))}, b...)
}

func vec16(b []byte) []byte { return append([]byte{byte(len(b) >> 8), byte(len(b))}, b...) }

// certificateMessage is that of TLS 1.2.
func certificateMessage(ders ...[]byte) []byte {
	var list []byte
	for _, der := range ders {
		list = append(list, vec24(der)...)
	}
	return message(typeCertificate, vec24(list))
}

// serverHello is a ServerHello without extensions.
func serverHello(version, suite uint16, random []byte) []byte {
	body := append([]byte{byte(version >> 8), byte(version)}, random...)
	return message(typeServerHello, append(body, 0, byte(suite>>8), byte(suite), 0))
}

// oddities are certificates that crypto/x509 refuses, made from a good one.
func oddities(t testing.TB, good []byte) map[string][]byte {
	t.Helper()
	serial := []byte{0x02, 0x05, 0x11, 0x22, 0x33, 0x44, 0x55}
	with := func(old, replacement []byte) []byte {
		if len(old) != len(replacement) || bytes.Count(good, old) == 0 {
			t.Fatalf("no %x to replace", old)
		}
		return bytes.Replace(bytes.Clone(good), old, replacement, 1)
	}
	odd := map[string][]byte{
		"negative serial":   with(serial, []byte{0x02, 0x05, 0x91, 0x22, 0x33, 0x44, 0x55}),
		"padded serial":     with(serial, []byte{0x02, 0x05, 0x00, 0x00, 0x33, 0x44, 0x55}),
		"serial not an int": with(serial, []byte{0x04, 0x05, 0x11, 0x22, 0x33, 0x44, 0x55}),
		"version 5":         with([]byte{0xa0, 0x03, 0x02, 0x01, 0x02}, []byte{0xa0, 0x03, 0x02, 0x01, 0x04}),
		"bad name type":     with(append([]byte{0x82, 9}, testHost...), append([]byte{0x82, 9}, "h\xffst.test"...)),
		"trailing byte":     append(bytes.Clone(good), 0),
		"cut short":         bytes.Clone(good[:len(good)-7]),
		"not ASN.1":         []byte("this is no certificate"),
		"one byte":          {0x30},
		"zeros":             make([]byte, 20_000),
		"in a wrapper":      wrapped(t, good),
	}
	for name, der := range odd {
		if _, err := x509.ParseCertificate(der); err == nil {
			t.Fatalf("crypto/x509 accepts %q, which so tests nothing", name)
		}
	}
	return odd
}

func wrapped(t testing.TB, der []byte) []byte {
	t.Helper()
	out, err := asn1.Marshal(asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagSequence, IsCompound: true, Bytes: der})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var errTest = errors.New("made by the test")
