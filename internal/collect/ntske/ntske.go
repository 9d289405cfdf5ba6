// Package ntske speaks Network Time Security key establishment (RFC 8915 section
// 4) over a TLS connection: one question, one answer. It wants no keys and asks
// for no time; a server that hands out cookies has shown that it is a time
// server, or passes everything on to one.
package ntske

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/certassay/certassay/internal/evidence"
)

// ALPN is the application protocol, without which no server may answer.
const ALPN = "ntske/1"

// Limits on an answer. Real ones are eight cookies of about a hundred bytes.
const (
	// maxAnswer bounds all records of one answer: a record can have 64 KiB and
	// another can follow, without end.
	maxAnswer = 64 << 10
	// maxRecords bounds their number: records may be empty.
	maxRecords = 256
	// maxServer bounds the name of the time server; a DNS name has 255 bytes.
	maxServer = 255
)

// Record types (RFC 8915 section 4.1), and the bit that forbids to pass over a
// record that is not known.
const (
	endOfMessage = 0
	nextProtocol = 1
	errorRecord  = 2
	warning      = 3
	aead         = 4
	newCookie    = 5
	serverName   = 6
	portNumber   = 7
	critical     = 0x8000
)

// What is asked for: time by NTPv4, protected with AEAD_AES_SIV_CMAC_256, which
// every server has to know (section 5.1).
const (
	ntpv4  = 0
	aesSIV = 15
)

var request = []byte{
	0x80, nextProtocol, 0, 2, 0, ntpv4,
	0x80, aead, 0, 2, 0, aesSIV,
	0x80, endOfMessage, 0, 0,
}

// Exchange asks on a connection on which TLS is established. What was understood
// before an error is returned with it; NTS.Failure is left to the caller, and so
// is the deadline.
func Exchange(rw io.ReadWriter) (evidence.NTS, error) {
	if _, err := rw.Write(request); err != nil {
		return evidence.NTS{}, fmt.Errorf("asking for NTS cookies: %w", err)
	}
	a := answer{}
	if err := a.read(rw); err != nil {
		return a.NTS, fmt.Errorf("reading the answer to NTS key establishment: %w", err)
	}
	return a.NTS, a.check()
}

// An answer is what is known of one while it is read.
type answer struct {
	evidence.NTS
	agreed bool // on NTPv4
	seen   [portNumber + 1]bool
}

func (a *answer) read(r io.Reader) error {
	left := maxAnswer
	for range maxRecords {
		var header [4]byte
		if _, err := io.ReadFull(r, header[:]); err != nil {
			return err
		}
		kind, size := binary.BigEndian.Uint16(header[:]), int(binary.BigEndian.Uint16(header[2:]))
		if left -= len(header) + size; left < 0 {
			return fmt.Errorf("it has over %d bytes", maxAnswer)
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(r, body); err != nil {
			return fmt.Errorf("record of type %d: %w", kind&^critical, err)
		}
		if kind&^critical == endOfMessage {
			return nil
		}
		if err := a.record(kind, body); err != nil {
			return err
		}
	}
	return fmt.Errorf("it has over %d records", maxRecords)
}

// record takes one in.
func (a *answer) record(kind uint16, body []byte) error {
	number := kind &^ critical
	if number <= portNumber {
		if a.seen[number] && number != newCookie {
			return fmt.Errorf("a second record of type %d", number)
		}
		a.seen[number] = true
	}
	switch number {
	case nextProtocol:
		protocol, err := single(body)
		a.agreed = err == nil && protocol == ntpv4
		if len(body) == 0 {
			return errors.New("the server does not serve NTPv4")
		}
		return err
	case errorRecord:
		code, err := single(body)
		if err != nil {
			return err
		}
		return fmt.Errorf("the server answered with error %d", code)
	case warning: // none is defined
	case aead:
		if len(body) == 0 {
			return errors.New("the server does not know AEAD_AES_SIV_CMAC_256, which every server has to")
		}
		var err error
		a.AEAD, err = single(body)
		return err
	case newCookie:
		a.Cookies++
	case serverName:
		if len(body) > maxServer {
			return fmt.Errorf("the name of the time server has %d bytes; the limit is %d", len(body), maxServer)
		}
		quoted := strconv.Quote(string(body))
		a.Server = quoted[1 : len(quoted)-1]
	case portNumber:
		var err error
		a.Port, err = single(body)
		return err
	default:
		if kind&critical != 0 {
			return fmt.Errorf("a critical record of type %d, which is not known", number)
		}
	}
	return nil
}

// check says what is wrong with a whole answer.
func (a *answer) check() error {
	switch {
	case !a.agreed:
		return errors.New("the server did not agree to NTPv4")
	case a.AEAD != aesSIV:
		return fmt.Errorf("the server chose AEAD %d, which was not offered", a.AEAD)
	case a.Cookies == 0:
		return errors.New("the server handed out no cookies")
	}
	return nil
}

// single reads a body of one number.
func single(body []byte) (uint16, error) {
	if len(body) != 2 {
		return 0, fmt.Errorf("a record of %d bytes where one number has to be", len(body))
	}
	return binary.BigEndian.Uint16(body), nil
}
