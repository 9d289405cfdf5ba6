package signature

import (
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"testing"

	"github.com/certassay/certassay/internal/cert"
)

// Identifiers of algorithms as certificates write them.
const (
	md5RSA      = "300d06092a864886f70d0101040500"
	sha1RSA     = "300d06092a864886f70d0101050500"
	sha256RSA   = "300d06092a864886f70d01010b0500"
	ecdsaSHA256 = "300a06082a8648ce3d040302"
	unknownAlg  = "30050603550403"
)

func stub(t *testing.T, alg, tbs string, value []byte) *cert.Certificate {
	t.Helper()
	octets := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	return &cert.Certificate{SPKI: []byte{1}, SigAlgInner: octets(alg), SigAlgOuter: octets(alg), TBS: octets(tbs), Signature: value}
}

// wang is one message of the collision of https://eprint.iacr.org/2004/199.
const wang = "d131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f89" +
	"55ad340609f4b30283e488832571415a085125e8f7cdc99fd91dbdf280373c5b" +
	"d8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0" +
	"e99f33420f577ee8ce54b67080a80d1ec69821bcb6a8839396f9652b6ff72a70"

func TestCollision(t *testing.T) {
	for _, tt := range []struct {
		name, alg, tbs, hash string
		known, found         bool
	}{
		{"MD5 collision", md5RSA, wang, "md5", true, true},
		{"MD5", md5RSA, "3000", "md5", true, false},
		{"SHA-1 over an MD5 collision", sha1RSA, wang, "sha1", true, false},
		{"SHA-256 over an MD5 collision", sha256RSA, wang, "", true, false},
		{"unknown algorithm", unknownAlg, wang, "", true, false},
		{"no algorithm", "", wang, "", false, false},
		{"no signed part", md5RSA, "", "", false, false},
	} {
		c := stub(t, tt.alg, tt.tbs, []byte{1})
		if tt.tbs == "" {
			c.TBS = nil
		}
		got := Signature(c).Collision
		if (got != nil) != tt.known {
			t.Errorf("%s: collision = %+v, want known %v", tt.name, got, tt.known)
			continue
		}
		if got == nil {
			continue
		}
		if got.Found != tt.found || got.Hash != tt.hash || (got.Block == 1) != tt.found || (got.Class != "") != tt.found || (got.Family != "") != tt.found {
			t.Errorf("%s: collision = %+v, want found %v under %q", tt.name, got, tt.found, tt.hash)
		}
	}
}

func TestForm(t *testing.T) {
	pair := func(r, s int64) []byte {
		b, err := asn1.Marshal(struct{ R, S *big.Int }{big.NewInt(r), big.NewInt(s)})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, tt := range []struct {
		name, alg string
		value     []byte
		want      string
	}{
		{"pair", ecdsaSHA256, pair(5, 7), "pair"},
		{"psychic", ecdsaSHA256, pair(0, 0), "zero"},
		{"negative", ecdsaSHA256, pair(5, -7), "negative"},
		{"octet behind", ecdsaSHA256, append(pair(5, 7), 0), "not-der"},
		{"text", ecdsaSHA256, []byte("text"), "not-a-pair"},
		{"empty", ecdsaSHA256, nil, "not-a-pair"},
		{"RSA", sha256RSA, pair(0, 0), ""},
	} {
		if got := Signature(stub(t, tt.alg, "3000", tt.value)).Form; got != tt.want {
			t.Errorf("%s: form = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestCurve(t *testing.T) {
	if got := Curve(&cert.Certificate{}); got != nil {
		t.Errorf("Curve(no key) = %+v, want unknown", got)
	}
	if got := Curve(&cert.Certificate{SPKI: []byte{1}, Key: cert.Key{Algorithm: cert.RSA}}); got == nil || got.Kind != "" {
		t.Errorf("Curve(RSA) = %+v, want no kind", got)
	}
	if got := Curve(&cert.Certificate{SPKI: []byte{1}, Key: cert.Key{Algorithm: cert.ECDSA}}); got == nil || got.Kind != "implicit" {
		t.Errorf("Curve(no parameters) = %+v, want implicit", got)
	}
}
