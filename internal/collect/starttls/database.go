package starttls

import (
	"bytes"
	"encoding/binary"
)

// postgres is SSLRequest (PostgreSQL documentation, "Message Formats"): eight
// bytes that no startup message has, answered with one.
func postgres(c *conversation) error {
	if err := c.send("\x00\x00\x00\x08\x04\xd2\x16\x2f"); err != nil {
		return err
	}
	answer, err := c.ReadByte()
	switch {
	case err != nil:
		return err
	case answer == 'S':
		return nil
	case answer == 'N':
		return missing("the server does not offer TLS: it answered the request for it with N")
	case answer == 'E':
		return refused("the server answered the request for TLS with an error")
	}
	return malformed("the server answered with byte 0x%02x, which is not PostgreSQL", answer)
}

// Capability flags of MySQL (MySQL Internals, "Capabilities Flags").
const (
	mysqlProtocol41 = 1 << 9
	mysqlSSL        = 1 << 11
	mysqlSecure     = 1 << 15
)

// mysql is SSLRequest of the connection phase: the server tells what it can do
// in its first packet, and TLS begins right after our answer.
func mysql(c *conversation) error {
	header, err := c.take(4)
	if err != nil {
		return err
	}
	size := int(header[0]) | int(header[1])<<8 | int(header[2])<<16
	if header[3] != 0 || size == 0 {
		return malformed("the server began with %s, which is no greeting of MySQL", quote(string(header)))
	}
	greeting, err := c.take(size)
	switch {
	case err != nil:
		return err
	case greeting[0] == 0xff:
		return refused("the server turned us away with %s", quote(string(greeting[1:])))
	case greeting[0] != 10:
		return malformed("the server speaks version %d of the MySQL protocol; 10 is known here", greeting[0])
	}
	version, rest, found := bytes.Cut(greeting[1:], []byte{0})
	if !found || len(rest) < 4+8+1+2 { // connection id, salt, filler, capabilities
		return malformed("the server's greeting is cut short")
	}
	if binary.LittleEndian.Uint16(rest[13:])&mysqlSSL == 0 {
		return missing("the server, version %s, does not offer TLS in its capabilities", quote(string(version)))
	}
	const length = 32
	request := []byte{length, 0, 0, 1}
	request = binary.LittleEndian.AppendUint32(request, mysqlProtocol41|mysqlSSL|mysqlSecure)
	request = binary.LittleEndian.AppendUint32(request, 1<<24) // the longest packet
	request = append(request, 45)                              // utf8mb4
	return c.send(string(append(request, make([]byte, 23)...)))
}
