package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
)

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// dial connects to the addresses that Lookup gives, in turn. The dialer's Control
// looks at each.
func (o *Options) dial(d *net.Dialer) dialFunc {
	lookup := o.Lookup
	if lookup == nil {
		return d.DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		addrs, err := lookup(ctx, host)
		if err != nil {
			return nil, fmt.Errorf("resolving %s: %w", host, err)
		}
		err = fmt.Errorf("resolving %s: no address", host)
		for _, addr := range addrs[:min(len(addrs), maxAddresses)] {
			var conn net.Conn
			if conn, err = d.DialContext(ctx, network, net.JoinHostPort(addr.String(), port)); err == nil {
				return conn, nil
			}
		}
		return nil, err
	}
}

// maxAddresses is how many addresses of a host are tried: an answer can name
// thousands, and us be used to knock at them.
const maxAddresses = 4

// tls verifies servers against the pools of Roots alone; nil, where there are none,
// is what package tls does by itself.
func (o *Options) tls() *tls.Config {
	if o.Roots == nil {
		return nil
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		// VerifyConnection does it, as package tls takes no more than one pool.
		InsecureSkipVerify: true, //nolint:gosec // see above
		VerifyConnection:   o.verify,
	}
}

func (o *Options) verify(state tls.ConnectionState) error {
	if state.ServerName == "" { // an empty name would be verified for any
		return errors.New("verifying the server: it was not asked for by a name")
	}
	how := x509.VerifyOptions{DNSName: state.ServerName, Intermediates: x509.NewCertPool()}
	for _, c := range state.PeerCertificates[1:] {
		how.Intermediates.AddCert(c)
	}
	err := errors.New("there are no roots")
	for _, how.Roots = range o.Roots {
		if _, err = state.PeerCertificates[0].Verify(how); err == nil {
			return nil
		}
	}
	return fmt.Errorf("verifying the server: %w", err)
}
