package tlsdial

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/proxy"
)

// maxConnectAnswer bounds the header of a proxy's answer: a proxy can send
// without end too.
const maxConnectAnswer = 16 << 10

type contextDialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// viaPort is the port of a scheme that names none, empty for what is no proxy.
func viaPort(scheme string) string {
	switch scheme {
	case "socks5", "socks5h":
		return "1080"
	case "http":
		return "80"
	case "https":
		return "443"
	}
	return ""
}

func checkVia(u *url.URL) error {
	switch {
	case viaPort(u.Scheme) == "":
		return fmt.Errorf("proxy scheme %q is unknown; write socks5://, http:// or https://", u.Scheme)
	case u.Hostname() == "":
		return errors.New("the proxy URL names no host")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return errors.New("the proxy URL has more than scheme, credentials, host and port")
	}
	return nil
}

// newProxy makes the dialer for Options.Via and names the vantage. Neither the
// name nor any error shows the credentials.
func newProxy(opts Options, forward *net.Dialer) (contextDialer, string, error) {
	u := opts.Via
	port := viaPort(u.Scheme)
	if err := checkVia(u); err != nil {
		return nil, "", err
	}
	if u.Port() != "" {
		port = u.Port()
	}
	address := net.JoinHostPort(u.Hostname(), port)
	vantage := u.Scheme + "://" + address
	if u.Scheme == "http" || u.Scheme == "https" {
		return newConnectProxy(opts, forward, address), vantage, nil
	}
	var auth *proxy.Auth
	if u.User != nil {
		password, _ := u.User.Password()
		if name := u.User.Username(); name == "" || len(name) > 255 || len(password) > 255 {
			return nil, "", errors.New("SOCKS5 user and password have 1 to 255 bytes")
		}
		auth = &proxy.Auth{User: u.User.Username(), Password: password}
	}
	dialer, err := proxy.SOCKS5("tcp", address, auth, forward)
	if err != nil {
		return nil, "", fmt.Errorf("setting up SOCKS5 proxy %s: %w", address, err)
	}
	return dialer.(contextDialer), vantage, nil
}

// A connectProxy dials with the CONNECT method (RFC 9110 section 9.3.6).
type connectProxy struct {
	address string
	auth    string // the Proxy-Authorization field, or empty
	tls     *tls.Config
	forward *net.Dialer
	timeout time.Duration
}

func newConnectProxy(opts Options, forward *net.Dialer, address string) *connectProxy {
	p := &connectProxy{address: address, forward: forward, timeout: opts.Dial}
	if opts.Via.Scheme == "https" {
		p.tls = &tls.Config{ServerName: opts.Via.Hostname(), RootCAs: opts.ProxyRoots, MinVersion: tls.VersionTLS12}
	}
	if opts.Via.User != nil {
		password, _ := opts.Via.User.Password()
		p.auth = "Basic " + base64.StdEncoding.EncodeToString([]byte(opts.Via.User.Username()+":"+password))
	}
	return p
}

// DialContext implements contextDialer.
func (p *connectProxy) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := p.forward.DialContext(ctx, network, p.address)
	if err != nil {
		return nil, fmt.Errorf("connecting to the proxy: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	tunnel, err := p.connect(ctx, conn, address)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return tunnel, nil
}

func (p *connectProxy) connect(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	if err := conn.SetDeadline(time.Now().Add(p.timeout)); err != nil {
		return nil, err
	}
	if p.tls != nil {
		secure := tls.Client(conn, p.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("TLS with the proxy: %w", err)
		}
		conn = secure
	}
	request := "CONNECT " + address + " HTTP/1.1\r\nHost: " + address + "\r\n"
	if p.auth != "" {
		request += "Proxy-Authorization: " + p.auth + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		return nil, fmt.Errorf("asking the proxy for %s: %w", address, err)
	}
	answer := bufio.NewReader(io.LimitReader(conn, maxConnectAnswer))
	response, err := http.ReadResponse(answer, &http.Request{Method: http.MethodConnect})
	if err != nil {
		return nil, fmt.Errorf("reading the proxy's answer: %w", err)
	}
	_ = response.Body.Close() // the answer to CONNECT has none
	if response.StatusCode != http.StatusOK {
		return nil, proxyRefusal(response.StatusCode)
	}
	early, _ := answer.Peek(answer.Buffered())
	return &tunnel{Conn: conn, early: early}, nil
}

// A proxyRefusal is the status with which a proxy declined.
type proxyRefusal int

func (s proxyRefusal) Error() string {
	return fmt.Sprintf("the proxy answered %d %s", int(s), http.StatusText(int(s)))
}

// A tunnel hands out first what came in one packet with the proxy's answer.
type tunnel struct {
	net.Conn
	early []byte
}

// Read implements net.Conn.
func (t *tunnel) Read(b []byte) (int, error) {
	if len(t.early) > 0 {
		n := copy(b, t.early)
		t.early = t.early[n:]
		return n, nil
	}
	return t.Conn.Read(b)
}
