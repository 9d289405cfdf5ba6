package collision

import (
	"encoding/binary"
	"math/bits"
)

// steps is the number of steps of MD5 (RFC 1321 section 3.4).
const steps = 64

// highest is the highest bit of a word, whose difference has no sign and passes
// through additions.
const highest = 1 << 31

// pure is the last step at which a trial from a flipped state must still show
// nothing but differences in the highest bit. Every step of round 4 keeps it so
// with a chance of one half; what differs elsewhere so early spreads over eleven
// more steps, and no attack could steer where it ends.
const pure = 52

// A chain is a chaining value in the order in which the steps use its words:
// A, D, C, B of RFC 1321.
type chain [4]uint32

var initial = chain{0x67452301, 0x10325476, 0x98badcfe, 0xefcdab89}

// standard is the chaining value in the order A, B, C, D.
func (c chain) standard() []uint32 { return []uint32{c[0], c[3], c[2], c[1]} }

func (c chain) flipped() chain {
	for i := range c {
		c[i] ^= highest
	}
	return c
}

// A run is the compression of one block. State word i+4 is what step i
// computes; the first four are the chaining value.
type run struct {
	message [16]uint32
	state   [steps + 4]uint32
}

func (r *run) in() chain { return chain(r.state[:4]) }

func (r *run) out() (c chain) {
	for i := range c {
		c[i] = r.state[i] + r.state[steps+i]
	}
	return c
}

func compress(in chain, block []byte) *run {
	r := new(run)
	copy(r.state[:], in[:])
	for i := range r.message {
		r.message[i] = binary.LittleEndian.Uint32(block[4*i:])
	}
	for t := range steps {
		s := &schedule[t]
		q := r.state[t : t+5 : t+5]
		q[4] = q[3] + bits.RotateLeft32(q[0]+mix(t, q[3], q[2], q[1])+s.constant+r.message[s.word&15], int(s.shift))
	}
	return r
}

// MD5 looks for blocks of a message with a sibling that they collide with. The
// message is padded as MD5 pads it. The cost is about 9 µs per block.
func MD5(message []byte) []Hit {
	var hits []Hit
	in := initial
	var last *run
	for i := range blocks(message) {
		r := compress(in, block(message, i))
		hits = append(hits, r.siblings(i, r.out())...)
		if last != nil && r.passesFlip() {
			for _, h := range last.siblings(i-1, in.flipped()) {
				h.Family = familyPseudo
				hits = append(hits, h)
			}
		}
		in, last = r.out(), r
	}
	return hits
}

// blocks is the number of blocks of the padded message.
func blocks(message []byte) int { return (len(message)+8)/64 + 1 }

// block is the i-th block of the padded message (RFC 1321 sections 3.1 and 3.2).
func block(message []byte, i int) []byte {
	if 64*i+64 <= len(message) {
		return message[64*i : 64*i+64]
	}
	var b [64]byte
	if 64*i <= len(message) {
		b[copy(b[:], message[64*i:])] = 0x80
	}
	if i == blocks(message)-1 {
		binary.LittleEndian.PutUint64(b[56:], 8*uint64(len(message)))
	}
	return b[:]
}

// siblings looks for blocks that lead to the chaining value want.
func (r *run) siblings(index int, want chain) []Hit {
	var hits []Hit
	for i := range differences {
		d := &differences[i]
		for _, flip := range [...]uint32{0, highest} {
			in, ok := r.trial(d, flip, &want)
			// Both messages begin with the same initial value.
			if !ok || index == 0 && in != r.in() {
				continue
			}
			hits = append(hits, Hit{
				Hash: "md5", Block: index, Class: d.name, Family: family(d.family, r.in(), in),
				Chaining: r.in().standard(), Sibling: in.standard(),
			})
		}
	}
	return hits
}

// family tells apart what shares Wang's message difference: her attack has the
// same difference of chaining values between its two blocks.
func family(f string, in, sibling chain) string {
	if f != familyWang {
		return f
	}
	a, b := in.standard(), sibling.standard()
	for i := range a {
		// 2^31 in the first word, 2^31 + 2^25 in the others, or the negative.
		d := a[i] - b[i] ^ highest
		if i == 0 && d != 0 || i > 0 && d != 1<<25 && -d != 1<<25 {
			return familyFlame
		}
	}
	return familyIdentical
}

// passesFlip says that this block turns the difference of all four highest bits
// into none without a difference of its own (den Boer and Bosselaers 1993). The
// chance is 2^-48.
func (r *run) passesFlip() bool {
	none := difference{middle: 44, before: -1, after: steps}
	want := r.out()
	in, ok := r.trial(&none, highest, &want)
	return ok && in == r.in().flipped()
}
