package lab

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"math/big"
	"testing"
)

// TestCubeRoots raises the signatures that were made without a private key, as a
// verifier does: they never reach the modulus, and what comes out is what a
// careless one looks for.
func TestCubeRoots(t *testing.T) {
	public := issuingE3Key().Public().(*rsa.PublicKey)
	if public.E != 3 {
		t.Fatalf("exponent of the issuer = %d, want 3", public.E)
	}
	head := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, 8)...)
	for _, c := range New(Config{}).cubeRoots()[1:] {
		leaf, err := x509.ParseCertificate(c.Chain[0])
		if err != nil {
			t.Fatal(err)
		}
		whole := cube(new(big.Int).SetBytes(leaf.Signature))
		if whole.Cmp(public.N) >= 0 {
			t.Fatalf("%s: the cube reaches the modulus", c.Name)
		}
		em := whole.FillBytes(make([]byte, 256))
		info := digestInfo(idSHA256, null, SHA256RSA.digest(leaf.RawTBSCertificate))
		ok := bytes.HasPrefix(em[11:], info)
		if c.Name == "e3-ber-length" {
			ok = em[11] == 0x30 && em[12] == 0x80|127 && em[140] == 0x30 && em[141] == 0x80|67 && bytes.HasSuffix(em, info[4:])
		}
		if !ok || !bytes.HasPrefix(em, append(head, 0)) {
			t.Errorf("%s: the block is %x", c.Name, em)
		}
	}
}

// TestPSSAndOAEP lets crypto/rsa read what stands under another identifier.
func TestPSSAndOAEP(t *testing.T) {
	digest := SHA256RSA.digest([]byte("message"))
	value := power(IssuingRSAKey(), pssBlock(256, 32, digest))
	if err := rsa.VerifyPSS(IssuingRSAKey().Public().(*rsa.PublicKey), algorithms[SHA256RSA].hash, digest, value, nil); err != nil {
		t.Errorf("VerifyPSS = %v, want nil", err)
	}
	message := []byte("message")
	encrypted := new(big.Int).SetBytes(oaepBlock(256, message))
	public := IssuingRSAKey().Public().(*rsa.PublicKey)
	encrypted.Exp(encrypted, big.NewInt(int64(public.E)), public.N)
	got, err := rsa.DecryptOAEP(sha256.New(), nil, IssuingRSAKey().Signer.(*rsa.PrivateKey), encrypted.FillBytes(make([]byte, 256)), nil)
	if err != nil || !bytes.Equal(got, message) {
		t.Errorf("DecryptOAEP = %q, %v, want %q", got, err, message)
	}
}

// TestCollision holds both halves against MD5: one signature for two
// certificates.
func TestCollision(t *testing.T) {
	for _, c := range New(Config{}).collisions() {
		forged, err := x509.ParseCertificate(c.Chain[0])
		if err != nil {
			t.Fatal(err)
		}
		signed, err := x509.ParseCertificate(c.Beside[0])
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(forged.RawTBSCertificate, signed.RawTBSCertificate) {
			t.Error("the two certificates are one")
		}
		if a, b := md5.Sum(forged.RawTBSCertificate), md5.Sum(signed.RawTBSCertificate); a != b {
			t.Errorf("MD5 of the halves = %x and %x: the block has to be computed anew", a, b)
		}
	}
}

// TestCurveBall multiplies the forger's generator: it gives the genuine root's
// public key.
func TestCurveBall(t *testing.T) {
	q := RootKey().Public().(*ecdsa.PublicKey)
	for _, d := range []int64{1, 1000003} {
		x, y := divided(q, big.NewInt(d), q.Params().N)
		if x, y = elliptic.P384().ScalarMult(x, y, big.NewInt(d).Bytes()); x.Cmp(q.X) != 0 || y.Cmp(q.Y) != 0 {
			t.Errorf("%d times the generator is not the root's key", d)
		}
	}
}

// TestNonce verifies what was signed with a nonce of our choice, and that two
// signatures share their r.
func TestNonce(t *testing.T) {
	sign := noncing(RootKey(), "0badc0de")
	var rs []*big.Int
	for _, message := range []string{"one", "two"} {
		value := sign([]byte(message))
		if !ecdsa.VerifyASN1(RootKey().Public().(*ecdsa.PublicKey), SHA384ECDSA.digest([]byte(message)), value) {
			t.Errorf("the signature of %q does not verify", message)
		}
		r, _ := unpair(value)
		rs = append(rs, r)
	}
	if rs[0].Cmp(rs[1]) != 0 {
		t.Error("the nonce is not the same")
	}
}

// TestModuli holds every RSA key against what it is said to be.
func TestModuli(t *testing.T) {
	one := big.NewInt(1)
	for name, k := range moduli() {
		if n := new(big.Int).Mul(k.p, k.q); n.BitLen() != 2048 || !k.p.ProbablyPrime(0) || !k.q.ProbablyPrime(0) {
			t.Errorf("%s: no product of two primes of 2048 bits", name)
		}
		phi := new(big.Int).Mul(new(big.Int).Sub(k.p, one), new(big.Int).Sub(k.q, one))
		apart := new(big.Int).Abs(new(big.Int).Sub(k.p, k.q))
		private := new(big.Int).ModInverse(k.e, phi)
		ok := true
		switch name {
		case "exponent-one":
			ok = k.e.Cmp(one) == 0
		case "exponent-even":
			ok = k.e.Bit(0) == 0
		case "close-primes":
			ok = apart.Sign() > 0 && apart.BitLen() < 16
		case "small-factor":
			ok = k.p.Int64() == 10007
		case "square":
			ok = apart.Sign() == 0
		case "small-private-exponent":
			ok = private.BitLen() == 480
		case "shared-one":
			ok = k.p.Cmp(moduli()["shared-two"].p) == 0 && k.q.Cmp(moduli()["shared-two"].q) != 0
		case "patterned":
			ok = bytes.HasPrefix(new(big.Int).Mul(k.p, k.q).Bytes(), bytes.Repeat([]byte{0xca, 0x5e}, 50))
		case "infineon":
			ok = infineon(k.p) && infineon(k.q)
		}
		if !ok {
			t.Errorf("%s: it is not what it is called", name)
		}
	}
}

// infineon says that a prime is a power of 65537 modulo each small prime.
func infineon(p *big.Int) bool {
	for _, small := range []int64{3, 5, 7, 11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157, 167, 701} {
		residue := new(big.Int).Mod(p, big.NewInt(small)).Int64()
		power, among := int64(1), false
		for range small {
			among = among || power == residue
			power = power * 65537 % small
		}
		if !among {
			return false
		}
	}
	return true
}

// TestLogList reads the list back: every log is in it under the hash of its key.
func TestLogList(t *testing.T) {
	l := New(Config{})
	var list struct {
		Operators []struct {
			Logs  []struct{ Key, Log_ID []byte }
			Tiled []struct{ Key, Log_ID []byte } `json:"tiled_logs"`
		}
	}
	if err := json.Unmarshal(l.LogList(), &list); err != nil {
		t.Fatal(err)
	}
	logs := append(Logs(), l.quarterly(), l.retired(), l.tiled())
	if len(list.Operators) != len(logs) {
		t.Fatalf("%d logs are listed, want %d", len(list.Operators), len(logs))
	}
	for i, operator := range list.Operators {
		entries := append(operator.Logs, operator.Tiled...)
		id := logs[i].ID()
		if len(entries) != 1 || !bytes.Equal(entries[0].Key, logs[i].Key.SPKI) || !bytes.Equal(entries[0].Log_ID, id[:]) || logs[i].Tiled != (len(operator.Tiled) == 1) {
			t.Errorf("%s is not listed as it is", logs[i].Description)
		}
	}
}

func BenchmarkCases(b *testing.B) {
	for b.Loop() {
		makeCases()
	}
}
