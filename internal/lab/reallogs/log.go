package reallogs

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/lab"
)

// The protocols that a log speaks, as certassay names them.
const (
	RFC6962  = "rfc6962"
	StaticCT = "static-ct"
)

// A Log is a log that runs until its test ends.
type Log struct {
	Protocol string
	// Submit and Monitor are the prefixes to write to and to read at; both end
	// with a slash.
	Submit, Monitor string
	// Key signs the log's heads and SCTs; tests sign false ones with it.
	Key *lab.Key
	// Dir is where a tiled log keeps its tiles.
	Dir string

	roots [][]byte
}

// Start starts a log of the protocol that takes what these roots issued.
func Start(t testing.TB, protocol string, roots ...[]byte) *Log {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	if protocol == RFC6962 {
		return startPlain(ctx, t, roots)
	}
	return startTiled(ctx, t, roots)
}

// Flag is what --log takes: an address of the log and its key.
func (l *Log) Flag(address string) string {
	return address + "=" + base64.StdEncoding.EncodeToString(l.Key.SPKI)
}

// ID is the log's identifier.
func (l *Log) ID() [32]byte { return sha256.Sum256(l.Key.SPKI) }

func (l *Log) private() *ecdsa.PrivateKey { return l.Key.Signer.(*ecdsa.PrivateKey) }

// serve serves on a free port of loopback until the test ends.
func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ends with Close
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return "http://" + listener.Addr().String() + "/"
}
