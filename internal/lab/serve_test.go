package lab

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// TestServe dials the server as an honest client would, in both versions, and as
// one that refuses what it is shown.
func TestServe(t *testing.T) {
	l := New(Config{})
	addr := Serve(t, l.Chain(), l.LeafKey, Server{Banner: "220 lab\r\n"})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
		if err != nil {
			t.Fatal(err)
		}
		served := conn.ConnectionState().PeerCertificates
		if len(served) != 2 || !bytes.Equal(served[0].Raw, l.Leaf) {
			t.Errorf("%s: served %d certificates, want leaf and intermediate", tls.VersionName(version), len(served))
		}
		if text, err := io.ReadAll(conn); err != nil || string(text) != "220 lab\r\n" {
			t.Errorf("banner = %q, %v", text, err)
		}
		conn.Close()
	}
	if conn, err := tls.Dial("tcp", addr, &tls.Config{ServerName: l.Host}); err == nil {
		conn.Close()
		t.Error("a client without the laboratory's root accepts its chain")
	}
}

// TestServeUnparsable serves what crypto/x509 refuses to read.
func TestServeUnparsable(t *testing.T) {
	l := New(Config{})
	chain := [][]byte{{0x30, 0x03, 2, 1, 5}, l.Intermediate.DER}
	addr := Serve(t, chain, l.LeafKey, Server{TLS: &tls.Config{MaxVersion: tls.VersionTLS12}})
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	seen := &recorder{Conn: raw}
	if err := tls.Client(seen, &tls.Config{InsecureSkipVerify: true}).Handshake(); err == nil {
		t.Error("crypto/tls accepts five octets as a certificate")
	}
	if !bytes.Contains(seen.Bytes(), chain[0]) || !bytes.Contains(seen.Bytes(), chain[1]) {
		t.Error("the chain did not reach the client")
	}
}

type recorder struct {
	net.Conn
	bytes.Buffer
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.Buffer.Write(p[:n])
	return n, err
}

func (r *recorder) Write(p []byte) (int, error) { return r.Conn.Write(p) }

// TestListenEnds ends a test while a handler waits for its client.
func TestListenEnds(t *testing.T) {
	var addr string
	t.Run("server", func(t *testing.T) {
		entered := make(chan struct{})
		addr = Listen(t, func(_ context.Context, conn net.Conn) {
			close(entered)
			_, _ = io.ReadAll(conn)
		})
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		<-entered
	})
	if conn, err := net.Dial("tcp", addr); err == nil {
		conn.Close()
		t.Error("the server outlives its test")
	}
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	l := New(Config{RSA: true})
	if err := l.Write(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := tls.LoadX509KeyPair(filepath.Join(dir, "chain.pem"), filepath.Join(dir, "key.pem")); err != nil {
		t.Errorf("chain.pem and key.pem: %v", err)
	}
	both := filepath.Join(dir, "interceptor-both.pem")
	if _, err := tls.LoadX509KeyPair(both, both); err != nil {
		t.Errorf("interceptor-both.pem: %v", err)
	}
	if err := l.Write(filepath.Join(dir, "key.pem")); err == nil {
		t.Error("Write onto a file = nil, want an error")
	}
}

// TestWriteCases reads back what was written and compares it with the cases.
func TestWriteCases(t *testing.T) {
	dir := t.TempDir()
	if err := WriteCases(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	if err := json.Unmarshal(text, &rows); err != nil || len(rows) != len(Cases()) {
		t.Fatalf("manifest has %d rows, %v, want %d", len(rows), err, len(Cases()))
	}
	for i, c := range Cases() {
		rest, err := os.ReadFile(filepath.Join(dir, rows[i].Served))
		if err != nil {
			t.Fatal(err)
		}
		for _, der := range c.Chain {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil || !bytes.Equal(block.Bytes, der) {
				t.Errorf("%s: a certificate was not written as it is", c.Name)
			}
		}
	}
}
