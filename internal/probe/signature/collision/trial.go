package collision

import "math/bits"

// trial applies a difference to the block, with the highest bits of the middle
// state flipped or not, and steps to both ends. It gives the chaining value from
// which the sibling block leads to want; false where there is none.
func (r *run) trial(d *difference, flip uint32, want *chain) (in chain, ok bool) {
	// Where the middle state is the same, so is all that no changed message
	// word has touched.
	before, after := d.before, d.after
	if flip != 0 {
		before, after = d.middle, d.middle+1
	}
	m := r.message
	for i := range m {
		m[i] += d.words[i]
	}
	end, ok := r.forward(&m, after, flip)
	if !ok {
		return in, false
	}
	var need chain
	for i := range need {
		need[i] = want[i] - end[i]
	}
	return need, r.backward(&m, before, flip, &need)
}

// forward steps from the given step to the last one. It gives up on flipped
// states whose trail cannot have been steered.
func (r *run) forward(m *[16]uint32, t int, flip uint32) (chain, bool) {
	a, d, c, b := r.state[t]^flip, r.state[t+1]^flip, r.state[t+2]^flip, r.state[t+3]^flip
	for ; t < steps; t++ {
		s := &schedule[t]
		a, d, c, b = d, c, b, b+bits.RotateLeft32(a+mix(t, b, c, d)+s.constant+m[s.word&15], int(s.shift))
		if flip != 0 && t <= pure && (b-r.state[t+4])<<1 != 0 {
			return chain{}, false
		}
	}
	return chain{a, d, c, b}, true
}

// backward steps from behind the given step to the chaining value, and says
// whether it is the one that is needed.
func (r *run) backward(m *[16]uint32, t int, flip uint32, need *chain) bool {
	a, d, c, b := r.state[t+1]^flip, r.state[t+2]^flip, r.state[t+3]^flip, r.state[t+4]^flip
	for ; t >= 0; t-- {
		s := &schedule[t]
		a, d, c, b = bits.RotateLeft32(b-c, -int(s.shift))-mix(t, c, d, a)-s.constant-m[s.word&15], a, d, c
		if t == 3 && a != need[3] {
			return false
		}
	}
	return chain{a, d, c, b} == *need
}

// mix is the auxiliary function of a step: F, G, H or I.
func mix(t int, b, c, d uint32) uint32 {
	switch t >> 4 {
	case 0:
		return d ^ b&(c^d)
	case 1:
		return c ^ d&(b^c)
	case 2:
		return b ^ c ^ d
	}
	return c ^ (b | ^d)
}

// A step is what distinguishes one step from the others.
type step struct {
	constant    uint32
	word, shift uint8
}

// schedule is the table of steps of RFC 1321 section 3.4.
var schedule = [steps]step{
	{0xd76aa478, 0, 7}, {0xe8c7b756, 1, 12}, {0x242070db, 2, 17}, {0xc1bdceee, 3, 22},
	{0xf57c0faf, 4, 7}, {0x4787c62a, 5, 12}, {0xa8304613, 6, 17}, {0xfd469501, 7, 22},
	{0x698098d8, 8, 7}, {0x8b44f7af, 9, 12}, {0xffff5bb1, 10, 17}, {0x895cd7be, 11, 22},
	{0x6b901122, 12, 7}, {0xfd987193, 13, 12}, {0xa679438e, 14, 17}, {0x49b40821, 15, 22},
	{0xf61e2562, 1, 5}, {0xc040b340, 6, 9}, {0x265e5a51, 11, 14}, {0xe9b6c7aa, 0, 20},
	{0xd62f105d, 5, 5}, {0x02441453, 10, 9}, {0xd8a1e681, 15, 14}, {0xe7d3fbc8, 4, 20},
	{0x21e1cde6, 9, 5}, {0xc33707d6, 14, 9}, {0xf4d50d87, 3, 14}, {0x455a14ed, 8, 20},
	{0xa9e3e905, 13, 5}, {0xfcefa3f8, 2, 9}, {0x676f02d9, 7, 14}, {0x8d2a4c8a, 12, 20},
	{0xfffa3942, 5, 4}, {0x8771f681, 8, 11}, {0x6d9d6122, 11, 16}, {0xfde5380c, 14, 23},
	{0xa4beea44, 1, 4}, {0x4bdecfa9, 4, 11}, {0xf6bb4b60, 7, 16}, {0xbebfbc70, 10, 23},
	{0x289b7ec6, 13, 4}, {0xeaa127fa, 0, 11}, {0xd4ef3085, 3, 16}, {0x04881d05, 6, 23},
	{0xd9d4d039, 9, 4}, {0xe6db99e5, 12, 11}, {0x1fa27cf8, 15, 16}, {0xc4ac5665, 2, 23},
	{0xf4292244, 0, 6}, {0x432aff97, 7, 10}, {0xab9423a7, 14, 15}, {0xfc93a039, 5, 21},
	{0x655b59c3, 12, 6}, {0x8f0ccc92, 3, 10}, {0xffeff47d, 10, 15}, {0x85845dd1, 1, 21},
	{0x6fa87e4f, 8, 6}, {0xfe2ce6e0, 15, 10}, {0xa3014314, 6, 15}, {0x4e0811a1, 13, 21},
	{0xf7537e82, 4, 6}, {0xbd3af235, 11, 10}, {0x2ad7d2bb, 2, 15}, {0xeb86d391, 9, 21},
}
