package dns

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/miekg/dns"
)

// maxMessage is what a DNS message can hold (RFC 1035 section 4.2.2): a server
// that answers over HTTPS could send without end.
const maxMessage = 65535

const messageType = "application/dns-message"

// parseHTTPS reads https://ADDR[:PORT][/PATH][#NAME]. The server is named by its
// address: looking up a name would ask the resolver that this one replaces. The
// path is /dns-query where none is given, and a template's variable, which is for
// GET, is passed over.
func parseHTTPS(s string) (server netip.AddrPort, tlsName, endpoint string, err error) {
	refused := func() (netip.AddrPort, string, string, error) {
		return netip.AddrPort{}, "", "", fmt.Errorf("resolver %q: %w", s, errServer)
	}
	u, err := url.Parse(strings.Replace(s, "{?dns}", "", 1))
	if err != nil || u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.ContainsAny(u.Path, "{}") {
		return refused()
	}
	addr, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return refused()
	}
	server = netip.AddrPortFrom(addr, 443)
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if server, err = netip.ParseAddrPort(net.JoinHostPort(addr.String(), port)); err != nil || server.Port() == 0 {
			return refused()
		}
	}
	tlsName = u.Fragment
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:"
	if strings.Trim(tlsName, letters) != "" {
		return refused()
	}
	host := server.String()
	if tlsName == "" {
		tlsName = addr.String()
	} else {
		host = net.JoinHostPort(tlsName, fmt.Sprint(server.Port()))
	}
	path := u.EscapedPath()
	if path == "" || path == "/" {
		path = "/dns-query"
	}
	endpoint = "https://" + strings.TrimSuffix(host, ":443") + path
	if _, err := url.Parse(endpoint); err != nil {
		return refused()
	}
	return server, tlsName, endpoint, nil
}

// newHTTPS makes a client that talks to one server alone: no proxy of the
// environment, no redirect, no cookie, no other address, whatever the name in the
// URL resolves to.
func (r *Resolver) newHTTPS() *http.Client {
	var d net.Dialer
	return &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return d.DialContext(ctx, "tcp", r.server.String())
			},
			TLSClientConfig:        &tls.Config{ServerName: r.tlsName, MinVersion: tls.VersionTLS12, RootCAs: r.roots},
			TLSHandshakeTimeout:    r.timeout,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true, // a message is small, and a bomb is not
			MaxResponseHeaderBytes: 16 << 10,
			MaxIdleConnsPerHost:    4,
			IdleConnTimeout:        r.timeout,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// overHTTPS asks by POST (RFC 8484 section 4.1): a GET would put the question into
// the logs of every proxy. The id is zero, as that section wants it: the
// connection says what the answer belongs to.
func (r *Resolver) overHTTPS(ctx context.Context, q question) ([]byte, *dns.Msg, error) {
	query := newQuery(q)
	query.Id = 0
	packed, err := query.Pack()
	if err != nil {
		return nil, nil, fmt.Errorf("packing the question: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.endpoint, bytes.NewReader(packed))
	if err != nil {
		return nil, nil, fmt.Errorf("making the request: %w", err)
	}
	request.Header.Set("Content-Type", messageType)
	request.Header.Set("Accept", messageType)
	request.Header.Set("User-Agent", "") // no need to tell
	response, err := r.https.Do(request)
	if err != nil {
		return nil, nil, fmt.Errorf("asking over HTTPS: %w", cmpErr(context.Cause(ctx), err))
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("the server answered with HTTP status %d", response.StatusCode)
	}
	if kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err != nil || kind != messageType {
		return nil, nil, fmt.Errorf("the server sent %.40q and no %s", response.Header.Get("Content-Type"), messageType)
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxMessage+1))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("reading the answer: %w", cmpErr(context.Cause(ctx), err))
	case len(raw) > maxMessage:
		return nil, nil, fmt.Errorf("the answer is longer than %d bytes", maxMessage)
	}
	msg := new(dns.Msg)
	if err := msg.Unpack(raw); err != nil || !answers(msg, query) {
		return raw, nil, errors.New("what came is no answer to the question")
	}
	return raw, msg, nil
}
