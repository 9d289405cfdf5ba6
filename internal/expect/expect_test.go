package expect

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"strings"
	"testing"
	"time"
)

const keyPin = "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

func TestParsePin(t *testing.T) {
	empty := sha256.Sum256(nil)
	old := sha1.Sum(nil)
	long := sha512.Sum512(nil)
	for _, tt := range []struct {
		name, in string
		of       Of
		hash     Hash
		sum      []byte // nil: refused
	}{
		{"key", keyPin, SPKI, SHA256, empty[:]},
		{"certificate", "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Certificate, SHA256, empty[:]},
		{"certificate in capitals", "sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", Certificate, SHA256, empty[:]},
		{"old key", "sha1/2jmj7l5rSw0yVb/vlWAYkK/YBwk=", SPKI, SHA1, old[:]},
		{"old certificate", "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709", Certificate, SHA1, old[:]},
		{"not padded", strings.TrimSuffix(keyPin, "="), 0, 0, nil},
		{"bits beyond the end", strings.Replace(keyPin, "FU=", "FV=", 1), 0, 0, nil},
		{"line break", keyPin[:20] + "\n" + keyPin[20:], 0, 0, nil},
		{"too short", "sha256/2jmj7l5rSw0yVb/vlWAYkK/YBwk=", 0, 0, nil},
		{"no form", "sha256", 0, 0, nil},
		{"long hash of a key", "sha512/z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==", SPKI, SHA512, long[:]},
		{"long hash, short", "sha512/AAAA", 0, 0, nil},
		{"other hash", "sha384/AAAA", 0, 0, nil},
		{"colons", "sha256:E3:B0", 0, 0, nil},
		{"nothing", "", 0, 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := ParsePin(tt.in)
			if (err == nil) != (tt.sum != nil) {
				t.Fatalf("ParsePin(%q) = %v, want refused %t", tt.in, err, tt.sum == nil)
			}
			if err == nil && (p.Of != tt.of || p.Hash != tt.hash || !p.Matches(tt.of, tt.hash, tt.sum)) {
				t.Errorf("ParsePin(%q) = %+v", tt.in, p)
			}
		})
	}
}

func TestPinMatchesItsKindOnly(t *testing.T) {
	p, err := ParsePin(keyPin)
	if err != nil {
		t.Fatal(err)
	}
	sum := []byte(p.Sum)
	if p.Matches(Certificate, SHA256, sum) || p.Matches(SPKI, SHA1, sum) || p.Matches(SPKI, SHA256, sum[:31]) {
		t.Error("a pin of a key matches something else")
	}
	if (Pin{}).Matches(SPKI, SHA256, nil) {
		t.Error("the zero pin matches")
	}
}

func TestPinInForce(t *testing.T) {
	end := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	p := Pin{Until: end}
	if !p.InForce(end.Add(-1)) || p.InForce(end) || !(Pin{}).InForce(end) {
		t.Error("InForce does not end at Until")
	}
}

func TestUnique(t *testing.T) {
	a, b := Pin{Sum: "a", Note: "first"}, Pin{Sum: "b"}
	got := Unique([]Pin{a, b, {Sum: "a", Note: "again"}, {Sum: "a", Of: Certificate}})
	if len(got) != 3 || got[0].Note != "first" || got[2].Of != Certificate {
		t.Errorf("Unique = %v", got)
	}
}

func TestParseIssuer(t *testing.T) {
	if i, err := ParseCA("LetsEncrypt.org"); err != nil || i.String() != "letsencrypt.org" {
		t.Errorf("ParseCA = %v, %v", i, err)
	}
	for _, s := range []string{"", "Let's Encrypt", "CN=R3", "letsencrypt", "letsencrypt.org; accounturi=x", "-a.org", ".org", strings.Repeat("a.", 130) + "org"} {
		if i, err := ParseCA(s); err == nil {
			t.Errorf("ParseCA(%q) = %v, want it refused", s, i)
		}
	}
	if i, err := ParseIssuerKey(keyPin); err != nil || i.String() != keyPin {
		t.Errorf("ParseIssuerKey = %v, %v", i, err)
	}
	for _, s := range []string{"sha1/2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "sha256:" + strings.Repeat("0", 64)} {
		if _, err := ParseIssuerKey(s); err == nil {
			t.Errorf("ParseIssuerKey(%q) is taken", s)
		}
	}
}

func TestKeyType(t *testing.T) {
	for _, tt := range []struct {
		in, algorithm string
		bits          int64
		curve         string
		want          bool
	}{
		{"ecdsa-p256", "ecdsa", 256, "P-256", true},
		{"ecdsa-p256", "ecdsa", 384, "P-384", false},
		{"ecdsa", "ecdsa", 384, "P-384", true},
		{"ecdsa", "rsa", 2048, "", false},
		{"rsa-2048", "rsa", 2048, "", true},
		{"rsa-2048", "rsa", 4096, "", false},
		{"rsa-2048+", "rsa", 4096, "", true},
		{"rsa-2048+", "rsa", 1024, "", false},
		{"rsa", "rsa", 512, "", true},
		{"ed25519", "ed25519", 256, "", true},
	} {
		k, err := ParseKeyType(tt.in)
		if err != nil || k.String() != tt.in {
			t.Fatalf("ParseKeyType(%q) = %v, %v", tt.in, k, err)
		}
		if got := k.Matches(tt.algorithm, tt.bits, tt.curve); got != tt.want {
			t.Errorf("%s.Matches(%s, %d, %s) = %t, want %t", tt.in, tt.algorithm, tt.bits, tt.curve, got, tt.want)
		}
	}
	if (KeyType{}).Matches("", 0, "") {
		t.Error("the zero key type matches")
	}
	for _, s := range []string{"", "RSA", "rsa-", "rsa-512", "rsa-02048", "rsa-2048++", "rsa-99999", "ecdsa-p256+", "rsa-+2048"} {
		if k, err := ParseKeyType(s); err == nil {
			t.Errorf("ParseKeyType(%q) = %v, want it refused", s, k)
		}
	}
	for _, s := range KeyTypes() {
		if _, err := ParseKeyType(s); err != nil {
			t.Errorf("KeyTypes lists %q: %v", s, err)
		}
	}
}

func TestParseTLS(t *testing.T) {
	for _, s := range []string{"1.0", "1.1", "1.2", "1.3"} {
		v, err := ParseTLS(s)
		if err != nil || TLSVersion(v) != s {
			t.Errorf("ParseTLS(%s) = %x, %v", s, v, err)
		}
	}
	if v, _ := ParseTLS("1.2"); v != 0x0303 {
		t.Errorf("ParseTLS(1.2) = %#x", v)
	}
	if _, err := ParseTLS("TLS1.2"); err == nil || TLSVersion(0x0300) != "" || TLSVersion(0x0305) != "" {
		t.Error("an unknown version is taken")
	}
}

func TestEmpty(t *testing.T) {
	var none *Expectation
	if !none.Empty() || !(&Expectation{Group: "g", Owner: "o"}).Empty() {
		t.Error("nothing expected is not empty")
	}
	for _, e := range []Expectation{
		{Issuers: []Issuer{{CA: "a.org"}}},
		{Keys: []Pin{{}}},
		{Names: []string{"a"}},
		{NamesExactly: true},
		{MaxValidity: 1},
		{KeyTypes: []KeyType{{}}},
		{CAA: true},
		{TLSA: true},
		{CT: true},
		{Stapling: true},
		{MustStaple: true},
		{MinTLS: 1},
		{StartTLS: true},
		{Anchors: []Anchor{{}}},
	} {
		if e.Empty() {
			t.Errorf("%+v is empty", e)
		}
	}
}

// FuzzPin: what is read is written in one form, which reads as the same pin.
func FuzzPin(f *testing.F) {
	for _, s := range []string{keyPin, "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709", "sha256:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePin(s)
		if err != nil {
			return
		}
		again, err := ParsePin(p.String())
		if err != nil || again != p || !strings.EqualFold(p.String(), s) || p.Of == SPKI && p.String() != s {
			t.Errorf("ParsePin(%q) = %v, read again %v, %v", s, p, again, err)
		}
	})
}
