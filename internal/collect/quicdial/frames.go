package quicdial

import (
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

// maxStream bounds what is put together of CRYPTO frames: an offset is a number of
// 62 bits that costs its sender nothing.
const maxStream = 1 << 20

// A stream is what CRYPTO frames carried (RFC 9000 section 19.6), in any order.
type stream struct {
	parts []part
	size  int
}

type part struct {
	at   uint64
	data []byte
}

func (s *stream) add(at uint64, data []byte) {
	if at > maxStream || s.size+len(data) > maxStream {
		return
	}
	s.size += len(data)
	s.parts = append(s.parts, part{at, data})
}

// head is the stream from its beginning to the first gap.
func (s *stream) head() []byte {
	slices.SortStableFunc(s.parts, func(a, b part) int { return int(a.at) - int(b.at) })
	var out []byte
	for _, p := range s.parts {
		end := p.at + uint64(len(p.data))
		if p.at > uint64(len(out)) {
			break
		}
		if end > uint64(len(out)) {
			out = append(out, p.data[uint64(len(out))-p.at:]...)
		}
	}
	return out
}

// Frames that a Handshake packet may hold (RFC 9000 section 12.4).
const (
	framePadding = 0x00
	framePing    = 0x01
	frameACK     = 0x02
	frameACKECN  = 0x03
	frameCrypto  = 0x06
)

// frames adds the CRYPTO frames of a packet. It ends at the first frame that it
// does not know: nothing of use stands behind a CONNECTION_CLOSE.
func frames(b []byte, s *stream) {
	r := cryptobyte.String(b)
	for len(r) > 0 {
		kind, ok := varint(&r)
		if !ok {
			return
		}
		switch kind {
		case framePadding, framePing:
		case frameACK, frameACKECN:
			ok = skipACK(&r, kind == frameACKECN)
		case frameCrypto:
			at, fine := varint(&r)
			n, good := varint(&r)
			if ok = fine && good && n <= uint64(len(r)); ok {
				s.add(at, r[:n])
				r = r[n:]
			}
		default:
			return
		}
		if !ok {
			return
		}
	}
}

// skipACK passes over an ACK frame (RFC 9000 section 19.3).
func skipACK(r *cryptobyte.String, ecn bool) bool {
	_, a := varint(r) // largest acknowledged
	_, b := varint(r) // delay
	ranges, c := varint(r)
	_, d := varint(r) // first range
	ok := a && b && c && d
	numbers := 2 * ranges
	if ecn {
		numbers += 3
	}
	for ; ok && numbers > 0 && len(*r) > 0; numbers-- {
		_, ok = varint(r)
	}
	return ok && numbers == 0
}

// certificateMessage is the type of the TLS message (RFC 8446 section 4.4.2).
const certificateMessage = 11

// certificates finds the Certificate message among TLS handshake messages and
// gives what it holds, as far as it is whole.
func certificates(b []byte) (out [][]byte) {
	r := cryptobyte.String(b)
	for len(r) > 0 {
		var kind uint8
		var body cryptobyte.String
		if !r.ReadUint8(&kind) || !r.ReadUint24LengthPrefixed(&body) {
			return nil
		}
		if kind != certificateMessage {
			continue
		}
		var context, list cryptobyte.String
		if !body.ReadUint8LengthPrefixed(&context) || !body.ReadUint24LengthPrefixed(&list) {
			return nil
		}
		for len(list) > 0 {
			var der, extensions cryptobyte.String
			if !list.ReadUint24LengthPrefixed(&der) || !list.ReadUint16LengthPrefixed(&extensions) {
				return out
			}
			out = append(out, der)
		}
		return out
	}
	return nil
}
