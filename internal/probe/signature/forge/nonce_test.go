package forge

import (
	"crypto/elliptic"
	"math/big"
	"testing"

	"github.com/certassay/certassay/internal/cert"
)

// signedBy is as much of a certificate as the index looks at.
func signedBy(p Pair, tbs string) *cert.Certificate {
	ecdsaSHA256 := []byte("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02")
	return &cert.Certificate{
		Raw: append([]byte(tbs), p.Encode()...), TBS: []byte(tbs),
		SigAlgInner: ecdsaSHA256, SigAlgOuter: ecdsaSHA256, Signature: p.Encode(),
	}
}

func TestNonceIndex(t *testing.T) {
	d, _ := digesterByName("sha256")
	for _, curve := range []elliptic.Curve{elliptic.P224(), elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		n := curve.Params().N
		key, other := scalarKey(t, curve, 1<<50+11), scalarKey(t, curve, 1<<50+13)
		issuer := &cert.Certificate{SPKI: []byte("issuer"), Key: *parsed(t, &key.PublicKey)}
		stranger := &cert.Certificate{SPKI: []byte("stranger"), Key: *parsed(t, &other.PublicKey)}
		sign := func(tbs string, k int64) Pair { return signWith(t, key, d.sum([]byte(tbs)), k) }
		negated := func(p Pair) Pair { return Pair{R: p.R, S: new(big.Int).Sub(n, p.S)} }

		first := signedBy(sign("one", 777), "one")
		for _, tt := range []struct {
			name      string
			second    *cert.Certificate
			issuer    *cert.Certificate
			recovered bool
			malleated bool
		}{
			{name: "same nonce", second: signedBy(sign("two", 777), "two"), recovered: true},
			{name: "same nonce, s negated", second: signedBy(negated(sign("two", 777)), "two"), recovered: true},
			{name: "another nonce", second: signedBy(sign("two", 778), "two")},
			{name: "the same again", second: first},
			{name: "malleated", second: signedBy(negated(sign("one", 777)), "one"), malleated: true},
			{name: "another issuer", second: signedBy(signWith(t, other, d.sum([]byte("two")), 777), "two"), issuer: stranger},
			{name: "same r that does not verify", second: signedBy(Pair{R: sign("one", 777).R, S: big.NewInt(5)}, "two")},
		} {
			var x NonceIndex
			if got, ok := x.Add(first, issuer); ok {
				t.Fatalf("Add(first) = %+v, want nothing", got)
			}
			by := issuer
			if tt.issuer != nil {
				by = tt.issuer
			}
			got, ok := x.Add(tt.second, by)
			if ok != (tt.recovered || tt.malleated) || got.Recovered != tt.recovered || got.Malleated != tt.malleated {
				t.Errorf("%s, %s: Add = %+v, %v, want recovered %v, malleated %v",
					curve.Params().Name, tt.name, got, ok, tt.recovered, tt.malleated)
			}
			if ok && (got.First != first.SHA256() || got.Second != tt.second.SHA256()) {
				t.Errorf("%s: Add names %x and %x", tt.name, got.First, got.Second)
			}
		}
	}
}

// DSA leaks its key in the same way.
func TestNonceDSA(t *testing.T) {
	public, private := dsaKey(t)
	g, err := groupOf(public)
	if err != nil {
		t.Fatal(err)
	}
	k := big.NewInt(987654321)
	r := new(big.Int).Exp(private.G, k, private.P)
	r.Mod(r, private.Q)
	sign := func(z int64) nonce {
		s := new(big.Int).Mul(r, private.X)
		s.Add(s, big.NewInt(z)).Mul(s, new(big.Int).ModInverse(k, private.Q)).Mod(s, private.Q)
		return nonce{z: big.NewInt(z), s: s}
	}
	if got, ok := compare(sign(1), sign(2), r, g); !ok || !got.Recovered {
		t.Errorf("compare = %+v, %v, want the key recovered", got, ok)
	}
	wrong := sign(2)
	wrong.s.Add(wrong.s, big.NewInt(1))
	if got, ok := compare(sign(1), wrong, r, g); ok {
		t.Errorf("compare(with a signature that is none) = %+v, want nothing", got)
	}
}

func BenchmarkNonceReuse(b *testing.B) {
	d, _ := digesterByName("sha256")
	key := scalarKey(b, elliptic.P256(), 1<<50+11)
	issuer := &cert.Certificate{SPKI: []byte("issuer"), Key: *parsed(b, &key.PublicKey)}
	one := signedBy(signWith(b, key, d.sum([]byte("one")), 777), "one")
	two := signedBy(signWith(b, key, d.sum([]byte("two")), 777), "two")
	for b.Loop() {
		var x NonceIndex
		x.Add(one, issuer)
		if _, ok := x.Add(two, issuer); !ok {
			b.Fatal("nothing found")
		}
	}
}
