package cert

import "math/bits"

// Quirks is a set of departures from DER (X.690) and from the certificate
// profile of RFC 5280 that were met while reading. The zero value is a clean
// certificate.
type Quirks uint64

// What was met. The first group is forbidden by DER; the second is DER and
// forbidden or unusual in a certificate.
const (
	IndefiniteLength   Quirks = 1 << iota // a length is not given but ended by a mark
	NonMinimalLength                      // a length is written in more octets than needed
	LongTag                               // a tag number above 30, which no certificate uses
	Truncated                             // a value is cut off
	TooDeep                               // values are nested too deeply to follow
	TrailingData                          // bytes follow the certificate
	TrailingInValue                       // bytes follow a value inside the certificate
	NonMinimalInteger                     // an integer is written in more octets than needed
	EmptyInteger                          // an integer has no content
	BooleanNotDER                         // a boolean is neither 0x00 nor 0xff
	NullContent                           // a null has content
	NonMinimalOID                         // an object identifier is not in its shortest form
	ConstructedString                     // a string is sent in parts
	UnsortedSet                           // a set is not in order
	UnusedBits                            // unused bits of a bit string are set or out of range
	ExplicitDefault                       // a default value is written out
	TimeNotDER                            // a time without seconds, with a fraction or an offset
	ValueNotDER                           // an extension's value is not DER at all
	AlgorithmMismatch                     // the signature algorithm inside differs from that outside
	UnknownVersion                        // a version other than 1, 2, 3
	ExtensionsInOld                       // extensions in version 1 or 2
	UniqueIDInOld                         // a unique identifier in version 1
	DuplicateExtension                    // one extension twice
	EmptyExtensions                       // a list of extensions with none in it
	EmptySet                              // a set with nothing in it
	EmptyName                             // an issuer without attributes
	EmptyAltNames                         // a list of alternative names with none in it
	OddGeneralName                        // a general name of another class or form
	TimeOutOfForm                         // GeneralizedTime before 2050
	UnknownField                          // a field that no version has
	BadSerial                             // a serial of more than 20 octets
	BehindSignature                       // bytes follow the signature inside the certificate
	numQuirks          = iota
)

// berQuirks are those that DER forbids.
const berQuirks = AlgorithmMismatch - 1

var quirkNames = [numQuirks]string{
	"indefinite-length", "non-minimal-length", "long-tag", "truncated", "too-deep",
	"trailing-data", "trailing-in-value", "non-minimal-integer", "empty-integer",
	"boolean-not-der", "null-content", "non-minimal-oid", "constructed-string",
	"unsorted-set", "unused-bits", "explicit-default", "time-not-der", "value-not-der",
	"algorithm-mismatch", "unknown-version", "extensions-in-old-version",
	"unique-id-in-v1", "duplicate-extension", "empty-extensions", "empty-set",
	"empty-name", "empty-alt-names", "odd-general-name", "generalized-time-before-2050",
	"unknown-field", "long-serial", "behind-signature",
}

// Has says whether any of these was met.
func (q Quirks) Has(any Quirks) bool { return q&any != 0 }

// DER says that nothing which DER forbids was met. Departures from RFC 5280,
// such as extensions in version 1, do not count.
func (q Quirks) DER() bool { return q&berQuirks == 0 }

// Strings names what was met, in a fixed order; empty, not nil, for none.
func (q Quirks) Strings() []string {
	out := make([]string, 0, bits.OnesCount64(uint64(q)))
	for i, name := range quirkNames {
		if q&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}
