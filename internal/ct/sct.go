// Package ct reads and verifies what Certificate Transparency puts into
// certificates, handshakes and OCSP responses: signed certificate timestamps, the
// lists that carry them, and the entries that logs signed; and it knows the logs.
// It is pure: it reads bytes and asks nobody.
package ct

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// An SCT is a signed certificate timestamp (RFC 6962 section 3.2) as read from
// its bytes; nothing is verified.
type SCT struct {
	// Version is 0 for v1, the only one that is defined.
	Version uint8
	// LogID is the SHA-256 of the log's public key.
	LogID [32]byte
	// Time is the timestamp, to the millisecond.
	Time time.Time
	// Extensions are opaque; tiled logs put the leaf index there.
	Extensions []byte
	// Hash and Algorithm are the SignatureAndHashAlgorithm of TLS 1.2; 4 and
	// 3 are SHA-256 and ECDSA.
	Hash, Algorithm uint8
	Signature       []byte
}

// Limits on what one certificate or handshake can make us read.
const (
	// maxSCTs bounds the work that one list causes; honest ones hold two to
	// six.
	maxSCTs = 64
	// maxTime is the last millisecond of the year 9999: later ones do not
	// fit what reports write.
	maxTime = 253402300799999
)

// SplitList splits a SignedCertificateTimestampList, the contents of the X.509
// and OCSP extension (behind its OCTET STRING header) or of the TLS extension,
// into its elements. It refuses a list whose lengths do not add up exactly, an
// empty one, and one of more than 64 elements.
func SplitList(list []byte) ([][]byte, error) {
	if len(list) < 2 {
		return nil, errors.New("reading SCT list: shorter than its length field")
	}
	n := int(binary.BigEndian.Uint16(list))
	rest := list[2:]
	if n != len(rest) {
		return nil, fmt.Errorf("reading SCT list: length field says %d bytes, there are %d", n, len(rest))
	}
	if n == 0 {
		return nil, errors.New("reading SCT list: empty")
	}
	var out [][]byte
	for len(rest) > 0 {
		if len(out) == maxSCTs {
			return nil, fmt.Errorf("reading SCT list: more than %d elements", maxSCTs)
		}
		sct, tail, ok := vector16(rest)
		if !ok || len(sct) == 0 {
			return nil, fmt.Errorf("reading SCT list: element %d does not fit", len(out)+1)
		}
		out = append(out, sct)
		rest = tail
	}
	return out, nil
}

// ParseSCT reads one SerializedSCT. It refuses bytes that are left over, and
// versions other than v1, whose layout is unknown.
func ParseSCT(b []byte) (SCT, error) {
	const fixed = 1 + 32 + 8
	var s SCT
	if len(b) < fixed {
		return s, fmt.Errorf("reading SCT: %d bytes are too few", len(b))
	}
	if s.Version = b[0]; s.Version != 0 {
		return s, fmt.Errorf("reading SCT: unknown version %d", s.Version)
	}
	copy(s.LogID[:], b[1:])
	ms := binary.BigEndian.Uint64(b[33:])
	if ms > maxTime {
		return s, fmt.Errorf("reading SCT: timestamp %d is beyond the year 9999", ms)
	}
	s.Time = time.UnixMilli(int64(ms)).UTC()
	ext, rest, ok := vector16(b[fixed:])
	if !ok {
		return s, errors.New("reading SCT: extensions do not fit")
	}
	if len(rest) < 2 {
		return s, errors.New("reading SCT: no signature algorithm")
	}
	s.Extensions, s.Hash, s.Algorithm = ext, rest[0], rest[1]
	sig, rest, ok := vector16(rest[2:])
	switch {
	case !ok:
		return s, errors.New("reading SCT: signature does not fit")
	case len(rest) != 0:
		return s, fmt.Errorf("reading SCT: %d bytes left over", len(rest))
	case len(sig) == 0:
		return s, errors.New("reading SCT: empty signature")
	}
	s.Signature = sig
	return s, nil
}

// Append writes s as a SerializedSCT behind b, the inverse of [ParseSCT].
func (s *SCT) Append(b []byte) []byte {
	b = append(b, s.Version)
	b = append(b, s.LogID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(s.Time.UnixMilli()))
	b = binary.BigEndian.AppendUint16(b, uint16(len(s.Extensions)))
	b = append(b, s.Extensions...)
	b = append(b, s.Hash, s.Algorithm)
	b = binary.BigEndian.AppendUint16(b, uint16(len(s.Signature)))
	return append(b, s.Signature...)
}

// vector16 takes a TLS vector with a length of two bytes off the front of b.
func vector16(b []byte) (body, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(b))
	if len(b)-2 < n {
		return nil, nil, false
	}
	return b[2 : 2+n], b[2+n:], true
}
