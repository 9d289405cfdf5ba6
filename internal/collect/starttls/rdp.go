package starttls

import "encoding/binary"

// Security protocols of RDP ([MS-RDPBCGR] section 2.2.1.1.1). Hybrid is TLS with
// a login afterwards; servers that insist on it refuse plain TLS.
const (
	rdpSSL    = 1
	rdpHybrid = 2
)

// rdp is the security negotiation in the X.224 connection request and confirm,
// each in a TPKT packet (RFC 1006).
func rdp(c *conversation) error {
	request := []byte{
		3, 0, 0, 19, // TPKT: version 3, length
		14, 0xe0, 0, 0, 0, 0, 0, // X.224 connection request
		1, 0, 8, 0, rdpSSL | rdpHybrid, 0, 0, 0, // RDP_NEG_REQ
	}
	if err := c.send(string(request)); err != nil {
		return err
	}
	header, err := c.take(4)
	if err != nil {
		return err
	}
	size := int(binary.BigEndian.Uint16(header[2:]))
	if header[0] != 3 || header[1] != 0 || size < 4+7 {
		return malformed("the server began with %s, which is not RDP", quote(string(header)))
	}
	confirm, err := c.take(size - 4)
	if err != nil {
		return err
	}
	if confirm[1]&0xf0 != 0xd0 { // connection confirm
		return malformed("the server answered the connection request with type 0x%02x", confirm[1])
	}
	return negotiated(confirm[7:])
}

// negotiated reads RDP_NEG_RSP or RDP_NEG_FAILURE.
func negotiated(answer []byte) error {
	if len(answer) == 0 {
		return missing("the server does not negotiate security: it only knows RDP's own encryption")
	}
	if len(answer) < 8 {
		return malformed("the server's negotiation is cut short")
	}
	value := binary.LittleEndian.Uint32(answer[4:])
	switch {
	case answer[0] == 3:
		return rdpFailure(value)
	case answer[0] != 2:
		return malformed("the server answered the negotiation with type %d", answer[0])
	case value == rdpSSL, value == rdpHybrid:
		return nil
	case value == 0:
		return missing("the server chose RDP's own encryption in place of TLS")
	}
	return malformed("the server chose security protocol %d, which was not offered", value)
}

// rdpFailure is a failure code of [MS-RDPBCGR] section 2.2.1.2.2.
func rdpFailure(code uint32) error {
	switch code {
	case 2: // SSL_NOT_ALLOWED_BY_SERVER
		return missing("the server does not allow TLS (failure 2)")
	case 3: // SSL_CERT_NOT_ON_SERVER
		return missing("the server has no certificate (failure 3)")
	}
	return refused("the server refused to negotiate security (failure %d)", code)
}
