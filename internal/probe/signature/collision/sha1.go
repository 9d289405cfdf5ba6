package collision

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/pjbgf/sha1cd"
	"github.com/pjbgf/sha1cd/ubc"
)

// familySHA1 is the only kind there is: SHAttered (2017) and SHA-mbles (2020)
// end alike.
const familySHA1 = "near-collision blocks after a disturbance vector (SHAttered, SHA-mbles)"

// SHA1 looks for blocks of a message with a sibling that they collide with. The
// cost is twice that of hashing, about 2 µs for 1 kB.
func SHA1(message []byte) []Hit {
	if _, found := sha1cd.Sum(message); !found {
		return nil
	}
	var hits []Hit
	in := [5]uint32{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}
	for i := range blocks(message) {
		b := block(message, i)
		if i == blocks(message)-1 {
			// SHA-1 writes the length the other way round (FIPS 180-4 section 5.1.1).
			b = append([]byte(nil), b...)
			binary.BigEndian.PutUint64(b[56:], 8*uint64(len(message)))
		}
		r := compressSHA1(in, b)
		hits = append(hits, r.siblings(i)...)
		in = r.out()
	}
	if hits == nil {
		// The detector's word is enough, whichever block it was.
		hits = []Hit{{Hash: "sha1", Class: "unknown", Family: familySHA1}}
	}
	return hits
}

const stepsSHA1 = 80

// A runSHA1 is the compression of one block. State word i+5 is what step i
// computes; the first five are the chaining value, last word first, with the
// rotation that its words go through later taken back.
type runSHA1 struct {
	words [stepsSHA1]uint32
	state [stepsSHA1 + 5]uint32
}

func compressSHA1(in [5]uint32, block []byte) *runSHA1 {
	r := new(runSHA1)
	for i := range r.words {
		if i < 16 {
			r.words[i] = binary.BigEndian.Uint32(block[4*i:])
			continue
		}
		w := r.words[i-3] ^ r.words[i-8] ^ r.words[i-14] ^ r.words[i-16]
		r.words[i] = bits.RotateLeft32(w, 1)
	}
	for i, v := range in {
		r.state[4-i] = v
		if i >= 2 {
			r.state[4-i] = bits.RotateLeft32(v, 2)
		}
	}
	for t := range stepsSHA1 {
		r.state[t+5] = r.sum(t) + bits.RotateLeft32(r.state[t], 30)
	}
	return r
}

// sum is what a step adds to its oldest state word (FIPS 180-4 section 6.1.2).
func (r *runSHA1) sum(t int) uint32 {
	a, b := r.state[t+4], r.state[t+3]
	c, d := bits.RotateLeft32(r.state[t+2], 30), bits.RotateLeft32(r.state[t+1], 30)
	f, k := b^c^d, uint32(0x6ed9eba1)
	switch {
	case t < 20:
		f, k = d^b&(c^d), 0x5a827999
	case t >= 60:
		k = 0xca62c1d6
	case t >= 40:
		f, k = b&c|d&(b|c), 0x8f1bbcdc
	}
	return bits.RotateLeft32(a, 5) + f + k + r.words[t]
}

func (r *runSHA1) at(t int) (c [5]uint32) {
	for i := range c {
		c[i] = r.state[t+4-i]
		if i >= 2 {
			c[i] = bits.RotateLeft32(c[i], 30)
		}
	}
	return c
}

func (r *runSHA1) out() [5]uint32 {
	in, end := r.at(0), r.at(stepsSHA1)
	for i := range in {
		in[i] += end[i]
	}
	return in
}

// siblings tries every disturbance vector. The state before its middle step is
// the same in both messages.
func (r *runSHA1) siblings(index int) []Hit {
	var hits []Hit
	for _, dv := range ubc.SHA1_dvs() {
		if dv.DvType == 0 {
			continue // the table ends with an empty entry
		}
		s := runSHA1{words: r.words, state: r.state}
		for i := range s.words {
			s.words[i] ^= dv.Dm[i]
		}
		for t := int(dv.TestT); t < stepsSHA1; t++ {
			s.state[t+5] = s.sum(t) + bits.RotateLeft32(s.state[t], 30)
		}
		for t := int(dv.TestT) - 1; t >= 0; t-- {
			s.state[t] = bits.RotateLeft32(s.state[t+5]-s.sum(t), 2)
		}
		if s.out() != r.out() {
			continue
		}
		in, sibling := r.at(0), s.at(0)
		hits = append(hits, Hit{
			Hash: "sha1", Block: index, Family: familySHA1, Chaining: in[:], Sibling: sibling[:],
			Class: fmt.Sprintf("%s(%d,%d)", [...]string{1: "I", 2: "II"}[dv.DvType], dv.DvK, dv.DvB),
		})
	}
	return hits
}
