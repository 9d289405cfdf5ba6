package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	_ "crypto/sha512" // SHA-384
	"crypto/x509"
	"slices"
	"testing"

	"github.com/certassay/certassay/internal/cert"
)

const ecdsaSHA384 = "300a06082a8648ce3d040303"

// signed is a certificate of which nothing but the signature is real.
func signed(t *testing.T, curve elliptic.Curve, alg string, hash crypto.Hash, tbs string) (c *cert.Certificate, spki []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c = stub(t, alg, tbs, nil)
	h := hash.New()
	h.Write(c.TBS)
	if c.Signature, err = ecdsa.SignASN1(rand.Reader, key, h.Sum(nil)); err != nil {
		t.Fatal(err)
	}
	if spki, err = x509.MarshalPKIXPublicKey(&key.PublicKey); err != nil {
		t.Fatal(err)
	}
	return c, spki
}

// TestRecovered: the key that made a signature is always among those that are
// recovered, and each of them verifies it.
func TestRecovered(t *testing.T) {
	for _, tt := range []struct {
		curve elliptic.Curve
		alg   string
		hash  crypto.Hash
	}{{elliptic.P256(), ecdsaSHA256, crypto.SHA256}, {elliptic.P256(), ecdsaSHA384, crypto.SHA384}, {elliptic.P384(), ecdsaSHA384, crypto.SHA384}, {elliptic.P384(), ecdsaSHA256, crypto.SHA256}} {
		for i := range 8 {
			c, spki := signed(t, tt.curve, tt.alg, tt.hash, "3003020101")
			got := Recovered(c)
			if !slices.ContainsFunc(got, func(k []byte) bool { return bytes.Equal(k, spki) }) {
				t.Fatalf("%s, %s, %d: the key is not among %d recovered", tt.curve.Params().Name, tt.hash, i, len(got))
			}
			for _, k := range got {
				key := cert.ParseKey(k)
				if o, err := c.CheckSignature(&key); o != cert.Verified {
					t.Errorf("%s: a recovered key does not verify: %v", tt.curve.Params().Name, err)
				}
			}
			c.TBS = append(bytes.Clone(c.TBS), 0)
			if slices.ContainsFunc(Recovered(c), func(k []byte) bool { return bytes.Equal(k, spki) }) {
				t.Error("the key is recovered from a signature over something else")
			}
		}
	}
}

func TestRecoveredFromNothing(t *testing.T) {
	for name, c := range map[string]*cert.Certificate{
		"RSA":             stub(t, sha256RSA, "3000", bytes.Repeat([]byte{1}, 256)),
		"no signature":    stub(t, ecdsaSHA256, "3000", nil),
		"zeros":           stub(t, ecdsaSHA256, "3000", []byte{0x30, 6, 2, 1, 0, 2, 1, 0}),
		"one number":      stub(t, ecdsaSHA256, "3000", []byte{0x30, 3, 2, 1, 1}),
		"a negative one":  stub(t, ecdsaSHA256, "3000", []byte{0x30, 6, 2, 1, 0xff, 2, 1, 1}),
		"octets after it": stub(t, ecdsaSHA256, "3000", []byte{0x30, 6, 2, 1, 1, 2, 1, 1, 0}),
	} {
		if got := Recovered(c); got != nil {
			t.Errorf("%s: %d keys", name, len(got))
		}
	}
}

// FuzzRecovered: whatever the signature is, what is recovered verifies it.
func FuzzRecovered(f *testing.F) {
	f.Add([]byte("\x30\x00"), []byte{0x30, 6, 2, 1, 1, 2, 1, 1})
	f.Add([]byte{}, []byte{0x30, 6, 2, 1, 5, 2, 1, 9})
	f.Fuzz(func(t *testing.T, tbs, signature []byte) {
		c := stub(t, ecdsaSHA256, "", signature)
		c.TBS = append([]byte{}, tbs...)
		for _, k := range Recovered(c) {
			key := cert.ParseKey(k)
			if o, err := c.CheckSignature(&key); o != cert.Verified {
				t.Errorf("%x over %x: a recovered key does not verify: %v", signature, tbs, err)
			}
		}
	})
}

func BenchmarkRecovered(b *testing.B) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	c := &cert.Certificate{SPKI: []byte{1}, SigAlgInner: []byte("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"), TBS: []byte{0x30, 0}}
	c.SigAlgOuter = c.SigAlgInner
	h := crypto.SHA256.New()
	h.Write(c.TBS)
	if c.Signature, err = ecdsa.SignASN1(rand.Reader, key, h.Sum(nil)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if len(Recovered(c)) == 0 {
			b.Fatal("no key")
		}
	}
}
