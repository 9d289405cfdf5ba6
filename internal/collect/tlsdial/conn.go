package tlsdial

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
)

// errFlood is a server that sends more than any handshake has.
var errFlood = errors.New("the server sent more than a handshake may have")

// maxRecord is the longest TLS record with its header: 2^14 bytes and the
// expansion that RFC 5246 section 6.2.3 allows.
const maxRecord = 5 + 1<<14 + 2048

// buffers are recordings waiting for their next connection. A handshake is
// about 4 kB; what grew far beyond is left to the collector.
var buffers = sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 0, 8<<10)) }}

const maxPooled = 64 << 10

// A recorder is a connection that keeps what the server sends, up to a limit,
// until it is closed. One goroutine at a time uses it.
type recorder struct {
	net.Conn
	in    *bytes.Buffer // nil once closed
	limit int
	read  int // offset in the recording of the next record for next
	// hello is the first write, which is the ClientHello with its record
	// header.
	hello   []byte
	release func() // gives the connection back to the pacer
}

func newRecorder(conn net.Conn, limit int, release func()) *recorder {
	in := buffers.Get().(*bytes.Buffer)
	in.Reset()
	return &recorder{Conn: conn, in: in, limit: limit, release: release}
}

// Read implements net.Conn.
func (r *recorder) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	if r.in != nil {
		if r.in.Len()+n > r.limit {
			r.in.Write(b[:r.limit-r.in.Len()])
			return 0, fmt.Errorf("%w: over %d bytes", errFlood, r.limit)
		}
		r.in.Write(b[:n])
	}
	return n, err
}

// Write implements net.Conn.
func (r *recorder) Write(b []byte) (int, error) {
	if r.hello == nil {
		r.hello = bytes.Clone(b)
	}
	return r.Conn.Write(b)
}

// helloRandom is the random of the ClientHello (RFC 8446 section 4.1.2), behind
// the headers of record and message and the version.
func (r *recorder) helloRandom() []byte {
	if len(r.hello) < 43 {
		return nil
	}
	return r.hello[11:43]
}

// recorded is what the server sent; valid until drop.
func (r *recorder) recorded() []byte {
	if r.in == nil {
		return nil
	}
	return r.in.Bytes()
}

// drop ends the recording and gives its memory back. It may be called twice.
func (r *recorder) drop() {
	if r.in != nil && r.in.Cap() <= maxPooled {
		buffers.Put(r.in)
	}
	r.in = nil
}

// Close implements net.Conn. It drops the recording.
func (r *recorder) Close() error {
	r.drop()
	err := r.Conn.Close()
	r.release()
	return err
}

// next reads the next whole record into the recording. The slice is valid
// until the next call.
func (r *recorder) next() (record, error) {
	for {
		rec, err := cutRecord(r.in.Bytes()[r.read:])
		if err == nil {
			r.read += len(rec.raw)
			return rec, nil
		}
		if !errors.Is(err, errShort) {
			return record{}, err
		}
		if err := r.fill(); err != nil {
			return record{}, err
		}
	}
}

func (r *recorder) fill() error {
	r.in.Grow(2048)
	free := r.in.AvailableBuffer()
	n, err := r.Conn.Read(free[:cap(free)])
	r.in.Write(free[:n])
	if r.in.Len() > r.limit {
		return fmt.Errorf("%w: over %d bytes", errFlood, r.limit)
	}
	if n > 0 {
		return nil // an error comes again with the next read
	}
	return err
}

// A record is one TLS record (RFC 8446 section 5.1).
type record struct {
	kind byte
	raw  []byte // with its header
}

func (r record) body() []byte { return r.raw[5:] }

var (
	errShort  = errors.New("the record is not complete")
	errNotTLS = errors.New("the server does not speak TLS")
)

// cutRecord takes the first record off b. It fails with errShort where b ends
// before the record does.
func cutRecord(b []byte) (record, error) {
	// Judged by the first bytes, so that a server that sends a greeting and
	// waits is recognised without waiting for more.
	if len(b) >= 1 && (b[0] < recordCCS || b[0] > recordData) || len(b) >= 2 && b[1] != 3 {
		return record{}, errNotTLS
	}
	if len(b) < 5 {
		return record{}, errShort
	}
	size := 5 + int(binary.BigEndian.Uint16(b[3:]))
	if size > maxRecord {
		return record{}, fmt.Errorf("%w: a record of %d bytes", errNotTLS, size)
	}
	if len(b) < size {
		return record{}, errShort
	}
	return record{kind: b[0], raw: b[:size:size]}, nil
}
