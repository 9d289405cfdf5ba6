package ctlog

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// An inflater unpacks gzip that lies in memory as a whole, as tiles do, with a
// third less time than a reader of streams takes, and unpacking was half of what a
// search costs. It reads only the plain case: one member with a header without options,
// whose length and checksum are right. It refuses everything else, and then a
// library decides, so that nothing is accepted or refused that is not there, too.
type inflater struct {
	lit  [1<<litBits + 288<<(maxCode-litBits)]uint32
	dist [1<<distBits + 32<<(maxCode-distBits)]uint32

	src []byte
	pos int
	// buf holds at least have bits that follow, the next one lowest; have is
	// negative where bits were taken that the source does not have.
	buf  uint64
	have int
}

// The tables are asked with so many bits at once; longer codes take a second step.
const (
	litBits  = 11
	distBits = 8
	maxCode  = 15 // bits of a code, RFC 1951 section 3.2.7
)

// An entry of a table: bits 0 to 3 are how many bits the code has, bits 8 to 11
// how many extra bits follow, bits 16 to 31 the value. Zero is no code. Bits 4 and 5
// stay zero, so that an entry shifts by itself: a processor takes six bits of a
// shift's count, and to mask four first would be one more step in the chain from
// each code to the next, which is what unpacking waits for.
const (
	isLiteral = 1 << 12
	isEnd     = 1 << 13
	isLong    = 1 << 14 // the value is where the second table begins
)

// RFC 1951 section 3.2.5, without the symbols that may not occur.
var (
	lengthBase  = [29]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthExtra = [29]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distBase    = [30]uint16{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	distExtra   = [30]uint8{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
	codeOrder   = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
)

func litEntry(symbol int) uint32 {
	switch {
	case symbol < 256:
		return uint32(symbol)<<16 | isLiteral
	case symbol == 256:
		return isEnd
	case symbol < 257+len(lengthBase):
		return uint32(lengthBase[symbol-257])<<16 | uint32(lengthExtra[symbol-257])<<8
	}
	return 0
}

func distEntry(symbol int) uint32 {
	if symbol >= len(distBase) {
		return 0
	}
	return uint32(distBase[symbol])<<16 | uint32(distExtra[symbol])<<8
}

func plainEntry(symbol int) uint32 { return uint32(symbol)<<16 | isLiteral }

// room is how much one step may write beyond the end that it was asked for: two
// literals, the longest match, and seven octets behind it.
const room = 2 + 258 + 8

// gunzip appends the contents of b to buffer[:0], unless they are longer than
// limit or anything is unusual.
func (f *inflater) gunzip(b, buffer []byte, limit int) ([]byte, bool) {
	const header, trailer = 10, 8
	if len(b) < header+trailer || b[0] != 0x1f || b[1] != 0x8b || b[2] != 8 || b[3] != 0 {
		return nil, false
	}
	end := b[len(b)-trailer:]
	size := int64(binary.LittleEndian.Uint32(end[4:]))
	if size > int64(limit) {
		return nil, false
	}
	if int64(cap(buffer)) < size+room {
		buffer = make([]byte, size+room)
	}
	*f = inflater{lit: f.lit, dist: f.dist, src: b[header : len(b)-trailer]}
	out, ok := f.inflate(buffer[:size+room], int(size))
	f.src = nil
	if !ok || crc32.ChecksumIEEE(out) != binary.LittleEndian.Uint32(end) {
		return nil, false
	}
	return out, true
}

// inflate unpacks blocks up to the last one. The result has to have exactly size
// octets, and the source has to end with it; out has room more.
func (f *inflater) inflate(out []byte, size int) ([]byte, bool) {
	at, last := 0, false
	for !last {
		last = f.take(1) == 1
		ok := false
		switch f.take(2) {
		case 0:
			at, ok = f.stored(out, at, size)
		case 1:
			ok = f.fixed()
			if ok {
				at, ok = f.block(out, at, size)
			}
		case 2:
			ok = f.dynamic()
			if ok {
				at, ok = f.block(out, at, size)
			}
		}
		if !ok || f.have < 0 {
			return nil, false
		}
	}
	return out[:at], at == size && f.pos-f.have/8 == len(f.src)
}

// refill makes have at least 56, where the source has so much left.
func (f *inflater) refill() {
	if f.pos+8 <= len(f.src) {
		f.buf |= binary.LittleEndian.Uint64(f.src[f.pos:]) << (uint(f.have) & 63)
		f.pos += (63 - f.have) >> 3
		f.have |= 56
		return
	}
	for f.have <= 55 && f.pos < len(f.src) {
		f.buf |= uint64(f.src[f.pos]) << (uint(f.have) & 63)
		f.pos++
		f.have += 8
	}
}

// take gives the next bits, at most 16; have is negative where there are none.
func (f *inflater) take(n int) uint32 {
	if f.have < 0 {
		return 0
	}
	f.refill()
	v := uint32(f.buf) & (1<<uint(n) - 1)
	f.buf >>= uint(n)
	f.have -= n
	return v
}

func (f *inflater) stored(out []byte, at, size int) (int, bool) {
	f.take(f.have & 7)
	n := int(f.take(16))
	if int(f.take(16)) != n^0xffff || f.have < 0 {
		return 0, false
	}
	start := f.pos - f.have/8
	f.buf, f.have = 0, 0
	if n > len(f.src)-start || n > size-at {
		return 0, false
	}
	f.pos = start + n
	return at + copy(out[at:], f.src[start:f.pos]), true
}

func (f *inflater) fixed() bool {
	var lengths [288]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	var dists [32]uint8
	for i := range dists {
		dists[i] = 5
	}
	return table(f.lit[:], litBits, lengths[:], litEntry) && table(f.dist[:], distBits, dists[:], distEntry)
}

// dynamic reads the codes of a block (RFC 1951 section 3.2.7).
func (f *inflater) dynamic() bool {
	lits, dists, codes := int(f.take(5))+257, int(f.take(5))+1, int(f.take(4))+4
	if lits > 286 || dists > 30 {
		return false
	}
	var lengths [286 + 30]uint8
	for i := range codes {
		lengths[codeOrder[i]] = uint8(f.take(3))
	}
	// The table of distances is of no use yet.
	if !table(f.dist[:], distBits, lengths[:19], plainEntry) {
		return false
	}
	clear(lengths[:19])
	for i := 0; i < lits+dists; {
		if f.have < 0 {
			return false
		}
		f.refill()
		e := f.dist[f.buf&(1<<distBits-1)]
		if e == 0 {
			return false
		}
		f.buf >>= e & 15
		f.have -= int(e & 15)
		var value uint8
		var repeat int
		switch symbol := e >> 16; symbol {
		case 16:
			if i == 0 {
				return false
			}
			value, repeat = lengths[i-1], 3+int(f.take(2))
		case 17:
			repeat = 3 + int(f.take(3))
		case 18:
			repeat = 11 + int(f.take(7))
		default:
			value, repeat = uint8(symbol), 1
		}
		if i+repeat > lits+dists {
			return false
		}
		for range repeat {
			lengths[i] = value
			i++
		}
	}
	return f.have >= 0 && table(f.lit[:], litBits, lengths[:lits], litEntry) && table(f.dist[:], distBits, lengths[lits:lits+dists], distEntry)
}

// table makes the table of a code that is given by the lengths of its words. A
// code that is not complete is refused, except one of a single word of one bit
// and the empty one.
func table(into []uint32, first int, lengths []uint8, entry func(symbol int) uint32) bool {
	var count, next [maxCode + 2]int
	for _, n := range lengths {
		count[n]++
	}
	words := len(lengths) - count[0]
	count[0] = 0
	code := 0
	for n := 1; n <= maxCode; n++ {
		code = (code + count[n-1]) << 1
		next[n] = code
	}
	if full := code + count[maxCode]; full != 1<<maxCode && words != 0 && !(words == 1 && count[1] == 1) {
		return false
	}
	clear(into[:1<<first])
	end := 1 << first // of the tables of the second step
	const second = maxCode
	for symbol, n := range lengths {
		if n == 0 {
			continue
		}
		word := int(bits.Reverse16(uint16(next[n])) >> (16 - n))
		next[n]++
		e := entry(symbol)
		if e != 0 {
			e |= uint32(n)
		}
		if int(n) <= first {
			for ; word < 1<<first; word += 1 << n {
				into[word] = e
			}
			continue
		}
		head := &into[word&(1<<first-1)]
		if *head == 0 {
			*head = uint32(end)<<16 | isLong
			clear(into[end : end+1<<(second-first)])
			end += 1 << (second - first)
		}
		longer := into[*head>>16:]
		for i := word >> first; i < 1<<(second-first); i += 1 << (int(n) - first) {
			longer[i] = e
		}
	}
	return true
}

// block unpacks one block whose tables are there. Each turn takes at most 48 bits
// after it has been refilled and writes at most room.
func (f *inflater) block(out []byte, at, size int) (int, bool) {
	src, pos, buf, have := f.src, f.pos, f.buf, f.have
	lit, dist := &f.lit, &f.dist
	for {
		if have < 0 || at > size {
			return 0, false
		}
		if pos+8 <= len(src) {
			buf |= binary.LittleEndian.Uint64(src[pos:]) << (uint(have) & 63)
			pos += (63 - have) >> 3
			have |= 56
		} else {
			for have <= 55 && pos < len(src) {
				buf |= uint64(src[pos]) << (uint(have) & 63)
				pos++
				have += 8
			}
		}
		e := lit[buf&(1<<litBits-1)]
		if e&isLiteral != 0 {
			buf >>= e & 63
			have -= int(e & 63)
			out[at] = byte(e >> 16)
			at++
			e = lit[buf&(1<<litBits-1)]
			if e&isLiteral != 0 {
				buf >>= e & 63
				have -= int(e & 63)
				out[at] = byte(e >> 16)
				at++
				e = lit[buf&(1<<litBits-1)]
				if e&isLiteral != 0 {
					buf >>= e & 63
					have -= int(e & 63)
					out[at] = byte(e >> 16)
					at++
					continue
				}
			}
			// What is no literal is looked up already, and stays the same.
			if have < 0 || pos+8 > len(src) {
				continue
			}
			buf |= binary.LittleEndian.Uint64(src[pos:]) << (uint(have) & 63)
			pos += (63 - have) >> 3
			have |= 56
		}
		if e&isLong != 0 {
			e = lit[int(e>>16)+int(buf>>litBits&(1<<(maxCode-litBits)-1))]
			if e&isLiteral != 0 {
				buf >>= e & 63
				have -= int(e & 63)
				out[at] = byte(e >> 16)
				at++
				continue
			}
		}
		if e == 0 {
			return 0, false
		}
		buf >>= e & 63
		have -= int(e & 63)
		if e&isEnd != 0 {
			f.pos, f.buf, f.have = pos, buf, have
			return at, have >= 0
		}
		extra := e >> 8 & 15
		length := int(e>>16) + int(buf&(1<<extra-1))
		buf >>= extra
		have -= int(extra)

		d := dist[buf&(1<<distBits-1)]
		if d&isLong != 0 {
			d = dist[int(d>>16)+int(buf>>distBits&(1<<(maxCode-distBits)-1))]
		}
		if d == 0 {
			return 0, false
		}
		buf >>= d & 63
		extra = d >> 8 & 15
		back := int(d>>16) + int(buf&(1<<extra-1))
		buf >>= extra
		have -= int(d&63) + int(extra)
		if back > at {
			return 0, false
		}
		repeat(out, at, back, length)
		at += length
	}
}

// repeat copies length octets that begin back before at; they may overlap what is
// written. Up to seven octets behind are overwritten.
func repeat(out []byte, at, back, length int) {
	to := out[at : at+length+8]
	from := out[at-back : at-back+length+8]
	if back >= 8 {
		for len(to) > 8 && len(from) > 8 {
			binary.LittleEndian.PutUint64(to, binary.LittleEndian.Uint64(from))
			to, from = to[8:], from[8:]
		}
		return
	}
	for i := range length {
		to[i] = from[i]
	}
}
