package tlsdial

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/target"
)

const secretWord = "hunter2"

// pipe copies both ways until either side ends.
func pipe(a, b net.Conn) {
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = io.Copy(a, b)
		_ = a.Close()
	})
	_, _ = io.Copy(b, a)
	_ = b.Close()
	wg.Wait()
}

// connectServer is a CONNECT proxy to upstream, whatever is asked for, for
// user "bob" with secretWord.
func connectServer(upstream netip.AddrPort, asked chan<- string) func(net.Conn) {
	return func(conn net.Conn) {
		request, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		header := http.Header{"Authorization": request.Header["Proxy-Authorization"]}
		user, password, _ := (&http.Request{Header: header}).BasicAuth()
		if user != "bob" || password != secretWord {
			_, _ = io.WriteString(conn, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno")
			return
		}
		asked <- request.Method + " " + request.Host
		remote, err := net.Dial("tcp", upstream.String())
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
		pipe(conn, remote)
	}
}

// socksServer is the same for SOCKS5 (RFC 1928, RFC 1929).
func socksServer(upstream netip.AddrPort, asked chan<- string) func(net.Conn) {
	return func(conn net.Conn) {
		read := func(n byte) []byte {
			b := make([]byte, n)
			_, _ = io.ReadFull(conn, b)
			return b
		}
		read(read(2)[1])
		_, _ = conn.Write([]byte{5, 2})
		user := read(read(2)[1])
		password := read(read(1)[0])
		if string(user) != "bob" || string(password) != secretWord {
			_, _ = conn.Write([]byte{1, 1})
			return
		}
		_, _ = conn.Write([]byte{1, 0})
		var host string
		switch read(4)[3] {
		case 1:
			host = netip.AddrFrom4([4]byte(read(4))).String()
		case 3:
			host = string(read(read(1)[0]))
		}
		port := read(2)
		asked <- fmt.Sprintf("%s:%d", host, int(port[0])<<8|int(port[1]))
		remote, err := net.Dial("tcp", upstream.String())
		if err != nil {
			return
		}
		_, _ = conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		pipe(conn, remote)
	}
}

func TestCollectThroughProxies(t *testing.T) {
	der := selfSigned(t, keys().ecdsa)
	upstream := serveTLS(t, &tls.Config{Certificates: chainOf(keys().ecdsa, der)})
	asked := make(chan string, 10)
	connect, socks := connectServer(upstream, asked), socksServer(upstream, asked)
	tests := []struct {
		name, scheme string
		serve        func(net.Conn)
		local        bool // this machine names the address
		want         string
	}{
		{"CONNECT", "http", connect, false, "CONNECT host.test:4433"},
		{"CONNECT over TLS", "https", connect, false, "CONNECT host.test:4433"},
		{"SOCKS5", "socks5", socks, false, "host.test:4433"},
		{"SOCKS5h", "socks5h", socks, false, "host.test:4433"},
		{"SOCKS5 to an address", "socks5", socks, true, "127.9.9.9:4433"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var opts Options
			var proxyAddr netip.AddrPort
			if tt.scheme == "https" {
				proxyAddr, opts.ProxyRoots = secureProxy(t, tt.serve)
			} else {
				proxyAddr = listen(t, tt.serve)
			}
			via := &url.URL{Scheme: tt.scheme, User: url.UserPassword("bob", secretWord), Host: proxyAddr.String()}
			opts.Via = via
			what := target.Target{Raw: "host.test:4433", Scheme: "tls", Host: testHost, Port: 4433}
			vantage := tt.scheme + "://" + via.Host
			id, address := "tls://host.test:4433?via="+vantage, ""
			if tt.local {
				opts.Overrides = map[string][]netip.Addr{what.HostPort(): {netip.MustParseAddr("127.9.9.9")}}
				id, address = "tls://host.test:4433/127.9.9.9?via="+vantage, "127.9.9.9:4433"
			}
			s := collectOne(t.Context(), t, what, opts)
			wantCertificates(t, s, der)
			if got := <-asked; got != tt.want {
				t.Errorf("the proxy was asked for %q, want %q", got, tt.want)
			}
			if s.Vantage != vantage || s.ID != id || s.Address != address || !s.Handshakes[0].Completed {
				t.Errorf("vantage %q, id %q, address %q", s.Vantage, s.ID, s.Address)
			}

			via.User = url.UserPassword("bob", secretWord+"x")
			s = collectOne(t.Context(), t, what, opts)
			text := fmt.Sprintf("%+v", s)
			if len(s.Failures) != 1 || s.Failures[0].Stage != evidence.StageDial || !strings.Contains(s.Failures[0].Hint, "credentials") {
				t.Errorf("failures %+v, want a word about credentials", s.Failures)
			}
			if strings.Contains(text, secretWord) || strings.Contains(text, "bob") {
				t.Errorf("the evidence shows the credentials: %s", text)
			}
		})
	}
}

// secureProxy serves under a certificate for its address.
func secureProxy(t *testing.T, serve func(net.Conn)) (netip.AddrPort, *x509.CertPool) {
	t.Helper()
	der := selfSignedFor(t, keys().ecdsa, net.IPv4(127, 0, 0, 1))
	config := &tls.Config{Certificates: chainOf(keys().ecdsa, der)}
	addr := listen(t, func(conn net.Conn) { serve(tls.Server(conn, config)) })
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(c)
	return addr, roots
}

func TestCollectHostileProxies(t *testing.T) {
	tests := []struct {
		name, scheme string
		serve        func(net.Conn)
	}{
		{"endless header", "http", func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
			for range 1 << 16 {
				if _, err := io.WriteString(conn, "X-Y: "+strings.Repeat("z", 1000)+"\r\n"); err != nil {
					return
				}
			}
		}},
		{"silence", "http", func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }},
		{"silence", "socks5", func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }},
		{"garbage", "http", func(conn net.Conn) { _, _ = io.WriteString(conn, "\x00\x01\x02\r\n\r\n") }},
		{"garbage", "socks5", func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n") }},
		{"close", "http", func(net.Conn) {}},
		{"close", "socks5", func(net.Conn) {}},
		{"502", "http", func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 502 Bad Gateway\r\n\r\n") }},
		{"untrusted", "https", func(conn net.Conn) {
			_ = tls.Server(conn, &tls.Config{Certificates: chainOf(keys().ecdsa, selfSigned(t, keys().ecdsa))}).Handshake()
		}},
	}
	for _, tt := range tests {
		t.Run(tt.scheme+" "+tt.name, func(t *testing.T) {
			via := &url.URL{Scheme: tt.scheme, User: url.UserPassword("bob", secretWord), Host: listen(t, tt.serve).String()}
			began := time.Now()
			s := collectOne(t.Context(), t, target.Target{Scheme: "tls", Host: testHost, Port: 4433}, Options{Via: via, Dial: 200 * time.Millisecond})
			if len(s.Failures) != 1 || s.Failures[0].Stage != evidence.StageDial || time.Since(began) > unbounded {
				t.Errorf("after %v failures %+v, want one of dialling", time.Since(began), s.Failures)
			}
			if text := fmt.Sprintf("%+v", s); strings.Contains(text, secretWord) {
				t.Errorf("the evidence shows the password: %s", text)
			}
		})
	}
}

// A proxy may send the first bytes of the server with its own answer.
func TestTunnelHandsOutEarlyBytes(t *testing.T) {
	addr := listen(t, func(conn net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(conn))
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n220 mail.test")
	})
	s := collectOne(t.Context(), t, target.Target{Scheme: "tls", Host: testHost, Port: 25},
		Options{Via: &url.URL{Scheme: "http", Host: addr.String()}})
	if len(s.Failures) != 1 || !strings.Contains(s.Failures[0].Error, `"220 mail.test"`) {
		t.Errorf("failures %+v, want the greeting", s.Failures)
	}
}

// parseVia reads a proxy URL and makes a dialler of it.
func parseVia(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("no URL")
	}
	_, _, err = newProxy(Options{Via: u}, &net.Dialer{})
	return u, err
}

func TestNewProxy(t *testing.T) {
	for _, good := range []string{"socks5://h", "socks5h://bob:x@h:1", "http://h:3128/", "https://h", "http://[::1]:3128"} {
		if _, err := parseVia(good); err != nil {
			t.Errorf("parseVia(%q) = %v", good, err)
		}
	}
	bad := []string{
		"h:3128", "ftp://h", "socks4://h", "http://", "http://h/path", "http://h?q", "socks5://:x@h", "ssh://h",
		"http://bob:" + secretWord + "%zz@h", "ftp://bob:" + secretWord + "@h", "socks5://bob:" + strings.Repeat(secretWord, 50) + "@h",
	}
	for _, bad := range bad {
		_, err := parseVia(bad)
		if err == nil {
			t.Errorf("parseVia(%q) succeeded", bad)
			continue
		}
		if strings.Contains(err.Error(), secretWord) {
			t.Errorf("parseVia(%q) = %v, which shows the password", bad, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for name, opts := range map[string]Options{
		"proxy":       {Via: &url.URL{Scheme: "gopher", Host: "h"}},
		"server name": {ServerName: strings.Repeat("a", 256)},
		"ALPN":        {ALPN: []string{""}},
	} {
		if _, err := New(opts); err == nil {
			t.Errorf("New with a bad %s succeeded", name)
		}
	}
	d, err := New(Options{Total: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if d.Vantage() != "direct" || d.opts.Handshake != time.Second || d.opts.Dial != time.Second {
		t.Errorf("vantage %q, handshake %v, dial %v", d.Vantage(), d.opts.Handshake, d.opts.Dial)
	}
}

func TestALPN(t *testing.T) {
	tests := []struct {
		scheme string
		opt    []string
		want   []string
	}{
		{"https", nil, []string{"h2", "http/1.1"}},
		{"tls", nil, nil},
		{"https", []string{}, nil},
		{"tls", []string{"x"}, []string{"x"}},
	}
	for _, tt := range tests {
		s := &session{d: &Dialer{opts: Options{ALPN: tt.opt}}, target: target.Target{Scheme: tt.scheme}}
		if got := s.alpn(); !slices.Equal(got, tt.want) {
			t.Errorf("%s with %q offers %q, want %q", tt.scheme, tt.opt, got, tt.want)
		}
	}
}
