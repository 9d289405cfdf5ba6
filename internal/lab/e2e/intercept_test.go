package e2e

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

// TestInterceptedSTARTTLS: someone in front of genuine mail servers removes the
// offer of TLS, or takes it up himself with a certificate of his own. (sslsplit
// can do the latter, but 0.5.5 ends, "readcb called when other end not connected",
// with every other connection that is as fast as those of loopback.)
func TestInterceptedSTARTTLS(t *testing.T) {
	need(t, "postfix", "dovecot")
	o := newSite(t)
	smtp, _ := startPostfix(t, o, "may")
	mail := startDovecot(t, o, "yes")
	forged := o.forge(t)
	for _, tt := range []struct{ scheme, genuine, goAhead string }{
		{"smtp", smtp, "220 go ahead\r\n"},
		{"imap", mail.imap, "a2 OK go ahead\r\n"},
		{"pop3", mail.pop3, "+OK go ahead\r\n"},
	} {
		t.Run(tt.scheme, func(t *testing.T) {
			o.scanAs(t, tt.scheme, tt.genuine).wantOK(t)
			o.scanAs(t, tt.scheme, between(t, tt.genuine, strip)).wantOnlyError(t, "starttls", "does not offer ST")
			taken := between(t, tt.genuine, func(near, far net.Conn) { takeUp(near, far, tt.goAhead, forged) })
			o.scanAs(t, tt.scheme, taken).wantCaught(t, caught, untrusted)
		})
	}
}

// between hands each connection, with one to a port of loopback, to someone.
func between(t *testing.T, port string, someone func(near, far net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer near.Close()
				far, err := net.Dial("tcp", "127.0.0.1:"+port)
				if err != nil {
					return
				}
				defer far.Close()
				someone(near, far)
			}()
		}
	}()
	_, own, _ := net.SplitHostPort(listener.Addr().String())
	return own
}

// strip overwrites the offer in what the server says.
func strip(near, far net.Conn) {
	go func() {
		_, _ = io.Copy(far, near)
		_ = far.Close() // ends the other direction too
	}()
	buffer := make([]byte, 4096)
	for {
		n, err := far.Read(buffer)
		text := bytes.ReplaceAll(buffer[:n], []byte("STARTTLS"), []byte("XXXXXXXA"))
		if _, werr := near.Write(bytes.ReplaceAll(text, []byte("STLS"), []byte("XXXA"))); err != nil || werr != nil {
			return
		}
	}
}

// takeUp answers the wish for TLS in place of the server.
func takeUp(near, far net.Conn, goAhead string, forged tls.Certificate) {
	go func() { _, _ = io.Copy(near, far) }()
	in := bufio.NewReader(near)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if strings.Contains(line, "STARTTLS") || strings.HasPrefix(line, "STLS") {
			break
		}
		_, _ = io.WriteString(far, line)
	}
	_, _ = io.WriteString(near, goAhead)
	server := tls.Server(near, &tls.Config{Certificates: []tls.Certificate{forged}})
	_ = server.Handshake()
	_, _ = io.Copy(io.Discard, server)
}

// forge issues a certificate for the host under the interceptor's CA.
func (o origin) forge(t *testing.T) tls.Certificate { return o.forgeUnder(t, o.interceptor()) }

// forgeUnder issues a certificate for the host under a CA.
func (o origin) forgeUnder(t *testing.T, files caFiles) tls.Certificate {
	t.Helper()
	ca, err := tls.LoadX509KeyPair(files.certificate, files.key)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 30),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.Leaf, key.Public(), ca.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der, ca.Certificate[0]}, PrivateKey: key}
}
