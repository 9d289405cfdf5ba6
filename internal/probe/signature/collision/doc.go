// Package collision tells from one message whether it is half of an MD5 or SHA-1
// collision pair: counter-cryptanalysis.
//
// A forger of certificates who breaks the hash and not the key has the CA sign a
// harmless certificate and moves the signature to another one with the same
// hash. Both halves are unlike any other message: one of their blocks follows a
// differential trail, so that a sibling block that differs from it in a few
// known bits leads to the same chaining value. That the two lead there by
// accident has a chance below 2^-40 for one block and all known trails together.
//
// # Design
//
// The method is that of Marc Stevens, "Counter-cryptanalysis", CRYPTO 2013: for
// each known difference of message blocks, and for each of the two differences
// that the state can have in the middle of such a trail (none, or the highest
// bit of every word), change the block, step to both ends, and compare the
// chaining values. The other half is not needed.
//
// For MD5 that is 223 trials of 64 steps per block. Two observations save most
// of them. Without a difference in the middle state nothing changes until a
// changed message word is used, so the honest states are taken up to there. And
// a flipped state that can be followed on purpose still differs in nothing but
// highest bits eleven steps before the end: most are given up after two steps
// of round 4.
//
// SHA-1 is left to github.com/pjbgf/sha1cd, the maintained port of Stevens' own
// detector; this package only finds out which block it was.
//
// A message that was made with an attack whose message difference is not
// published is not found. The difference that Flame's authors used was; nothing
// was known of their attack otherwise.
package collision
