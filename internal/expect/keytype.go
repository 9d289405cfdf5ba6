package expect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A KeyType is a kind of public key, or several of one algorithm. Its zero value
// matches nothing.
type KeyType struct {
	Algorithm string // rsa, ecdsa, ed25519, as in the fact cert.key.algorithm
	Curve     string // of ecdsa: P-256, P-384, P-521; empty for any
	Bits      int64  // of rsa: size of the modulus; 0 for any
	OrMore    bool   // Bits is the least
}

// maxRSA is the largest modulus in bits that a person may ask for: more is a
// typing error.
const maxRSA = 16384

// keyTypes are all forms but those with a number.
var keyTypes = []struct {
	name string
	kind KeyType
}{
	{"ecdsa", KeyType{Algorithm: "ecdsa"}},
	{"ecdsa-p256", KeyType{Algorithm: "ecdsa", Curve: "P-256"}},
	{"ecdsa-p384", KeyType{Algorithm: "ecdsa", Curve: "P-384"}},
	{"ecdsa-p521", KeyType{Algorithm: "ecdsa", Curve: "P-521"}},
	{"ed25519", KeyType{Algorithm: "ed25519"}},
	{"rsa", KeyType{Algorithm: "rsa"}},
}

// KeyTypes lists the names that [ParseKeyType] reads, with examples for those
// that have a number.
func KeyTypes() []string {
	var out []string
	for _, t := range keyTypes {
		out = append(out, t.name)
	}
	return append(out, "rsa-2048", "rsa-2048+", "rsa-3072+", "rsa-4096")
}

// ParseKeyType reads "ecdsa-p256", "ed25519", "rsa-3072" (that very size),
// "rsa-2048+" (that size or a larger one) or an algorithm alone. Sizes of RSA
// below 1024 bits and above 16384 are refused.
func ParseKeyType(s string) (KeyType, error) {
	for _, t := range keyTypes {
		if t.name == s {
			return t.kind, nil
		}
	}
	if digits, ok := strings.CutPrefix(s, "rsa-"); ok {
		digits, more := strings.CutSuffix(digits, "+")
		n, err := strconv.ParseUint(digits, 10, 16)
		if err == nil && digits == strconv.FormatUint(n, 10) && n >= 1024 && n <= maxRSA {
			return KeyType{Algorithm: "rsa", Bits: int64(n), OrMore: more}, nil
		}
	}
	return KeyType{}, fmt.Errorf("unknown key type: want one of %s", strings.Join(KeyTypes(), ", "))
}

// String gives the form that [ParseKeyType] reads.
func (k KeyType) String() string {
	if k.Bits > 0 {
		s := "rsa-" + strconv.FormatInt(k.Bits, 10)
		if k.OrMore {
			s += "+"
		}
		return s
	}
	for _, t := range keyTypes {
		if t.kind == k {
			return t.name
		}
	}
	return k.Algorithm
}

// Matches says whether a key is of this type: its algorithm, size in bits and
// curve as the facts name them.
func (k KeyType) Matches(algorithm string, bits int64, curve string) bool {
	switch {
	case k.Algorithm == "" || k.Algorithm != algorithm, k.Curve != "" && k.Curve != curve:
		return false
	case k.OrMore:
		return bits >= k.Bits
	default:
		return k.Bits == 0 || bits == k.Bits
	}
}

var tlsVersions = []string{"1.0", "1.1", "1.2", "1.3"}

// ParseTLS reads a version of TLS, such as "1.2", into what stands on the wire.
func ParseTLS(s string) (uint16, error) {
	if i := slices.Index(tlsVersions, s); i >= 0 {
		return 0x0301 + uint16(i), nil
	}
	return 0, fmt.Errorf("want a version of TLS: %s", strings.Join(tlsVersions, ", "))
}

// TLSVersion gives the form that [ParseTLS] reads, or "" for other versions.
func TLSVersion(v uint16) string {
	if i := int(v) - 0x0301; i >= 0 && i < len(tlsVersions) {
		return tlsVersions[i]
	}
	return ""
}
