package finding

import (
	"crypto/sha256"
	"encoding/hex"
)

// Fingerprint names a finding stably across runs: "v1:" and the hash of the
// rule's id and the identity of what it is about (a certificate or key hash, or
// host:port). Wording, time and order do not enter it, so that a baseline keeps
// working when a rule's text changes.
func Fingerprint(rule, identity string) string {
	sum := sha256.Sum256([]byte("certassay/fingerprint/v1\x00" + rule + "\x00" + identity))
	return "v1:" + hex.EncodeToString(sum[:16])
}
