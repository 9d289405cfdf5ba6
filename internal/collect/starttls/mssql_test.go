package starttls

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/evidence"
)

// A TLS 1.2 handshake, as SQL Server has it, goes through TDS packets of both
// kinds and any size.
func TestWrapMSSQL(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{strings.Repeat("a", 60) + ".test"}}
	for range 100 { // longer than one packet
		template.DNSNames = append(template.DNSNames, template.DNSNames[0])
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	deadline := time.Now().Add(time.Minute)
	_, _ = near.SetDeadline(deadline), far.SetDeadline(deadline)
	served := make(chan error, 1)
	go func() {
		server := tls.Server(Wrap(far, "mssql"), &tls.Config{MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
		served <- server.Handshake()
	}()
	client := tls.Client(Wrap(near, "mssql"), &tls.Config{InsecureSkipVerify: true})
	if err := client.Handshake(); err != nil {
		t.Fatalf("Handshake: %v; server: %v", err, <-served)
	}
	if err := <-served; err != nil || !bytes.Equal(client.ConnectionState().PeerCertificates[0].Raw, der) {
		t.Errorf("server: %v; want the certificate that was served", err)
	}
}

func TestWrapLeavesOthersAlone(t *testing.T) {
	near, _ := net.Pipe()
	if Wrap(near, "smtp") != near {
		t.Error("Wrap(conn, smtp) is not conn")
	}
}

// A bytesConn reads from memory.
type bytesConn struct {
	net.Conn
	io.Reader
}

func (c bytesConn) Read(b []byte) (int, error) { return c.Reader.Read(b) }

func TestWrapHostile(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"another type", "\x17\x03\x03\x00\x20\x00\x00\x00rest", "TDS packet"},
		{"length below the header", "\x12\x01\x00\x07\x00\x00\x01\x00rest", "TDS packet"},
		{"cut header", "\x12\x01\x00", "unexpected EOF"},
		{"empty packets without end", strings.Repeat("\x12\x00\x00\x08\x00\x00\x01\x00", 10_000), "no data"},
	}
	for _, tt := range tests {
		in := strings.NewReader(tt.in)
		conn := Wrap(bytesConn{Reader: in}, "mssql")
		got, err := io.ReadAll(conn)
		if len(got) > 0 || err == nil || !strings.Contains(err.Error(), tt.want) && !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("%s: read %q, %v; want an error with %q", tt.name, got, err, tt.want)
		}
		if len(tt.in)-in.Len() > maxTotal {
			t.Errorf("%s: %d bytes were read", tt.name, len(tt.in)-in.Len())
		}
	}
}

// An error of the packets says that the protocol is wrong.
func TestWrapErrorIsTyped(t *testing.T) {
	_, err := Wrap(bytesConn{Reader: strings.NewReader("HTTP/1.1")}, "mssql").Read(make([]byte, 9))
	if outcomeOf(err) != evidence.PreambleMalformed {
		t.Errorf("Read = %v, outcome %s; want malformed", err, outcomeOf(err))
	}
}

// What is read through packets is what was put into them.
func FuzzWrap(f *testing.F) {
	f.Add([]byte("hello"))
	f.Add(make([]byte, 3*maxTDS))
	f.Fuzz(func(t *testing.T, in []byte) {
		var wire bytes.Buffer
		out := &writeConn{Writer: &wire}
		if n, err := Wrap(out, "mssql").Write(in); n != len(in) || err != nil {
			t.Fatalf("Write = %d, %v; want %d", n, err, len(in))
		}
		if out.longest > maxTDS {
			t.Fatalf("a packet of %d bytes", out.longest)
		}
		conn := Wrap(bytesConn{Reader: &wire}, "mssql")
		got, err := io.ReadAll(io.LimitReader(conn, int64(len(in))))
		if err != nil || !bytes.Equal(got, in) {
			t.Fatalf("read %q, %v; want what was written", got, err)
		}
	})
}

type writeConn struct {
	net.Conn
	io.Writer
	longest int
}

func (c *writeConn) Write(b []byte) (int, error) {
	c.longest = max(c.longest, len(b))
	return c.Writer.Write(b)
}
