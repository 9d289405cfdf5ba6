package quicdial

import (
	"bytes"
	"encoding/hex"
	"net"
	"strings"
	"sync"
)

// A recorder is a UDP socket that keeps what is received, up to a bound: a server
// can send without end. It is a plain net.PacketConn, so that quic-go has no other
// way to read than ReadFrom.
type recorder struct {
	net.PacketConn

	mu   sync.Mutex
	room int
	got  [][]byte
}

// ReadFrom implements net.PacketConn.
func (r *recorder) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := r.PacketConn.ReadFrom(b)
	r.mu.Lock()
	defer r.mu.Unlock()
	if n > 0 && n <= r.room {
		r.room -= n
		r.got = append(r.got, bytes.Clone(b[:n]))
	}
	return n, from, err
}

// SetReadBuffer and SetWriteBuffer do nothing: a handshake is a few datagrams, and
// without them quic-go writes to standard error that it misses them.
func (r *recorder) SetReadBuffer(int) error { return nil }

// SetWriteBuffer does nothing, as SetReadBuffer.
func (r *recorder) SetWriteBuffer(int) error { return nil }

func (r *recorder) datagrams() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got
}

// A secretLog takes the key log of crypto/tls: lines of label, client random and
// secret, in hexadecimal.
type secretLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *secretLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// server is the secret that the server's handshake packets are protected by; nil
// where the handshake did not get so far.
func (l *secretLog) server() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "SERVER_HANDSHAKE_TRAFFIC_SECRET" {
			secret, _ := hex.DecodeString(f[2])
			return secret
		}
	}
	return nil
}
