package lab

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"testing"
	"time"
)

// connTimeout bounds every connection of a server, so that a client that hangs
// fails its own test and not the whole run.
const connTimeout = 2 * time.Minute

// Server says how [Serve] serves. The zero value speaks TLS 1.2 and 1.3.
type Server struct {
	// TLS is cloned; its certificates are replaced. Nil means defaults.
	TLS *tls.Config
	// Banner is sent after the handshake, before the connection is closed.
	Banner string
}

// Serve starts a TLS server on loopback that presents the chain, whatever is in
// it, with the key, and gives its address. It ends with the test. Clients may
// abort; that is no failure here.
func Serve(t testing.TB, chain [][]byte, k *Key, s Server) string {
	t.Helper()
	config := &tls.Config{}
	if s.TLS != nil {
		config = s.TLS.Clone()
	}
	config.Certificates = []tls.Certificate{{Certificate: chain, PrivateKey: k.Signer}}
	return Listen(t, func(ctx context.Context, raw net.Conn) {
		conn := tls.Server(raw, config)
		if conn.HandshakeContext(ctx) == nil {
			_, _ = conn.Write([]byte(s.Banner))
			_ = conn.Close()
		}
	})
}

// Listen starts a TCP server on loopback that hands each connection to handle,
// and gives its address. It closes the connection afterwards. At the end of the
// test the context is cancelled, every connection closed and every handler waited
// for.
func Listen(t testing.TB, handle func(context.Context, net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("lab: listening: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { accept(ctx, listener, &running, handle) })
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		running.Wait()
	})
	return listener.Addr().String()
}

func accept(ctx context.Context, listener net.Listener, running *sync.WaitGroup, handle func(context.Context, net.Conn)) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		running.Go(func() {
			defer conn.Close()
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			defer stop()
			_ = conn.SetDeadline(time.Now().Add(connTimeout))
			handle(ctx, conn)
		})
	}
}
