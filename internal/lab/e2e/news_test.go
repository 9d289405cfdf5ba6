package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
)

// TestNNTP: a small server of our own, with the words of INN 2.7 (whose package
// cannot be configured on a machine without a domain name).
func TestNNTP(t *testing.T) {
	need(t)
	o := newSite(t)
	chain, err := tls.LoadX509KeyPair(o.file("chain.pem"), o.file("key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	serve := func(t *testing.T, capabilities string) string {
		t.Helper()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				go news(t.Context(), conn, capabilities, chain)
			}
		}()
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		return port
	}
	const all = "101 Capability list:\r\nVERSION 2\r\nIMPLEMENTATION INN 2.7.1\r\nAUTHINFO\r\n"
	t.Run("starttls", func(t *testing.T) { o.scanAs(t, "nntp", serve(t, all+"STARTTLS\r\n.\r\n")).wantOK(t) })
	t.Run("stripped", func(t *testing.T) {
		o.scanAs(t, "nntp", serve(t, all+".\r\n")).wantOnlyError(t, "starttls", "does not offer STARTTLS")
	})
}

// news serves one connection.
func news(ctx context.Context, conn net.Conn, capabilities string, chain tls.Certificate) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	_, _ = io.WriteString(conn, "200 news.lab.example InterNetNews NNRP server INN 2.7.1 ready (posting ok)\r\n")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch strings.TrimSpace(line) {
		case "CAPABILITIES":
			_, _ = io.WriteString(conn, capabilities)
		case "STARTTLS":
			_, _ = io.WriteString(conn, "382 Begin TLS negotiation now\r\n")
			server := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{chain}})
			_ = server.HandshakeContext(ctx)
			_, _ = io.Copy(io.Discard, server)
			return
		default:
			_, _ = io.WriteString(conn, "500 What?\r\n")
		}
	}
}
