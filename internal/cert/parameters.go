package cert

import (
	"bytes"
	"crypto"
	"slices"
)

// What can be odd about the parameters of a signature algorithm.
const (
	// ParamsAbsent and ParamsPresent are about algorithms for which the
	// standards require NULL, or nothing at all (RFC 4055 section 5, RFC 5758
	// section 3, RFC 8410 section 3); ParamsOther is anything else in their place.
	ParamsAbsent  = "absent"
	ParamsPresent = "present"
	ParamsOther   = "other"
	// PSSUnreadable is about RSASSA-PSS-params that cannot be read, or that name a
	// mask generation function or a hash that nobody uses.
	PSSUnreadable = "pss-unreadable"
	// PSSHash is SHA-1, which absent parameters mean, too; PSSMask a mask
	// generation function with another hash than the signature's; PSSSalt a salt
	// that is not as long as the hash; PSSTrailer a trailer field other than 1.
	PSSHash    = "pss-sha1"
	PSSMask    = "pss-mask-hash"
	PSSSalt    = "pss-salt"
	PSSTrailer = "pss-trailer"
	// PSSEncoding is the right values, written otherwise than in DER with NULL
	// behind each hash.
	PSSEncoding = "pss-encoding"
)

// oddParameters says how the parameters depart from the one form that public CAs
// may write (CA/Browser Forum Baseline Requirements section 7.1.3.2, RFC 4055
// section 3.1); empty where they do not, and for algorithms that are not known.
func (a *Algorithm) oddParameters(params []byte) string {
	switch {
	case a.pss:
		return a.oddPSS(params)
	case a.Key == RSA && len(params) == 0:
		return ParamsAbsent
	case a.Key == RSA && !bytes.Equal(params, derNull):
		return ParamsOther
	case a.Key == RSA || a.Key == "" || len(params) == 0:
		return ""
	case bytes.Equal(params, derNull):
		return ParamsPresent
	}
	return ParamsOther
}

func (a *Algorithm) oddPSS(params []byte) string {
	switch {
	case a.pssErr != nil:
		return PSSUnreadable
	case a.hash == crypto.SHA1:
		return PSSHash
	case a.mask != a.hash:
		return PSSMask
	case a.salt != a.hash.Size():
		return PSSSalt
	case a.trailer != 1:
		return PSSTrailer
	case !bytes.Equal(params, pssParameters(a.hash)):
		return PSSEncoding
	}
	return ""
}

var derNull = []byte{5, 0}

// pssParameters are the RSASSA-PSS-params for a hash, its own mask generation
// function and a salt of its length.
func pssParameters(h crypto.Hash) []byte {
	hash := derValue(idSequence, derValue(idOID, []byte(pssHashes[h].oid)), derNull)
	mask := derValue(idSequence, derValue(idOID, []byte(oidMGF1)), hash)
	salt := derValue(idInteger, []byte{byte(h.Size())})
	return derValue(idSequence, derValue(0xa0, hash), derValue(0xa1, mask), derValue(0xa2, salt))
}

// derValue writes a value of less than 128 octets.
func derValue(id byte, contents ...[]byte) []byte {
	body := slices.Concat(contents...)
	return append([]byte{id, byte(len(body))}, body...)
}

const oidMGF1 = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"

// pssHashes are the hashes that RSASSA-PSS parameters may name.
var pssHashes = map[crypto.Hash]struct{ oid, name string }{
	crypto.SHA1:   {"\x2b\x0e\x03\x02\x1a", "sha1"},
	crypto.SHA224: {"\x60\x86\x48\x01\x65\x03\x04\x02\x04", "sha224"},
	crypto.SHA256: {"\x60\x86\x48\x01\x65\x03\x04\x02\x01", "sha256"},
	crypto.SHA384: {"\x60\x86\x48\x01\x65\x03\x04\x02\x02", "sha384"},
	crypto.SHA512: {"\x60\x86\x48\x01\x65\x03\x04\x02\x03", "sha512"},
}
