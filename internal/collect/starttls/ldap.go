package starttls

// startTLS is the object identifier of the extended operation (RFC 4511 section
// 4.14.1).
const startTLS = "1.3.6.1.4.1.1466.20037"

// Results of an extended operation (RFC 4511 appendix A).
const (
	ldapSuccess       = 0
	ldapProtocolError = 2 // also: an operation that the server does not know
)

// ldap is the StartTLS operation: one request and one response in BER.
func ldap(c *conversation) error {
	// LDAPMessage { messageID 1, [APPLICATION 23] { [0] requestName } }
	request := "\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + startTLS
	if err := c.send(request); err != nil {
		return err
	}
	message, err := c.berElement(0x30)
	if err != nil {
		return err
	}
	response, err := parseLDAP(message)
	switch {
	case err != nil:
		return err
	case response.id == 0: // notice of disconnection, RFC 4511 section 4.4.1
		return refused("the server turned us away: result %d %s", response.result, quote(response.text))
	case response.id != 1:
		return malformed("the server answered message %d, which was not sent", response.id)
	case response.result == ldapSuccess:
		return nil
	case response.result == ldapProtocolError:
		return missing("the server does not know StartTLS: %s", quote(response.text))
	}
	return refused("the server refused StartTLS with result %d %s", response.result, quote(response.text))
}

// berElement reads an element with the tag and gives its contents.
func (c *conversation) berElement(tag byte) ([]byte, error) {
	header, err := c.take(2)
	if err != nil {
		return nil, err
	}
	if header[0] != tag {
		return nil, malformed("the server answered with byte 0x%02x, which begins no LDAP message", header[0])
	}
	size := int(header[1])
	if size > 0x80 {
		octets, err := c.take(size - 0x80)
		if err != nil {
			return nil, err
		}
		size = berSize(octets)
	} else if size == 0x80 {
		return nil, malformed("the server sent an LDAP message of indefinite length")
	}
	return c.take(size)
}

// berSize reads a length. Leading zeros are allowed: Active Directory always
// sends four octets. What is over the limit gives some length over the limit.
func berSize(octets []byte) (size int) {
	for _, b := range octets {
		size = min(size<<8|int(b), maxTotal+1)
	}
	return size
}

// An ldapResponse is an ExtendedResponse.
type ldapResponse struct {
	id, result int
	text       string
}

func parseLDAP(message []byte) (r ldapResponse, err error) {
	id, rest, err := berNext(message, 0x02)
	if err != nil {
		return r, err
	}
	op, _, err := berNext(rest, 0x78) // [APPLICATION 24]; controls may follow
	if err != nil {
		return r, err
	}
	result, op, err := berNext(op, 0x0a)
	if err != nil {
		return r, err
	}
	_, op, err = berNext(op, 0x04) // matchedDN
	if err != nil {
		return r, err
	}
	text, _, err := berNext(op, 0x04)
	if err != nil {
		return r, err
	}
	if len(id) > 4 || len(result) != 1 {
		return r, malformed("the server's LDAP answer has an integer of a wrong size")
	}
	return ldapResponse{id: berSize(id), result: berSize(result), text: string(text)}, nil
}

// berNext cuts the element with the tag off b.
func berNext(b []byte, tag byte) (contents, rest []byte, err error) {
	errCut := malformed("the server's LDAP answer is cut short or of another kind")
	if len(b) < 2 || b[0] != tag || b[1] == 0x80 {
		return nil, nil, errCut
	}
	size, b := int(b[1]), b[2:]
	if size > 0x80 {
		octets := size - 0x80
		if octets > len(b) {
			return nil, nil, errCut
		}
		size, b = berSize(b[:octets]), b[octets:]
	}
	if size > len(b) {
		return nil, nil, errCut
	}
	return b[:size], b[size:], nil
}
