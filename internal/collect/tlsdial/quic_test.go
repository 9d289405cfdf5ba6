package tlsdial

import (
	"crypto/tls"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/target"
)

// serveQUIC accepts connections until the test ends.
func serveQUIC(t *testing.T, config *tls.Config) netip.AddrPort {
	t.Helper()
	listener, err := quic.ListenAddr("127.0.0.1:0", config, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			if _, err := listener.Accept(t.Context()); err != nil {
				return
			}
		}
	}()
	return netip.MustParseAddrPort(listener.Addr().String())
}

func collectQUIC(t *testing.T, addr netip.AddrPort, o Options) *evidence.Subject {
	t.Helper()
	o.Overrides = map[string][]netip.Addr{}
	host := target.Target{Raw: "quic://" + testHost, Scheme: "quic", Host: testHost, Port: addr.Port()}
	o.Overrides[host.HostPort()] = []netip.Addr{addr.Addr()}
	return collectOne(t.Context(), t, host, o)
}

func TestCollectQUIC(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	config := &tls.Config{Certificates: chainOf(keys().ecdsa, der, selfSigned(t, keys().rsa)), NextProtos: []string{"h3"}}
	config.Certificates[0].OCSPStaple = []byte("a response")
	s := collectQUIC(t, serveQUIC(t, config), Options{})
	if len(s.Failures) != 0 {
		t.Fatalf("failures: %+v", s.Failures)
	}
	wantCertificates(t, s, config.Certificates[0].Certificate...)
	h := s.Handshakes[0]
	if !h.Completed || !h.Possession || h.ALPN != "h3" || h.Version != tls.VersionTLS13 || string(h.OCSP) != "a response" || h.ServerName != testHost {
		t.Errorf("handshake %+v", h)
	}
	if s.Protocol != "quic" || !strings.HasPrefix(s.ID, "quic://") || s.Address == "" || s.Seen.IsZero() {
		t.Errorf("subject %q, protocol %q, address %q", s.ID, s.Protocol, s.Address)
	}
}

// What crypto/tls refuses is taken from the packets, byte for byte.
func TestCollectQUICSalvaged(t *testing.T) {
	salvaged := 0
	odds := oddities(t, selfSigned(t, keys().ecdsa))
	odds["zeros"] = odds["zeros"][:8000] // quic-go takes no flight of more than 16 KiB
	for name, odd := range odds {
		t.Run(name, func(t *testing.T) {
			config := &tls.Config{Certificates: chainOf(keys().ecdsa, odd, selfSigned(t, keys().rsa)), NextProtos: []string{"h3"}}
			s := collectQUIC(t, serveQUIC(t, config), Options{})
			wantCertificates(t, s, config.Certificates[0].Certificate...)
			if h := s.Handshakes[0]; h.Completed != !h.Salvaged {
				t.Errorf("completed %v, salvaged %v", h.Completed, h.Salvaged)
			} else if h.Salvaged {
				salvaged++
			}
		})
	}
	if salvaged == 0 {
		t.Error("crypto/tls refused nothing")
	}
}

func TestCollectQUICFails(t *testing.T) {
	silent, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	s := collectQUIC(t, netip.MustParseAddrPort(silent.LocalAddr().String()), Options{Handshake: 300 * time.Millisecond})
	if len(s.Failures) != 1 || s.Failures[0].Stage != evidence.StageDial || !strings.Contains(s.Failures[0].Hint, "UDP") {
		t.Errorf("silence: %+v", s.Failures)
	}

	config := &tls.Config{Certificates: chainOf(keys().ecdsa, selfSigned(t, keys().ecdsa)), NextProtos: []string{"something"}}
	s = collectQUIC(t, serveQUIC(t, config), Options{})
	if len(s.Failures) != 1 || s.Failures[0].Stage != evidence.StageHandshake || s.Collected() {
		t.Errorf("no common protocol: %+v", s.Failures)
	}

	via := &url.URL{Scheme: "socks5", Host: "127.0.0.1:1"}
	s = collectQUIC(t, netip.MustParseAddrPort("127.0.0.1:1"), Options{Via: via})
	if len(s.Failures) != 1 || !strings.Contains(s.Failures[0].Error, "proxy") || len(s.Handshakes) != 0 {
		t.Errorf("through a proxy: %+v", s.Failures)
	}
}
