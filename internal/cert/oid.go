package cert

import (
	"encoding/hex"
	"math/big"
	"strconv"
)

// maxArc bounds the octets of one arc that are written in decimal. Converting a
// number to decimal costs the square of its length: an arc of 1 MB would take
// minutes.
const maxArc = 64

// An OID is the content octets of an object identifier.
type OID []byte

// String writes the identifier in dotted decimal. What is no well-formed
// identifier, or has an arc of more than 448 bits, is written as "hex:" and its
// octets.
func (o OID) String() string {
	if s := commonOIDs[string(o)]; s != "" {
		return s
	}
	return o.dotted()
}

// commonOIDs are the identifiers that stand in nearly every certificate.
var commonOIDs = func() map[string]string {
	out := map[string]string{}
	for _, o := range []string{
		OIDSubjectKeyID, OIDKeyUsage, OIDSubjectAltName, OIDBasicConstraints, OIDCRLDistribution, OIDPolicies,
		OIDAuthorityKeyID, OIDExtKeyUsage, OIDAuthorityInfo, OIDSCTList, OIDPoison, OIDServerAuth, oidClientAuth,
	} {
		out[o] = OID(o).dotted()
	}
	return out
}()

const oidClientAuth = "\x2b\x06\x01\x05\x05\x07\x03\x02"

func (o OID) dotted() string {
	if len(o) == 0 || o[len(o)-1]&0x80 != 0 {
		return "hex:" + hex.EncodeToString(o)
	}
	out := make([]byte, 0, 32)
	for b, first := o, true; len(b) > 0; first = false {
		n := 1
		for b[n-1]&0x80 != 0 {
			n++
		}
		if n > maxArc {
			return "hex:" + hex.EncodeToString(o)
		}
		out = appendArc(out, b[:n], first)
		b = b[n:]
	}
	return string(out)
}

func appendArc(out []byte, arc []byte, first bool) []byte {
	if len(arc) > 8 {
		v := new(big.Int)
		for _, c := range arc {
			v.Lsh(v, 7).Or(v, big.NewInt(int64(c&0x7f)))
		}
		if first {
			return append(append(out, "2."...), v.Sub(v, big.NewInt(80)).String()...)
		}
		return append(append(out, '.'), v.String()...)
	}
	var v uint64
	for _, c := range arc {
		v = v<<7 | uint64(c&0x7f)
	}
	if !first {
		return strconv.AppendUint(append(out, '.'), v, 10)
	}
	// The first octet group holds two arcs (X.690 section 8.19.4).
	top := min(v/40, 2)
	out = strconv.AppendUint(out, top, 10)
	return strconv.AppendUint(append(out, '.'), v-40*top, 10)
}

// minimalOID says whether no arc starts with 0x80 and the last one ends.
func minimalOID(o []byte) bool {
	start := true
	for _, c := range o {
		if start && c == 0x80 {
			return false
		}
		start = c&0x80 == 0
	}
	return start && len(o) > 0
}

func appendBase128(b []byte, v uint64) []byte {
	n := 1
	for x := v >> 7; x > 0; x >>= 7 {
		n++
	}
	for i := n - 1; i >= 0; i-- {
		c := byte(v>>(7*i)) & 0x7f
		if i > 0 {
			c |= 0x80
		}
		b = append(b, c)
	}
	return b
}
