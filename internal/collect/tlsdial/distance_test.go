package tlsdial

import (
	"crypto/tls"
	"net"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/collect"
	"github.com/certassay/certassay/internal/evidence"
)

// Everything on loopback is one hop away, and only what was asked for is looked at.
func TestDistances(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("hops are counted on Linux only")
	}
	der := selfSigned(t, keys().ecdsa)
	server := serveTLS(t, &tls.Config{Certificates: chainOf(keys().ecdsa, der)})
	other := listen(t, func(net.Conn) {})
	for _, tt := range []struct {
		name string
		opts Options
		want map[uint16]string
	}{
		{"not asked", Options{EveryHello: true}, map[uint16]string{}},
		{"as usual", Options{ProbePath: true}, map[uint16]string{server.Port(): "accepted", 80: "refused", 1: "refused"}},
		{"a named port", Options{ProbePath: true, ComparePorts: []uint16{server.Port(), other.Port()}}, map[uint16]string{server.Port(): "accepted", other.Port(): "accepted"}},
		{"many", Options{ProbePath: true, ComparePorts: []uint16{1, 1, 1, 1, 1, 1, 1}}, map[uint16]string{server.Port(): "accepted", 1: "refused"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.opts.Pacer = collect.NewPacer(collect.Limits{HostConcurrency: 1})
			s := collectFrom(t, server, tt.opts)
			got := map[uint16]string{}
			for _, d := range s.Distances {
				at, err := netip.ParseAddrPort(d.Address)
				if err != nil || d.Hops != 1 || d.Failure != nil {
					t.Errorf("%+v, want one hop", d)
				}
				got[at.Port()] = d.Answer
			}
			if _, busy := tt.want[80]; busy && got[80] == evidence.DistanceAccepted {
				got[80] = "refused" // something of this machine listens there
			}
			if len(got) != len(tt.want) || len(s.Distances) > 1+maxComparedPorts {
				t.Errorf("%v (%d), want %v", got, len(s.Distances), tt.want)
			}
			for port, answer := range tt.want {
				if got[port] != answer {
					t.Errorf("port %d: %q, want %q", port, got[port], answer)
				}
			}
			if tt.opts.ProbePath && s.Distances[0].Address != s.Address {
				t.Errorf("the first is that of %s, want %s", s.Distances[0].Address, s.Address)
			}
		})
	}
}

// Of what a proxy dials nothing is known, and that is said.
func TestDistancesThroughProxy(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	server := serveTLS(t, &tls.Config{Certificates: chainOf(keys().ecdsa, der)})
	proxy := listen(t, socksServer(server, make(chan string, 20)))
	via := &url.URL{Scheme: "socks5", User: url.UserPassword("bob", secretWord), Host: proxy.String()}
	s := collectFrom(t, server, Options{ProbePath: true, Via: via})
	if len(s.Distances) != 1 || s.Distances[0].Failure == nil || !strings.Contains(s.Distances[0].Failure.Error, "nothing is known of the way") || s.Distances[0].Connections != 0 {
		t.Errorf("%+v", s.Distances)
	}
}
