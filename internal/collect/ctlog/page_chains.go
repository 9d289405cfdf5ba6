package ctlog

import "bytes"

// Limits of what is remembered of the chains on a page: a log has entries under some
// ten of them, each in three positions, and a chain of 64 kB is none that is met
// again.
const (
	maxKnownChains = 24
	maxKnownChain  = 16 << 10
)

// knownChains are the ends of members extra_data that were decoded before: the same
// few chains stand behind all entries, and are more than half of their octets. Where
// a text ends as one before, from a multiple of four characters on, its octets end
// as that one's. The zero value is ready.
type knownChains struct {
	known []knownChain
	next  int // to be replaced
}

type knownChain struct{ text, octets []byte }

// decode is [decode64] for the extra data of the entry with a leaf.
func (k *knownChains) decode(space, text, leaf []byte) ([]byte, bool) {
	for i := range k.known {
		c := &k.known[i]
		// Octets do not go on behind padding.
		n := len(text) - len(c.text)
		if n < 0 || n%4 != 0 || n > 0 && text[n-1] == '=' || !bytes.Equal(text[n:], c.text) {
			continue
		}
		space, ok := decode64(space, text[:n])
		if !ok || cap(space)-len(space) < len(c.octets) {
			return nil, false
		}
		return append(space, c.octets...), true
	}
	start := len(space)
	space, ok := decode64(space, text)
	if ok {
		k.learn(text, space[start:], leaf)
	}
	return space, ok
}

// learn remembers the end of a text that begins with the chain.
func (k *knownChains) learn(text, extra, leaf []byte) {
	const kind, precert = 11, 1 // the lower octet of LogEntryType, RFC 6962 section 3.4
	at := 0
	if len(leaf) > kind && leaf[kind] == precert && len(extra) >= 3 {
		at = 3 + (int(extra[0])<<16 | int(extra[1])<<8 | int(extra[2]))
	}
	groups := (at + 2) / 3
	if 3*groups >= len(extra) || len(extra)-3*groups > maxKnownChain {
		return
	}
	c := knownChain{bytes.Clone(text[4*groups:]), bytes.Clone(extra[3*groups:])}
	if len(k.known) < maxKnownChains {
		k.known = append(k.known, c)
		return
	}
	k.known[k.next] = c
	k.next = (k.next + 1) % maxKnownChains
}
