package starttls

import (
	"bytes"
	"encoding/binary"
)

// rfbVeNCrypt is the security type (RFC 6143 section 7.1.2, IANA registry).
const rfbVeNCrypt = 19

// venCryptX509 says whether a subtype of VeNCrypt has the server show a
// certificate: X509None, X509Vnc, X509Plain, X509SASL. The TLS* subtypes are
// anonymous Diffie-Hellman.
func venCryptX509(subtype uint32) bool {
	return subtype >= 260 && subtype <= 262 || subtype == 264
}

// vnc is VeNCrypt in RFB (github.com/rfbproto/rfbproto, "VeNCrypt").
func vnc(c *conversation) error {
	banner, err := c.take(12)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(banner, []byte("RFB 003.")) || banner[11] != '\n' {
		return malformed("the server began with %s, which is not RFB", quote(string(banner)))
	}
	if string(banner[8:11]) < "007" {
		return missing("the server speaks %s, which has no choice of security", quote(string(banner[:11])))
	}
	if err := c.send("RFB 003.008\n"); err != nil {
		return err
	}
	types, err := c.counted()
	if err != nil {
		return err
	}
	if len(types) == 0 {
		return c.rfbReason()
	}
	if !bytes.Contains(types, []byte{rfbVeNCrypt}) {
		return missing("the server does not offer VeNCrypt but security types %d", types)
	}
	if err := c.send("\x13"); err != nil {
		return err
	}
	return c.venCrypt()
}

// counted reads a byte and as many bytes as it says.
func (c *conversation) counted() ([]byte, error) {
	n, err := c.ReadByte()
	if err != nil {
		return nil, err
	}
	return c.take(int(n))
}

// rfbReason reads why there is no security type.
func (c *conversation) rfbReason() error {
	length, err := c.take(4)
	if err != nil {
		return err
	}
	size := binary.BigEndian.Uint32(length)
	reason, err := c.take(int(min(size, maxTotal+1)))
	if err != nil {
		return err
	}
	return refused("the server turned us away with %s", quote(string(reason)))
}

// venCrypt negotiates version 0.2 and a subtype.
func (c *conversation) venCrypt() error {
	version, err := c.take(2)
	if err != nil {
		return err
	}
	if version[0] == 0 && version[1] < 2 {
		return missing("the server speaks VeNCrypt %d.%d, which is not spoken here", version[0], version[1])
	}
	if err := c.send("\x00\x02"); err != nil {
		return err
	}
	status, err := c.ReadByte()
	if err != nil {
		return err
	}
	if status != 0 {
		return refused("the server refused VeNCrypt 0.2 with status %d", status)
	}
	n, err := c.ReadByte()
	if err != nil {
		return err
	}
	list, err := c.take(4 * int(n))
	if err != nil {
		return err
	}
	for ; len(list) > 0; list = list[4:] {
		if venCryptX509(binary.BigEndian.Uint32(list)) {
			return c.venCryptStart(list[:4])
		}
	}
	return missing("the server does not offer TLS with a certificate in VeNCrypt")
}

// venCryptStart chooses the subtype; the server then says 1 for TLS.
func (c *conversation) venCryptStart(subtype []byte) error {
	if err := c.send(string(subtype)); err != nil {
		return err
	}
	status, err := c.ReadByte()
	if err == nil && status != 1 {
		err = refused("the server refused VeNCrypt subtype %d", binary.BigEndian.Uint32(subtype))
	}
	return err
}
