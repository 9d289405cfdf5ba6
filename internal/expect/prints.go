package expect

import (
	"crypto/sha1" //nolint:gosec // owners have pins from before it was broken; Weak says so
	"crypto/sha256"
	"crypto/sha512"
)

// A Key is the hashes of one SubjectPublicKeyInfo, to compare pins with.
type Key struct {
	spki   []byte
	sha256 [32]byte
}

// Prints prepares a key, a SubjectPublicKeyInfo in DER. One without bytes matches
// no pin.
func Prints(spki []byte) Key { return Key{spki, sha256.Sum256(spki)} }

// Match says whether the pin is of this key.
func (k Key) Match(p Pin) bool {
	if len(k.spki) == 0 {
		return false
	}
	switch p.Hash {
	case SHA1:
		sum := sha1.Sum(k.spki) //nolint:gosec // see above
		return p.Matches(SPKI, SHA1, sum[:])
	case SHA512:
		sum := sha512.Sum512(k.spki)
		return p.Matches(SPKI, SHA512, sum[:])
	}
	return p.Matches(SPKI, SHA256, k.sha256[:])
}
