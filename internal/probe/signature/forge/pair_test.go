package forge

import (
	"bytes"
	"crypto/dsa" //nolint:staticcheck // old certificates are judged, not made
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"math/big"
	"testing"

	"github.com/certassay/certassay/internal/cert"
)

func scalarKey(t testing.TB, curve elliptic.Curve, d int64) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.ParseRawPrivateKey(curve, big.NewInt(d).FillBytes(make([]byte, (curve.Params().N.BitLen()+7)/8)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// signWith is ECDSA with a nonce of the caller's choice.
func signWith(t testing.TB, key *ecdsa.PrivateKey, digest []byte, k int64) Pair {
	t.Helper()
	n := key.Params().N
	raw, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	point, err := scalarKey(t, key.Curve, k).PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	r := new(big.Int).SetBytes(point[1 : 1+(len(point)-1)/2])
	r.Mod(r, n)
	s := new(big.Int).Mul(r, new(big.Int).SetBytes(raw))
	s.Add(s, number(digest, n)).Mul(s, new(big.Int).ModInverse(big.NewInt(k), n)).Mod(s, n)
	return Pair{R: r, S: s}
}

func TestExplainPair(t *testing.T) {
	key := scalarKey(t, elliptic.P256(), 1<<40+7)
	n := key.Params().N
	digest := sha256.Sum256(message)
	good := signWith(t, key, digest[:], 1<<41+9)
	sha512, _ := digesterByName("sha512")
	add := func(v *big.Int) *big.Int { return new(big.Int).Add(v, n) }
	for _, tt := range []struct {
		name  string
		value []byte
		want  Trick
	}{
		{"honest", good.Encode(), Exact},
		{"s negated", Pair{R: good.R, S: new(big.Int).Sub(n, good.S)}.Encode(), Exact},
		{"psychic", Pair{R: new(big.Int), S: new(big.Int)}.Encode(), Zero},
		{"r zero", Pair{R: new(big.Int), S: good.S}.Encode(), Zero},
		{"s zero", Pair{R: good.R, S: new(big.Int)}.Encode(), Zero},
		{"order added to r", Pair{R: add(good.R), S: good.S}.Encode(), NotReduced},
		{"order added to s", Pair{R: good.R, S: add(good.S)}.Encode(), NotReduced},
		{"s is the order", Pair{R: good.R, S: n}.Encode(), OutOfRange},
		{"r negative", Pair{R: new(big.Int).Neg(add(good.S)), S: good.S}.Encode(), OutOfRange},
		{"another hash", signWith(t, key, sha512.sum(message), 1<<42+1).Encode(), HashSubstitution},
		{"one and one", Pair{R: big.NewInt(1), S: big.NewInt(1)}.Encode(), Trivial},
		{"other bytes", signWith(t, key, sha512.sum([]byte("other")), 1<<42+1).Encode(), ForeignKey},
		{"octet behind", append(good.Encode(), 0), Reencoded},
		{"long form of the length", append([]byte{0x30, 0x81}, good.Encode()[1:]...), Reencoded},
		{"not DER and not signed", append(signWith(t, key, sha512.sum([]byte("other")), 1<<42+1).Encode(), 0), NotDER},
		{"raw numbers", append(good.R.Bytes(), good.S.Bytes()...), NotAPair},
		{"one number", encode(t, struct{ R *big.Int }{good.R}), NotAPair},
		{"strings", encode(t, struct{ R, S []byte }{[]byte{1}, []byte{2}}), NotAPair},
		{"empty", nil, NotAPair},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Explain(parsed(t, &key.PublicKey), algorithm(cert.ECDSA, "sha256"), message, tt.value)
			if err != nil || got.Trick != tt.want {
				t.Errorf("Explain = %+v, %v, want %s", got, err, tt.want)
			}
		})
	}
}

// A leading zero that was forgotten makes a number negative.
func TestForgottenZero(t *testing.T) {
	key := scalarKey(t, elliptic.P256(), 1<<40+7)
	digest := sha256.Sum256(message)
	for k := int64(1 << 41); ; k++ {
		p := signWith(t, key, digest[:], k)
		if p.R.Bit(255) == 0 || p.S.Bit(255) == 1 {
			continue
		}
		value := append([]byte{0x02, 32}, p.R.FillBytes(make([]byte, 32))...)
		value = append(value, encode(t, p.S)...)
		value = append([]byte{0x30, byte(len(value))}, value...)
		got, err := Explain(parsed(t, &key.PublicKey), algorithm(cert.ECDSA, "sha256"), message, value)
		if err != nil || got.Trick != Reencoded {
			t.Errorf("Explain = %+v, %v, want %s", got, err, Reencoded)
		}
		return
	}
}

// dsaKey is a key of 512 bits, as short as those of old textbooks.
func dsaKey(t testing.TB) (*cert.Key, *dsa.PrivateKey) {
	t.Helper()
	p, _ := new(big.Int).SetString("8df2a494492276aa3d25759bb06869cbeac0d83afb8d0cf7cbb8324f0d7882e5d0762fc5b7210eafc2e9adac32ab7aac49693dfbf83724c2ec0736ee31c80291", 16)
	q, _ := new(big.Int).SetString("c773218c737ec8ee993b4f2ded30f48edace915f", 16)
	g, _ := new(big.Int).SetString("626d027839ea0a13413163a55b4cb500299d5522956cefcb3bff10f399ce2c2e71cb9de5fa24babf58e5b79521925c9cc42e9f6f464b088cc572af53e6d78802", 16)
	key := &dsa.PrivateKey{PublicKey: dsa.PublicKey{Parameters: dsa.Parameters{P: p, Q: q, G: g}}, X: big.NewInt(1<<50 + 3)}
	key.Y = new(big.Int).Exp(g, key.X, p)
	params := encode(t, struct{ P, Q, G *big.Int }{p, q, g})
	return &cert.Key{Algorithm: cert.DSA, Params: params, Public: encode(t, key.Y)}, key
}

func TestExplainDSA(t *testing.T) {
	public, private := dsaKey(t)
	sha1, _ := digesterByName("sha1")
	r, s, err := dsa.Sign(bytes.NewReader(bytes.Repeat([]byte("nonce 12"), 200)), private, sha1.sum(message))
	if err != nil {
		t.Fatal(err)
	}
	good := Pair{R: r, S: s}
	for name, tt := range map[string]struct {
		value []byte
		want  Trick
	}{
		"honest":      {good.Encode(), Exact},
		"zero":        {Pair{R: new(big.Int), S: s}.Encode(), Zero},
		"order added": {Pair{R: new(big.Int).Add(r, private.Q), S: s}.Encode(), NotReduced},
		"too large":   {Pair{R: private.Q, S: s}.Encode(), OutOfRange},
	} {
		got, err := Explain(public, algorithm(cert.DSA, "sha1"), message, tt.value)
		if err != nil || got.Trick != tt.want {
			t.Errorf("%s: Explain = %+v, %v, want %s", name, got, err, tt.want)
		}
	}
}

// What is read as DER encodes to the same bytes, and to nothing else.
func FuzzParsePair(f *testing.F) {
	f.Add(Pair{R: big.NewInt(1), S: big.NewInt(-128)}.Encode())
	f.Add([]byte{0x30, 0x80, 2, 1, 1, 2, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, value []byte) {
		p, ok := ParsePair(value)
		if !ok {
			if p.R != nil || p.S != nil || p.DER {
				t.Errorf("ParsePair(%x) = %+v, false, want nothing", value, p)
			}
			return
		}
		again, ok := ParsePair(p.Encode())
		if !ok || !again.DER || again.R.Cmp(p.R) != 0 || again.S.Cmp(p.S) != 0 {
			t.Errorf("ParsePair(%x) = %v, and after encoding %v, %v", value, p, again, ok)
		}
		if p.DER != bytes.Equal(p.Encode(), value) {
			t.Errorf("ParsePair(%x).DER = %v, and it encodes to %x", value, p.DER, p.Encode())
		}
	})
}
