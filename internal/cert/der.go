package cert

import (
	"errors"
	"math/bits"
)

// maxDepth bounds the nesting that is followed. Nested indefinite lengths would
// otherwise exhaust the stack (1 MB of 0x30 0x80 is half a million levels), and
// each level is scanned again. Certificates nest about ten deep.
const maxDepth = 16

// Reasons why an element cannot be read.
var (
	errTruncated = errors.New("the value ends before its length says")
	errLength    = errors.New("the length cannot be read")
	errDepth     = errors.New("values are nested too deeply")
	errEmpty     = errors.New("there is no value")
)

// Identifier octets: class, constructed bit and tag number (X.690 section 8.1.2).
const (
	idBoolean     = 0x01
	idInteger     = 0x02
	idBitString   = 0x03
	idOctetString = 0x04
	idNull        = 0x05
	idOID         = 0x06
	idUTF8        = 0x0c
	idNumeric     = 0x12
	idPrintable   = 0x13
	idT61         = 0x14
	idIA5         = 0x16
	idUTCTime     = 0x17
	idGenTime     = 0x18
	idVisible     = 0x1a
	idGeneral     = 0x1b
	idUniversal   = 0x1c
	idBMP         = 0x1e
	idSequence    = 0x30
	idSet         = 0x31
	idContext0    = 0xa0
	idContext3    = 0xa3
	idConstructed = 0x20
	idContext     = 0x80
	idClass       = 0xc0
	idNumber      = 0x1f
)

// An Element is one tag-length-value triple of BER.
type Element struct {
	// ID is the identifier octet: class, constructed bit and tag number. Tags
	// above 30 have all five low bits set; their number is not kept.
	ID byte
	// Body is the contents, without the end-of-contents octets of an
	// indefinite length.
	Body []byte
	// Full is identifier, length and contents.
	Full []byte
}

// HeaderSize is the length of the header before n octets in DER, where the tag has
// one octet.
func HeaderSize(n int) int {
	if n < 0x80 {
		return 2
	}
	return 2 + (bits.Len(uint(n))+7)/8
}

// Next reads the first element of b. BER is accepted: indefinite and
// non-minimal lengths, and tags above 30. Where the contents are cut off it
// returns those there are, no rest, and an error; the zero Element is returned
// where there is not even a header.
func Next(b []byte) (e Element, rest []byte, err error) {
	var q Quirks
	return next(b, &q)
}

// next is Next that also records what DER forbids.
func next(b []byte, q *Quirks) (Element, []byte, error) {
	// Nearly every element of a certificate has a short tag and a length of
	// one octet, so this case alone decides what the walker costs.
	if len(b) >= 2 && b[0]&idNumber != idNumber && b[1] < 0x80 {
		if end := 2 + int(b[1]); end <= len(b) {
			return Element{b[0], b[2:end:end], b[:end:end]}, b[end:], nil
		}
	}
	return nextLong(b, q, 0)
}

func nextLong(b []byte, q *Quirks, depth int) (Element, []byte, error) {
	if len(b) == 0 {
		return Element{}, nil, errEmpty
	}
	i := 1
	if b[0]&idNumber == idNumber {
		*q |= LongTag
		for i < len(b) && b[i]&0x80 != 0 {
			i++
		}
		i++
	}
	if i >= len(b) {
		*q |= Truncated
		return Element{}, nil, errTruncated
	}
	n := int(b[i])
	i++
	switch {
	case n == 0x80:
		return indefinite(b, i, q, depth)
	case n > 0x80:
		k := n & 0x7f
		if k > 4 {
			return Element{}, nil, errLength
		}
		if i+k > len(b) {
			*q |= Truncated
			return Element{}, nil, errTruncated
		}
		n = 0
		for _, c := range b[i : i+k] {
			n = n<<8 | int(c)
		}
		if b[i] == 0 || n < 0x80 {
			*q |= NonMinimalLength
		}
		i += k
	}
	// The comparison is written so that a length near 2^32 cannot overflow a
	// 32-bit int; there n may already be negative.
	if n < 0 || n > len(b)-i {
		*q |= Truncated
		return Element{b[0], b[i:], b}, nil, errTruncated
	}
	end := i + n
	return Element{b[0], b[i:end:end], b[:end:end]}, b[end:], nil
}

// indefinite reads contents that start at b[i] and end with two zero octets
// (X.690 section 8.1.3.6).
func indefinite(b []byte, i int, q *Quirks, depth int) (Element, []byte, error) {
	*q |= IndefiniteLength
	if depth >= maxDepth {
		*q |= TooDeep
		return Element{}, nil, errDepth
	}
	for r := b[i:]; ; {
		if len(r) >= 2 && r[0] == 0 && r[1] == 0 {
			n := len(b) - len(r)
			return Element{b[0], b[i:n:n], b[: n+2 : n+2]}, r[2:], nil
		}
		_, rest, err := nextLong(r, q, depth+1)
		if err != nil {
			*q |= Truncated
			return Element{b[0], b[i:], b}, nil, err
		}
		r = rest
	}
}

// expect reads the first element of b and requires its identifier octet.
func expect(b []byte, id byte, q *Quirks) (Element, []byte, error) {
	e, rest, err := next(b, q)
	if err == nil && e.ID != id {
		err = errTag
	}
	return e, rest, err
}

var errTag = errors.New("the value has an unexpected type")
