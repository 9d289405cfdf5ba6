package collision

// A Hit is one block that has a sibling with which it collides. Either half of a
// pair has it: a hit does not say whether this message is the harmless one.
type Hit struct {
	// Hash is "md5" or "sha1".
	Hash string
	// Block counts blocks of 64 octets from 0.
	Block int
	// Class is the difference of the blocks: for MD5 message words and bits
	// such as "m4.31 m11.15 m14.31", for SHA-1 the disturbance vector such as
	// "II(52,0)".
	Class string
	// Family says which published attack has this difference.
	Family string
	// Chaining is the chaining value before the block in the order of the
	// standard, Sibling that of the other half. They are equal where the two
	// messages are equal up to here. Sibling is nil where it is not known.
	Chaining, Sibling []uint32
}
