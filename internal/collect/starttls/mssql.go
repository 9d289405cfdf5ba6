package starttls

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
)

// Packet types of TDS ([MS-TDS] section 2.2.3.1.1).
const (
	tdsResponse = 0x04
	tdsPrelogin = 0x12
)

// tdsHeader is the length of a packet's header; maxTDS the longest packet, by
// which a TLS handshake is cut up.
const (
	tdsHeader = 8
	maxTDS    = 4096
)

// Values of the ENCRYPTION option ([MS-TDS] section 2.2.6.5).
const (
	tdsEncryptOn  = 1
	tdsNotSupport = 2
	tdsRequired   = 3
)

// mssql is PRELOGIN of TDS. TLS then runs inside of PRELOGIN packets until the
// handshake is over: see [Wrap].
func mssql(c *conversation) error {
	options := []byte{
		0, 0, 11, 0, 6, // VERSION at 11, 6 bytes
		1, 0, 17, 0, 1, // ENCRYPTION at 17, 1 byte
		0xff,
		0, 0, 0, 0, 0, 0, // no version in particular
		tdsEncryptOn,
	}
	if err := c.send(string(tdsPacket(options))); err != nil {
		return err
	}
	header, err := c.take(tdsHeader)
	if err != nil {
		return err
	}
	size := int(binary.BigEndian.Uint16(header[2:]))
	if header[0] != tdsResponse || size < tdsHeader || header[1]&1 == 0 {
		return malformed("the server began with %s, which is no answer to PRELOGIN", quote(string(header)))
	}
	answer, err := c.take(size - tdsHeader)
	if err != nil {
		return err
	}
	encryption, ok := preloginOption(answer, 1)
	switch {
	case !ok || len(encryption) != 1:
		return malformed("the server's answer to PRELOGIN does not speak of encryption")
	case encryption[0] == tdsNotSupport:
		return missing("the server does not support encryption")
	case encryption[0] != tdsEncryptOn && encryption[0] != tdsRequired:
		return refused("the server does not encrypt the connection (option %d)", encryption[0])
	}
	return nil
}

// preloginOption finds an option: a list of type, offset and length, ended by
// 0xff, goes before the values.
func preloginOption(b []byte, kind byte) ([]byte, bool) {
	for at := 0; at+5 <= len(b) && b[at] != 0xff; at += 5 {
		if b[at] != kind {
			continue
		}
		start, size := int(binary.BigEndian.Uint16(b[at+1:])), int(binary.BigEndian.Uint16(b[at+3:]))
		if start+size > len(b) {
			return nil, false
		}
		return b[start : start+size], true
	}
	return nil, false
}

// tdsPacket is a PRELOGIN packet, the last of its message.
func tdsPacket(body []byte) []byte {
	packet := binary.BigEndian.AppendUint16([]byte{tdsPrelogin, 1}, uint16(tdsHeader+len(body)))
	return append(append(packet, 0, 0, 0, 0), body...)
}

// Wrap gives the connection on which TLS is spoken after Start: conn itself,
// except for mssql, where handshake messages travel in TDS packets. What it
// returns is good for a handshake and for nothing that comes after.
func Wrap(conn net.Conn, scheme string) net.Conn {
	if scheme != "mssql" {
		return conn
	}
	return &tdsConn{Conn: conn}
}

// A tdsConn carries a TLS handshake in TDS packets.
type tdsConn struct {
	net.Conn
	left int // bytes of the packet being read
}

// Read implements net.Conn.
func (c *tdsConn) Read(b []byte) (int, error) {
	for empty := 0; c.left == 0; empty++ {
		if empty == maxLines { // packets without contents, without end
			return 0, io.ErrNoProgress
		}
		var header [tdsHeader]byte
		if _, err := io.ReadFull(c.Conn, header[:]); err != nil {
			return 0, err
		}
		size := int(binary.BigEndian.Uint16(header[2:]))
		if header[0] != tdsPrelogin && header[0] != tdsResponse || size < tdsHeader {
			return 0, malformed("the server sent %s where a TDS packet has to begin", quote(string(header[:])))
		}
		c.left = size - tdsHeader
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}

// Write implements net.Conn.
func (c *tdsConn) Write(b []byte) (written int, err error) {
	for len(b) > 0 {
		n := min(len(b), maxTDS-tdsHeader)
		packet := tdsPacket(b[:n])
		if n < len(b) {
			packet[1] = 0 // more of the message follows
		}
		if _, err := c.Conn.Write(packet); err != nil {
			return written, fmt.Errorf("sending a TDS packet: %w", err)
		}
		written += n
		b = b[n:]
	}
	return written, nil
}
