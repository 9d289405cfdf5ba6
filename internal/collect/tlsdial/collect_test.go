package tlsdial

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/collect"
	"github.com/certassay/certassay/internal/collect/starttls"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/target"
)

func TestCollectVersions(t *testing.T) {
	rsaDER, ecDER := selfSigned(t, keys().rsa), selfSigned(t, keys().ecdsa)
	tests := []struct {
		name    string
		version uint16
		key     crypto.Signer
		der     []byte
		suite   uint16 // 0: any
		group   uint16
	}{
		{"1.0", tls.VersionTLS10, keys().rsa, rsaDER, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, uint16(tls.X25519)},
		{"1.1 ECDSA", tls.VersionTLS11, keys().ecdsa, ecDER, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, uint16(tls.X25519)},
		{"1.2", tls.VersionTLS12, keys().ecdsa, ecDER, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, uint16(tls.X25519)},
		{"1.2 static RSA", tls.VersionTLS12, keys().rsa, rsaDER, tls.TLS_RSA_WITH_AES_128_CBC_SHA, 0},
		{"1.2 3DES", tls.VersionTLS12, keys().rsa, rsaDER, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, 0},
		{"1.2 RC4", tls.VersionTLS12, keys().rsa, rsaDER, tls.TLS_RSA_WITH_RC4_128_SHA, 0},
		{"1.3", tls.VersionTLS13, keys().ecdsa, ecDER, 0, uint16(tls.X25519MLKEM768)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			config := &tls.Config{
				Certificates: chainOf(tt.key, tt.der, rsaDER),
				MinVersion:   tt.version, MaxVersion: tt.version, NextProtos: []string{"h2"},
			}
			if tt.suite != 0 {
				config.CipherSuites = []uint16{tt.suite}
			}
			config.Certificates[0].OCSPStaple = []byte("a response")
			config.Certificates[0].SignedCertificateTimestamps = [][]byte{{1, 2, 3}, {4}}
			addr := serveTLS(t, config)
			s := collectFrom(t, addr, Options{})
			wantCertificates(t, s, tt.der, rsaDER)
			h := s.Handshakes[0]
			if len(s.Handshakes) != 1 || !h.Completed || !h.Possession || h.Salvaged || h.Failure != nil || len(s.Failures) > 0 {
				t.Errorf("handshakes %+v, failures %v, want one that completed", s.Handshakes, s.Failures)
			}
			if h.Version != tt.version || tt.suite != 0 && h.Cipher != tt.suite || h.Group != tt.group {
				t.Errorf("version %#x, cipher %#x, group %#x", h.Version, h.Cipher, h.Group)
			}
			if h.ALPN != "h2" || string(h.OCSP) != "a response" || !cmp.Equal(h.SCTs, [][]byte{{1, 2, 3}, {4}}) {
				t.Errorf("ALPN %q, OCSP %q, SCTs %x", h.ALPN, h.OCSP, h.SCTs)
			}
			if h.HelloSize < 200 || h.Elapsed <= 0 || h.Connect <= 0 || h.Connect > h.Elapsed || h.Started.IsZero() {
				t.Errorf("hello %d bytes, connect %v of %v, started %v", h.HelloSize, h.Connect, h.Elapsed, h.Started)
			}
		})
	}
}

func TestCollectIdentity(t *testing.T) {
	addr := serveTLS(t, &tls.Config{Certificates: chainOf(keys().ecdsa, selfSigned(t, keys().ecdsa))})
	port := strconv.Itoa(int(addr.Port()))
	got := *collectFrom(t, addr, Options{ServerName: "other.test."})
	h := got.Handshakes[0]
	want := evidence.Subject{
		ID:           "tls://host.test:" + port + "/127.0.0.1",
		Kind:         evidence.Endpoint,
		Target:       "as written",
		Name:         testHost,
		Protocol:     "https",
		Address:      "127.0.0.1:" + port,
		Vantage:      "direct",
		Certificates: got.Certificates,
		Handshakes:   got.Handshakes,
		Seen:         h.Started,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("subject differs (-want +got):\n%s", diff)
	}
	if h.ServerName != "other.test" || h.Address != want.Address || h.Profile != "default" {
		t.Errorf("handshake %+v", h)
	}
}

// Every certificate that is served must be kept, byte for byte, as leaf and
// behind one, in TLS 1.2 and 1.3, though crypto/tls gives up on it.
func TestCollectKeepsOddCertificates(t *testing.T) {
	good := selfSigned(t, keys().ecdsa)
	for name, odd := range oddities(t, good) {
		t.Run(name, func(t *testing.T) { keepsOdd(t, good, odd) })
	}
	s := collectFrom(t, serveTLS(t, &tls.Config{Certificates: chainOf(keys().ecdsa, append(good, 0))}), Options{})
	if len(s.Handshakes) == 0 {
		t.Fatalf("failures %v", s.Failures)
	}
	// A library's refusal leaves the server's proof of its key standing.
	if h := s.Handshakes[0]; !h.Salvaged || !h.Possession || h.Refuted || h.Failure == nil {
		t.Errorf("salvaged %v, possession %v, refuted %v, failure %v, want it salvaged and proven", h.Salvaged, h.Possession, h.Refuted, h.Failure)
	}
}

// A server that shows somebody else's certificate cannot sign with its key, and
// that is known, not merely unproven; with a readable certificate and with one
// that crypto/tls refuses, in both versions and in the fast profile.
func TestCollectRefutesPossession(t *testing.T) {
	good := selfSigned(t, keys().ecdsa)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for name, der := range map[string][]byte{"readable": good, "refused": append(bytes.Clone(good), 0)} {
			for _, fast := range []bool{false, true} {
				config := &tls.Config{Certificates: chainOf(otherKey(t), der), MinVersion: version, MaxVersion: version}
				s := collectFrom(t, serveTLS(t, config), Options{Fast: fast})
				refuted, proven := false, false
				for _, h := range s.Handshakes {
					refuted, proven = refuted || h.Refuted, proven || h.Possession
				}
				if !refuted || proven {
					t.Errorf("TLS %#x, %s, fast %v: refuted %v, proven %v, want refuted only", version, name, fast, refuted, proven)
				}
			}
		}
	}
}

func otherKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestCollectKeepsOddCorpus(t *testing.T) {
	dir := os.Getenv("CERTASSAY_CORPUS")
	if dir == "" {
		t.Skip("CERTASSAY_CORPUS names no directory with an odd-der folder")
	}
	files, err := filepath.Glob(filepath.Join(dir, "odd-der", "*.der"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no certificates in %s/odd-der: %v", dir, err)
	}
	good := selfSigned(t, keys().ecdsa)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			odd, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			keepsOdd(t, good, odd)
		})
	}
	t.Logf("%d certificates, each as leaf and as second, in TLS 1.2 and 1.3", len(files))
}

func keepsOdd(t *testing.T, good, odd []byte) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, chain := range [][][]byte{{odd}, {good, odd}} {
			addr := serveTLS(t, &tls.Config{Certificates: chainOf(keys().ecdsa, chain...), MinVersion: version, MaxVersion: version})
			s := collectFrom(t, addr, Options{})
			wantCertificates(t, s, chain...)
			h := s.Handshakes[0]
			if h.Version != version || h.Completed && h.Salvaged || h.Completed != (h.Failure == nil) {
				t.Errorf("version %#x, completed %v, salvaged %v, failure %v", h.Version, h.Completed, h.Salvaged, h.Failure)
			}
			// TLS 1.2 lets us prove possession without the library's consent,
			// as long as the key can be read.
			if len(chain) == 2 && version == tls.VersionTLS12 && len(s.Failures) > 0 {
				t.Errorf("failures %+v, want none: the leaf is good", s.Failures)
			}
		}
	}
}

// TLS 1.3 with a HelloRetryRequest, and with each cipher suite.
func TestCollectSalvagesAllOfTLS13(t *testing.T) {
	odd := append(selfSigned(t, keys().ecdsa), 0)
	for _, curve := range []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521, tls.X25519MLKEM768} {
		t.Run(curve.String(), func(t *testing.T) {
			config := &tls.Config{Certificates: chainOf(keys().ecdsa, odd), MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{curve}}
			config.Certificates[0].OCSPStaple = []byte("a response")
			config.Certificates[0].SignedCertificateTimestamps = [][]byte{{1, 2, 3}}
			s := collectFrom(t, serveTLS(t, config), Options{})
			wantCertificates(t, s, odd)
			h := s.Handshakes[0]
			if !h.Salvaged || h.Group != uint16(curve) || string(h.OCSP) != "a response" || len(h.SCTs) != 1 {
				t.Errorf("salvaged %v, group %#x, OCSP %q, SCTs %x", h.Salvaged, h.Group, h.OCSP, h.SCTs)
			}
		})
	}
}

// Every scheme that can be written is spoken.
func TestCollectUnspokenSchemes(t *testing.T) {
	for _, scheme := range target.Schemes() {
		if !scheme.Implicit && !starttls.Spoken(scheme.Name) && scheme.Name != schemeQUIC {
			t.Errorf("%s is not spoken", scheme.Name)
		}
	}
	s := collectOne(t.Context(), t, target.Target{Scheme: "gopher", Host: "h.test", Port: 1}, Options{})
	want := "gopher:// is not spoken by this version"
	if len(s.Failures) != 1 || s.Failures[0].Error != want || s.Failures[0].Hint == "" {
		t.Errorf("failures = %+v, want %q with a hint", s.Failures, want)
	}
}

// stubResolver answers every name.
type stubResolver struct {
	addrs []netip.Addr
	errs  []error // of the first calls
	calls int
	asked string
}

func (r *stubResolver) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	r.asked = host
	if r.calls++; r.calls <= len(r.errs) {
		return nil, r.errs[r.calls-1]
	}
	return r.addrs, nil
}

func TestCollectAddresses(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	addr := serveTLS(t, &tls.Config{Certificates: chainOf(keys().ecdsa, der)})
	live, dead := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.77.77.77") // nobody listens there
	what := target.Target{Scheme: "tls", Host: testHost, Port: addr.Port()}

	resolver := &stubResolver{addrs: []netip.Addr{dead, live, live}}
	s := collectOne(t.Context(), t, what, Options{Resolver: resolver})
	wantCertificates(t, s, der)
	if s.Address != addr.String() || len(s.Failures) > 0 || resolver.asked != "host.test." {
		t.Errorf("address %s, failures %v, asked for %q; want the first that accepts", s.Address, s.Failures, resolver.asked)
	}

	d, err := New(Options{Resolver: resolver, AllAddresses: true})
	if err != nil {
		t.Fatal(err)
	}
	all := d.Collect(t.Context(), what)
	if len(all) != 2 || all[0].Collected() || !all[1].Collected() || all[0].ID == all[1].ID {
		t.Fatalf("all addresses gave %+v, want a failure and a certificate", all)
	}
	if f := all[0].Failures[0]; f.Stage != evidence.StageDial || f.Hint == "" {
		t.Errorf("failure of the dead address = %+v", f)
	}
}

func TestCollectResolveFailures(t *testing.T) {
	missing := &net.DNSError{Err: "no such host", Name: testHost, IsNotFound: true}
	flaky := &net.DNSError{Err: "server misbehaving", Name: testHost, IsTemporary: true}
	der := selfSigned(t, keys().ecdsa)
	addr := serveTLS(t, &tls.Config{Certificates: chainOf(keys().ecdsa, der)})
	what := target.Target{Scheme: "tls", Host: testHost, Port: addr.Port()}
	tests := []struct {
		name     string
		resolver *stubResolver
		calls    int
		fails    bool
	}{
		{"missing", &stubResolver{errs: []error{missing, nil}}, 1, true},
		{"empty", &stubResolver{}, 1, true},
		{"flaky", &stubResolver{errs: []error{flaky, flaky}, addrs: []netip.Addr{addr.Addr()}}, 3, false},
		{"broken", &stubResolver{errs: []error{flaky, flaky, flaky, flaky}}, 3, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pacer := collect.NewPacer(collect.Limits{Backoff: time.Millisecond})
			s := collectOne(t.Context(), t, what, Options{Resolver: tt.resolver, Pacer: pacer})
			if tt.resolver.calls != tt.calls {
				t.Errorf("DNS was asked %d times, want %d", tt.resolver.calls, tt.calls)
			}
			if !tt.fails {
				wantCertificates(t, s, der)
				return
			}
			if len(s.Failures) != 1 || s.Failures[0].Stage != evidence.StageResolve || s.Failures[0].Hint == "" {
				t.Errorf("failures = %+v, want one of resolving with a hint", s.Failures)
			}
		})
	}
}

func TestCollectInterrupted(t *testing.T) {
	before := runtime.NumGoroutine()
	func() {
		ctx, cancel := context.WithCancel(t.Context())
		addr := listen(t, func(conn net.Conn) {
			_, _ = readHello(conn)
			cancel()
			_, _ = readHello(conn)
		})
		what, opts := at(addr, Options{Handshake: time.Hour, Total: time.Hour})
		s := collectOne(ctx, t, what, opts)
		if len(s.Failures) != 1 || s.Failures[0].Stage != evidence.StageCollect || s.Handshakes[0].Reset {
			t.Errorf("failures %+v, want the interrupt alone", s.Failures)
		}
	}()
	settled(t, before+1) // the listener lives until the test ends
}

func TestCollectManyAtOnce(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	addr := serveTLS(t, &tls.Config{Certificates: chainOf(keys().ecdsa, der)})
	before := runtime.NumGoroutine()
	what, opts := at(addr, Options{Pacer: collect.NewPacer(collect.Limits{})})
	d, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = collect.Run(t.Context(), slices.Values(slices.Repeat([]target.Target{what}, 300)), collect.Limits{Concurrency: 16}, d.Collect,
		func(t target.Target, f evidence.Failure) []*evidence.Subject {
			return []*evidence.Subject{collect.Failed(t, f)}
		},
		func(s []*evidence.Subject) error {
			if len(s) == 1 && len(s[0].Certificates) == 1 && bytes.Equal(s[0].Certificates[0], der) {
				n++
			}
			return nil
		})
	if err != nil || n != 300 {
		t.Errorf("Run = %v with %d good subjects, want 300", err, n)
	}
	settled(t, before)
}

func TestParseOverride(t *testing.T) {
	tests := []struct {
		in, hostPort string
		addrs        []string // nil: an error
	}{
		{"Host.test:443:192.0.2.1", "host.test:443", []string{"192.0.2.1"}},
		{"host.test:443:[2001:db8::1]", "host.test:443", []string{"2001:db8::1"}},
		{"host.test:443:2001:db8::1,192.0.2.1", "host.test:443", []string{"2001:db8::1", "192.0.2.1"}},
		{"[2001:db8::2]:443:192.0.2.1", "[2001:db8::2]:443", []string{"192.0.2.1"}},
		{"host.test:443", "", nil},
		{"host.test:x:192.0.2.1", "", nil},
		{"host.test:0:192.0.2.1", "", nil},
		{"host.test:443:name", "", nil},
		{"host.test:443:", "", nil},
		{"", "", nil},
		{"[::1:443:192.0.2.1", "", nil},
	}
	for _, tt := range tests {
		hostPort, addrs, err := ParseOverride(tt.in)
		var got []string
		for _, a := range addrs {
			got = append(got, a.String())
		}
		if (err != nil) != (tt.addrs == nil) || hostPort != tt.hostPort || !slices.Equal(got, tt.addrs) {
			t.Errorf("ParseOverride(%q) = %q, %v, %v, want %q, %v", tt.in, hostPort, got, err, tt.hostPort, tt.addrs)
		}
	}
}
