package cert

import (
	"bytes"
	"crypto"
	"crypto/dsa" //nolint:staticcheck // old certificates are judged, not made
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"math/big"
	"testing"
)

// rsaKey is a deterministic RSA key. Not by crypto/rsa, which refuses to make
// one of 512 bits.
func rsaKey(bits int, e int64) *rsa.PrivateKey {
	prime := func(label string) *big.Int {
		p := new(big.Int).SetBytes(stream(label, bits/16))
		p.SetBit(p.SetBit(p.SetBit(p, bits/2-1, 1), bits/2-2, 1), 0, 1)
		one, exp := big.NewInt(1), big.NewInt(e)
		for ; ; p.Add(p, big.NewInt(2)) {
			if p.ProbablyPrime(20) && new(big.Int).GCD(nil, nil, exp, new(big.Int).Sub(p, one)).Cmp(one) == 0 {
				return p
			}
		}
	}
	p, q := prime("p"), prime("q")
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	k := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: int(e)}, Primes: []*big.Int{p, q}}
	k.D = new(big.Int).ModInverse(big.NewInt(e), phi)
	return k
}

// signRSA is the textbook signature over a PKCS #1 v1.5 encoding.
func signRSA(k *rsa.PrivateKey, h crypto.Hash, digest []byte) []byte {
	size := (k.N.BitLen() + 7) / 8
	info := append([]byte(digestInfo(h)), digest...)
	em := []byte{0, 1}
	for len(em) < size-len(info)-1 {
		em = append(em, 0xff)
	}
	em = append(append(em, 0), info...)
	return new(big.Int).Exp(new(big.Int).SetBytes(em), k.D, k.N).FillBytes(make([]byte, size))
}

func hashOf(h crypto.Hash, b []byte) []byte {
	w := h.New()
	w.Write(b)
	return w.Sum(nil)
}

func algorithm(oid string) []byte { return seq(oidTLV(oid), []byte{5, 0}) }

const oidPKCS1 = "\x2a\x86\x48\x86\xf7\x0d\x01\x01"

func TestCheckRSA(t *testing.T) {
	message := []byte("message")
	small, odd := rsaKey(512, 3), rsaKey(1024, 1<<33+1)
	large := rsaKey(1024, 65537)
	for _, tt := range []struct {
		name string
		key  *rsa.PrivateKey
		oid  string
		hash crypto.Hash
	}{
		{"MD5, 512 bits", small, oidPKCS1 + "\x04", crypto.MD5},
		{"SHA-1, 512 bits", small, oidPKCS1 + "\x05", crypto.SHA1},
		{"SHA-1 by another name", small, "\x2b\x0e\x03\x02\x1d", crypto.SHA1},
		{"SHA-256, 512 bits", small, oidPKCS1 + "\x0b", crypto.SHA256},
		{"MD5, 1024 bits", large, oidPKCS1 + "\x04", crypto.MD5},
		{"SHA-1", large, oidPKCS1 + "\x05", crypto.SHA1},
		{"SHA-224", large, oidPKCS1 + "\x0e", crypto.SHA224},
		{"SHA-256", large, oidPKCS1 + "\x0b", crypto.SHA256},
		{"SHA-384", large, oidPKCS1 + "\x0c", crypto.SHA384},
		{"SHA-512", large, oidPKCS1 + "\x0d", crypto.SHA512},
		{"exponent of 34 bits", odd, oidPKCS1 + "\x0b", crypto.SHA256},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key := ParseKey(rsaSPKI(integerTLV(tt.key.N), integerTLV(big.NewInt(int64(tt.key.E)))))
			alg := parseAlgorithm(algorithm(tt.oid))
			sig := signRSA(tt.key, tt.hash, hashOf(tt.hash, message))
			checkAll(t, &key, alg, message, sig)
			key.Prepare(nil)
			if want := tt.key.N.BitLen() >= 1024 && tt.key.E < 1<<31; want != (key.prepared != nil) {
				t.Errorf("Prepare took the key = %v, want %v", key.prepared != nil, want)
			}
			checkAll(t, &key, alg, message, sig)
		})
	}
}

// A prepared key answers as one that is not, for every encoding that is signed.
func FuzzPrepared(f *testing.F) {
	private := rsaKey(1024, 3)
	info := append([]byte(digestInfo(crypto.SHA256)), hashOf(crypto.SHA256, []byte("message"))...)
	right := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, 128-3-len(info))...)
	right = append(append(right, 0), info...)
	f.Add(right)
	f.Add(append(right[:127:127], right[127]^1))
	f.Add(append(right[:11:11], make([]byte, 117)...))
	f.Add(private.N.Bytes())
	f.Add([]byte{})
	alg := parseAlgorithm(algorithm(oidPKCS1 + "\x0b"))
	plain := ParseKey(rsaSPKI(integerTLV(private.N), []byte{2, 1, 3}))
	prepared := plain
	prepared.Prepare(nil)
	f.Fuzz(func(t *testing.T, encoded []byte) {
		x := new(big.Int).SetBytes(encoded)
		signature := x.Exp(x, private.D, private.N).FillBytes(make([]byte, 128))
		for _, sig := range [][]byte{signature, encoded} {
			got, _ := Check(&prepared, alg, []byte("message"), sig)
			want, _ := Check(&plain, alg, []byte("message"), sig)
			if got != want {
				t.Errorf("Check by a prepared key of %x = %v, want %v", sig, got, want)
			}
			if bytes.Equal(encoded, right) && &sig[0] == &signature[0] && got != Verified {
				t.Errorf("Check of the right encoding = %v, want verified", got)
			}
		}
	})
}

// checkAll expects a signature to verify, and no change of anything to.
func checkAll(t *testing.T, key *Key, alg Algorithm, message, sig []byte) {
	t.Helper()
	if got, err := Check(key, alg, message, sig); got != Verified || err != nil {
		t.Errorf("Check = %v, %v, want verified", got, err)
	}
	if got, err := Check(key, alg, append([]byte("x"), message...), sig); got != Mismatch || err == nil {
		t.Errorf("Check of another message = %v, %v, want mismatch", got, err)
	}
	bad := append([]byte{}, sig...)
	bad[len(bad)/2] ^= 1
	if got, err := Check(key, alg, message, bad); got != Mismatch || err == nil {
		t.Errorf("Check of another signature = %v, %v, want mismatch", got, err)
	}
	for _, sig := range [][]byte{nil, sig[1:], append([]byte{0}, sig...), append(sig[:len(sig):len(sig)], 0)} {
		if got, _ := Check(key, alg, message, sig); got != Mismatch {
			t.Errorf("Check of a signature of another length = %v, want mismatch", got)
		}
	}
}

// Bleichenbacher's forgery of 2006: with exponent 3, a cube whose first octets
// look like a signature and whose end is garbage.
func TestCheckRSAForgedPadding(t *testing.T) {
	key := ParseKey(rsaSPKI(integerTLV(oddNumber(1016)), []byte{2, 1, 3}))
	digest := hashOf(crypto.SHA1, []byte("message"))
	em := append([]byte{0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0}, digestInfo(crypto.SHA1)...)
	em = append(append(em, digest...), make([]byte, 127-len(em)-len(digest))...)
	target := new(big.Int).SetBytes(em)
	lo, hi := big.NewInt(1), new(big.Int).Lsh(big.NewInt(1), 400)
	for new(big.Int).Sub(hi, lo).Cmp(big.NewInt(1)) > 0 {
		mid := new(big.Int).Rsh(new(big.Int).Add(lo, hi), 1)
		if new(big.Int).Exp(mid, big.NewInt(3), nil).Cmp(target) < 0 {
			lo = mid
		} else {
			hi = mid
		}
	}
	cube := new(big.Int).Exp(hi, big.NewInt(3), nil).FillBytes(make([]byte, 127))
	if string(cube[:40]) != string(em[:40]) {
		t.Fatal("the test does not make the forgery that it means to")
	}
	sig := hi.FillBytes(make([]byte, 127))
	if got, _ := Check(&key, parseAlgorithm(algorithm(oidPKCS1+"\x05")), []byte("message"), sig); got != Mismatch {
		t.Errorf("Check of a forged padding = %v, want mismatch", got)
	}
}

func TestCheckPSS(t *testing.T) {
	k := rsaKey(1024, 65537)
	digest := hashOf(crypto.SHA256, []byte("message"))
	sig, err := rsa.SignPSS(rand.Reader, k, crypto.SHA256, digest, &rsa.PSSOptions{SaltLength: 32})
	if err != nil {
		t.Fatal(err)
	}
	sha256Alg := seq(oidTLV("\x60\x86\x48\x01\x65\x03\x04\x02\x01"))
	params := func(salt byte) []byte {
		return seq(oidTLV(oidRSAPSSKey), seq(tlv(0xa0, sha256Alg),
			tlv(0xa1, seq(oidTLV("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"), sha256Alg)), tlv(0xa2, []byte{2, 1, salt})))
	}
	key := ParseKey(rsaSPKI(integerTLV(k.N), integerTLV(big.NewInt(65537))))
	alg := parseAlgorithm(params(32))
	if alg.Name != "SHA256-RSAPSS" || alg.Hash != "sha256" || alg.Err != nil {
		t.Errorf("parseAlgorithm = %+v", alg)
	}
	checkAll(t, &key, alg, []byte("message"), sig)
	if got, _ := Check(&key, parseAlgorithm(params(20)), []byte("message"), sig); got != Mismatch {
		t.Errorf("Check with another salt length = %v, want mismatch", got)
	}
	if alg := parseAlgorithm(seq(oidTLV(oidRSAPSSKey))); alg.Name != "SHA1-RSAPSS" || alg.Err != nil {
		t.Errorf("parseAlgorithm without parameters = %+v", alg)
	}
	if alg := parseAlgorithm(seq(oidTLV(oidRSAPSSKey), seq(tlv(0xa0, sha256Alg)))); alg.Err == nil {
		t.Error("parseAlgorithm of two hashes: no error")
	}
}

func TestCheckECDSA(t *testing.T) {
	for name, curve := range map[string]elliptic.Curve{
		"P-224": elliptic.P224(), "P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521(),
	} {
		raw := make([]byte, (curve.Params().BitSize+7)/8)
		raw[len(raw)-1] = 7
		k, err := ecdsa.ParseRawPrivateKey(curve, raw)
		if err != nil {
			t.Fatal(err)
		}
		sig, err := ecdsa.SignASN1(rand.Reader, k, hashOf(crypto.SHA384, []byte("message")))
		if err != nil {
			t.Fatal(err)
		}
		spki, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		key := ParseKey(spki)
		if key.Curve != name || key.Bits != curve.Params().BitSize || key.Point != Uncompressed {
			t.Errorf("ParseKey = %+v", key)
		}
		alg := parseAlgorithm(seq(oidTLV("\x2a\x86\x48\xce\x3d\x04\x03\x03")))
		checkAll(t, &key, alg, []byte("message"), sig)
		key.Public = elliptic.MarshalCompressed(curve, k.X, k.Y)
		key.Point = Compressed
		checkAll(t, &key, alg, []byte("message"), sig)
	}
}

func TestCheckDSA(t *testing.T) {
	var k dsa.PrivateKey
	if err := dsa.GenerateParameters(&k.Parameters, rand.Reader, dsa.L1024N160); err != nil {
		t.Fatal(err)
	}
	if err := dsa.GenerateKey(&k, rand.Reader); err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum([]byte("message"))
	r, s, err := dsa.Sign(rand.Reader, &k, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	key := ParseKey(seq(seq(oidTLV(oidDSA), seq(integerTLV(k.P), integerTLV(k.Q), integerTLV(k.G))),
		tlv(idBitString, []byte{0}, integerTLV(k.Y))))
	checkAll(t, &key, parseAlgorithm(seq(oidTLV("\x2a\x86\x48\xce\x38\x04\x03"))), []byte("message"), seq(integerTLV(r), integerTLV(s)))
}

func TestCheckSignature(t *testing.T) {
	own := ParseKey(baseline().spki)
	for _, tt := range []struct {
		name   string
		change func(*parts)
		key    Key
		want   Outcome
	}{
		{"own key", nil, own, Verified},
		{"another key", nil, ParseKey(seq(edAlg, tlv(idBitString, []byte{0}, stream("key", 32)))), Mismatch},
		{"a key of another kind", nil, ParseKey(rsaSPKI(integerTLV(oddNumber(1024)), []byte{2, 1, 3})), Mismatch},
		{"outer algorithm differs", func(p *parts) { p.outer = sha256RSA }, own, Verified},
		{"inner algorithm differs", func(p *parts) { p.inner = sha256RSA }, own, Verified},
		{"unused bits", func(p *parts) { p.sig = tlv(idBitString, []byte{1}, make([]byte, 64)) }, own, Mismatch},
		{"empty signature", func(p *parts) { p.sig = []byte{3, 1, 0} }, own, Mismatch},
		{"no signature", func(p *parts) { p.sig = []byte{5, 0} }, own, Unsupported},
		{"unknown algorithm", func(p *parts) { p.inner, p.outer = seq(oidTLV("\x2a\x03")), seq(oidTLV("\x2a\x03")) }, own, Unsupported},
		{"unreadable key", nil, ParseKey([]byte("key")), Unsupported},
		{"unknown key", nil, ParseKey(seq(seq(oidTLV("\x2a\x03")), tlv(idBitString, []byte{0}))), Unsupported},
	} {
		p := baseline()
		if tt.change != nil {
			tt.change(&p)
		}
		if got, err := Parse(p.der()).CheckSignature(&tt.key); got != tt.want || (err == nil) != (got == Verified) {
			t.Errorf("%s: CheckSignature = %v, %v, want %v", tt.name, got, err, tt.want)
		}
	}
}

func TestCheckBeyondLimits(t *testing.T) {
	big, exponent := integerTLV(oddNumber(MaxRSABits+8)), integerTLV(oddNumber(MaxExponentBits+8))
	for name, spki := range map[string][]byte{
		"modulus":  rsaSPKI(big, []byte{2, 1, 3}),
		"exponent": rsaSPKI(integerTLV(oddNumber(1024)), exponent),
		"negative": rsaSPKI([]byte{2, 1, 0x80}, []byte{2, 1, 3}),
		"zero":     rsaSPKI([]byte{2, 1, 0}, []byte{2, 1, 3}),
	} {
		key := ParseKey(spki)
		if got, err := Check(&key, parseAlgorithm(sha256RSA), nil, make([]byte, 128)); got != Unsupported || err == nil {
			t.Errorf("%s: Check = %v, %v, want unsupported", name, got, err)
		}
	}
}
