package expect

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Of says of what a pin is the hash.
type Of uint8

// The things that are pinned. A key outlives its certificates, so it is what
// most pins are of.
const (
	SPKI        Of = iota // the DER of the SubjectPublicKeyInfo
	Certificate           // the DER of the whole certificate
)

// A Hash is how a pin was made.
type Hash uint8

// The hashes. SHA-1 is there so that old pins can be read: whoever can make two
// keys or certificates that collide can meet such a pin with either.
const (
	SHA256 Hash = iota
	SHA1
	SHA512
)

// Size gives the length of the hash in bytes.
func (h Hash) Size() int {
	switch h {
	case SHA1:
		return 20
	case SHA512:
		return 64
	}
	return 32
}

// String gives "sha256", "sha1" or "sha512".
func (h Hash) String() string {
	switch h {
	case SHA1:
		return "sha1"
	case SHA512:
		return "sha512"
	}
	return "sha256"
}

// A Pin is the hash of a key or certificate that an owner allows. Its zero value
// matches nothing.
type Pin struct {
	Of   Of
	Hash Hash
	Sum  string // the bytes of the hash; comparable, so that pins can be keys of a map
	// Until is when the pin stops to count. The zero value means never.
	Until time.Time
	// Note is what the owner says of it: "backup, in the safe".
	Note string
	// Place is where it was written.
	Place Place
}

// errPin names the forms that a person writes in an inventory.
var errPin = errors.New("want sha256/ and 44 characters of base64 (the hash of a key), or sha256: and 64 hex digits (of a certificate)")

// ParsePin reads a pin as it stands in an inventory: "sha256/BASE64" is of a
// key, "sha256:HEX" of a certificate, as in a report; "sha512" and "sha1"
// in their place stand for these hashes. Base64 must be padded and canonical; hex digits may be of
// either case, but not with colons: foreign forms belong to package pinform.
func ParsePin(s string) (Pin, error) {
	for _, h := range []Hash{SHA256, SHA1, SHA512} {
		rest, ok := strings.CutPrefix(s, h.String())
		if !ok || rest == "" {
			continue
		}
		p := Pin{Hash: h}
		var sum []byte
		var err error
		switch rest[0] {
		case '/':
			// The decoder skips line breaks, so that one pin would have
			// many spellings.
			if strings.ContainsAny(rest, "\r\n") {
				return Pin{}, errPin
			}
			sum, err = base64.StdEncoding.Strict().DecodeString(rest[1:])
		case ':':
			p.Of = Certificate
			sum, err = hex.DecodeString(rest[1:])
		default:
			return Pin{}, errPin
		}
		switch {
		case err != nil:
			return Pin{}, errPin
		case len(sum) != h.Size():
			return Pin{}, fmt.Errorf("%d bytes where %s has %d", len(sum), h, h.Size())
		}
		p.Sum = string(sum)
		return p, nil
	}
	return Pin{}, errPin
}

// String gives the form that [ParsePin] reads.
func (p Pin) String() string {
	if p.Of == Certificate {
		return p.Hash.String() + ":" + hex.EncodeToString([]byte(p.Sum))
	}
	return p.Hash.String() + "/" + base64.StdEncoding.EncodeToString([]byte(p.Sum))
}

// Same says whether two pins are of the same thing, whatever else is said of
// them.
func (p Pin) Same(q Pin) bool { return p.Of == q.Of && p.Hash == q.Hash && p.Sum == q.Sum }

// Matches says whether sum, a hash of the given kind, is the one that is pinned.
func (p Pin) Matches(of Of, h Hash, sum []byte) bool {
	return p.Of == of && p.Hash == h && len(sum) == h.Size() && bytes.Equal([]byte(p.Sum), sum)
}

// InForce says whether the pin still counts at a time.
func (p Pin) InForce(at time.Time) bool { return p.Until.IsZero() || at.Before(p.Until) }

// Weak says that the pin's hash has been broken.
func (p Pin) Weak() bool { return p.Hash == SHA1 }

// Unique gives the pins without those that say the same as an earlier one.
func Unique(pins []Pin) []Pin {
	var out []Pin
	for _, p := range pins {
		if !slices.ContainsFunc(out, p.Same) {
			out = append(out, p)
		}
	}
	return out
}
