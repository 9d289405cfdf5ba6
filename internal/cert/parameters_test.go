package cert

import "testing"

// The forms are those of the Baseline Requirements, section 7.1.3.2, as octets.
func TestOddParameters(t *testing.T) {
	const hash, mask = "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00", "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"
	const sha1 = "\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00"
	rsa, ec := oidTLV("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"), oidTLV("\x2a\x86\x48\xce\x3d\x04\x03\x02")
	pss := func(parts ...[]byte) []byte { return seq(oidTLV(oidRSAPSSKey), seq(parts...)) }
	in := func(n byte, body ...[]byte) []byte { return tlv(0xa0|n, body...) }
	h, mgf := in(0, []byte(hash)), in(1, seq([]byte(mask), []byte(hash)))
	salt := func(n byte) []byte { return in(2, []byte{2, 1, n}) }
	for _, tt := range []struct {
		name string
		raw  []byte
		want string
	}{
		{"RSA", seq(rsa, []byte{5, 0}), ""},
		{"RSA without NULL", seq(rsa), ParamsAbsent},
		{"RSA with octets", seq(rsa, []byte{4, 2, 0xca, 0x5e}), ParamsOther},
		{"RSA with octets behind NULL", seq(rsa, []byte{5, 0, 4, 0}), ParamsOther},
		{"ECDSA", seq(ec), ""},
		{"ECDSA with NULL", seq(ec, []byte{5, 0}), ParamsPresent},
		{"Ed25519 with octets", seq(oidTLV(oidEd25519), []byte{4, 0}), ParamsOther},
		{"unknown", seq(oidTLV("\x2a\x03"), []byte{4, 0}), ""},
		{"PSS", pss(h, mgf, salt(32)), ""},
		{"PSS without parameters", seq(oidTLV(oidRSAPSSKey)), PSSHash},
		{"PSS by default", pss(), PSSHash},
		{"PSS with a short salt", pss(h, mgf, salt(20)), PSSSalt},
		{"PSS with a mask of SHA-1", pss(h, in(1, seq([]byte(mask), []byte(sha1))), salt(32)), PSSMask},
		{"PSS with the default mask", pss(h, salt(32)), PSSMask},
		{"PSS with an unknown mask", pss(h, in(1, seq(oidTLV("\x2a\x03"), []byte(hash))), salt(32)), PSSUnreadable},
		{"PSS with another trailer", pss(h, mgf, salt(32), in(3, []byte{2, 1, 2})), PSSTrailer},
		{"PSS with the default trailer written", pss(h, mgf, salt(32), in(3, []byte{2, 1, 1})), PSSEncoding},
		{"PSS with something else", pss(h, mgf, salt(32), in(4, []byte{5, 0})), PSSUnreadable},
		{"PSS with a negative salt", pss(h, mgf, salt(0x80)), PSSUnreadable},
	} {
		if got := parseAlgorithm(tt.raw).Odd; got != tt.want {
			t.Errorf("%s: parameters %q, want %q", tt.name, got, tt.want)
		}
	}
}
