package forge

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"math/big"
	"testing"

	"github.com/certassay/certassay/internal/cert"
)

var message = []byte("the signed part of a certificate")

// padded is a block around any payload, filled to 256 octets.
func padded(payload []byte) []byte {
	em := bytes.Repeat([]byte{0xff}, 256)
	em[0], em[1], em[255-len(payload)] = 0, 1, 0
	copy(em[256-len(payload):], payload)
	return em
}

func TestExplainRSA(t *testing.T) {
	d, _ := digesterByName("sha256")
	sha1, _ := digesterByName("sha1")
	digest := d.sum(message)
	good := d.info(digest, true)
	alter := func(f func(em []byte)) []byte {
		em := padded(good)
		f(em)
		return raise(em)
	}
	pub := testRSA().Public().(*rsa.PublicKey)
	reader := bytes.NewReader(bytes.Repeat([]byte("salt"), 1000))
	pss, err := rsa.SignPSS(reader, testRSA(), crypto.SHA256, digest, nil)
	if err != nil {
		t.Fatal(err)
	}
	otherPSS, err := rsa.SignPSS(reader, testRSA(), crypto.SHA256, d.sum([]byte("other")), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	if err != nil {
		t.Fatal(err)
	}
	sha1PSS, err := rsa.SignPSS(reader, testRSA(), crypto.SHA1, sha1.sum(message), nil)
	if err != nil {
		t.Fatal(err)
	}
	oaep := func() []byte {
		// The encryption of EME-OAEP, applied with the private key.
		em := make([]byte, 256)
		copy(em[1:], "an OAEP seed of thirty-two octets")
		db := em[33:]
		clear(db)
		copy(db, d.sum(nil))
		db[len(db)-1] = 1
		seed := em[1:33]
		mask(db, seed, crypto.SHA256)
		mask(seed, db, crypto.SHA256)
		return raise(em)
	}()
	plus := new(big.Int).SetBytes(raise(padded(good)))
	plus.Add(plus, pub.N)

	for _, tt := range []struct {
		name  string
		value []byte
		alg   string // name that the certificate states; SHA256-RSA where empty
		want  Trick
	}{
		{name: "honest", value: raise(padded(good)), want: Exact},
		{name: "no NULL", value: raise(padded(d.info(digest, false))), want: MissingNull},
		{name: "octets behind DigestInfo", value: raise(padded(append(bytes.Clone(good), 1, 2, 3))), want: TrailingGarbage},
		{name: "long form of a length", value: raise(padded(append([]byte{0x30, 0x81, 0x31}, good[2:]...))), want: BERLength},
		{name: "indefinite length", value: raise(padded(append([]byte{0x30, 0x80}, good[2:]...))), want: BERLength},
		{name: "octets in the parameters", value: raise(padded(bytes.Replace(bytes.Replace(good, []byte("\x05\x00"), []byte("\x05\x02xx"), 1), []byte("\x30\x31\x30\x0d"), []byte("\x30\x33\x30\x0f"), 1))), want: ParameterGarbage},
		{name: "another name for the hash", value: raise(padded(bytes.Replace(good, []byte(d.oid), []byte("\x60\x86\x48\x01\x65\x03\x04\x02\x08"), 1))), want: HashName},
		{name: "another hash", value: raise(padded(sha1.info(sha1.sum(message), true))), want: HashSubstitution},
		{name: "no DigestInfo", value: raise(padded(digest)), want: RawDigest},
		{name: "set for a sequence", value: raise(padded(append([]byte{0x31}, good[1:]...))), want: DigestInfo},
		{name: "element behind the hash", value: raise(padded(append(append([]byte{0x30, 0x33}, good[2:]...), 5, 0))), want: DigestInfo},
		{name: "block type 2", value: alter(func(em []byte) { em[1] = 2 }), want: BlockType},
		{name: "first octet", value: alter(func(em []byte) { em[0] = 0x20 }), want: LeadingBytes},
		{name: "octet in the padding", value: alter(func(em []byte) { em[40] = 0xfe }), want: PaddingBytes},
		{name: "other bytes", value: raise(padded(d.info(d.sum([]byte("other")), true))), want: Transplant},
		{name: "other bytes, other hash, no NULL", value: raise(padded(sha1.info(sha1.sum([]byte("other")), false))), want: Transplant},
		{name: "unknown payload", value: raise(padded([]byte("what is this"))), want: UnknownPayload},
		{name: "endless padding", value: raise(bytes.Repeat([]byte{0xff}, 256)[:254:254]), want: ForeignKey},
		{name: "RSA-PSS", value: pss, want: WrongPrimitive},
		{name: "PKCS 1 under RSA-PSS", value: raise(padded(good)), alg: "SHA256-RSAPSS", want: WrongPrimitive},
		{name: "RSA-PSS over another hash", value: sha1PSS, alg: "SHA256-RSAPSS", want: HashSubstitution},
		{name: "honest RSA-PSS", value: pss, alg: "SHA256-RSAPSS", want: Exact},
		{name: "RSA-PSS over other bytes", value: otherPSS, alg: "SHA256-RSAPSS", want: Transplant},
		{name: "RSA-OAEP", value: oaep, want: WrongPrimitive},
		{name: "modulus added", value: plus.Bytes(), want: NotReduced},
		{name: "zero in front", value: append([]byte{0}, raise(padded(good))...), want: WrongLength},
		{name: "octet behind", value: append(raise(padded(good)), 7), want: WrongLength},
		{name: "none", value: nil, want: Trivial},
		{name: "one", value: []byte{1}, want: Trivial},
		{name: "modulus less one", value: new(big.Int).Sub(pub.N, big.NewInt(1)).Bytes(), want: Trivial},
		{name: "all bits", value: bytes.Repeat([]byte{0xff}, 256), want: Trivial},
		{name: "somebody else's", value: bytes.Repeat([]byte("random!!"), 32), want: ForeignKey},
		{name: "cut", value: raise(padded(good))[:255], want: ForeignKey},
	} {
		t.Run(tt.name, func(t *testing.T) {
			alg := algorithm(cert.RSA, "sha256")
			alg.Name = tt.alg
			got, err := Explain(parsed(t, pub), alg, message, tt.value)
			if err != nil || got.Trick != tt.want {
				t.Errorf("Explain = %+v, %v, want %s", got, err, tt.want)
			}
			if got.NoPrivateKey != (tt.want == Trivial) {
				t.Errorf("NoPrivateKey = %v, want only for made-up values", got.NoPrivateKey)
			}
		})
	}
}

// Bleichenbacher's forgery of 2006: with exponent 3 the cube root of a block
// with garbage behind the hash is a signature. Its honest twin is the same block
// signed with the key.
func TestCubeRoot(t *testing.T) {
	d, _ := digesterByName("sha256")
	head := append([]byte{0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0}, d.info(d.sum(message), true)...)
	em := append(head, make([]byte, 256-len(head))...)
	key := parsed(t, testRSA().Public())
	root := cubeRoot(new(big.Int).SetBytes(em))
	for _, tt := range []struct {
		name  string
		value []byte
		forge bool
	}{
		{"root", root.FillBytes(make([]byte, 256)), true},
		{"signed", raise(em), false},
	} {
		got, err := Explain(key, algorithm(cert.RSA, "sha256"), message, tt.value)
		if err != nil || got.Trick != TrailingGarbage || got.NoPrivateKey != tt.forge {
			t.Errorf("Explain(%s) = %+v, %v, want trailing-garbage, NoPrivateKey %v", tt.name, got, err, tt.forge)
		}
	}
	// A root of nothing in particular is a proof, too.
	got, _ := Explain(key, algorithm(cert.RSA, "sha256"), []byte("another message"), root.Bytes())
	if !got.NoPrivateKey {
		t.Errorf("Explain(root over another message) = %+v, want NoPrivateKey", got)
	}
}

// The digest in a moved signature names the certificate that it was taken from.
func TestTransplantDigest(t *testing.T) {
	d, _ := digesterByName("sha256")
	donor := sha256.Sum256([]byte("donor"))
	got, err := Explain(parsed(t, testRSA().Public()), algorithm(cert.RSA, "sha256"), message, raise(padded(d.info(donor[:], true))))
	if err != nil || got.Hash != "sha256" || !bytes.Equal(got.Digest, donor[:]) {
		t.Errorf("Explain = %+v, %v, want the donor's digest", got, err)
	}
}

func TestExplainRefuses(t *testing.T) {
	huge := cert.Key{Algorithm: cert.RSA, N: bytes.Repeat([]byte{0x7f}, 4096), E: []byte{3}}
	slow := cert.Key{Algorithm: cert.RSA, N: bytes.Repeat([]byte{0x7f}, 256), E: bytes.Repeat([]byte{0x7f}, 256)}
	negative := cert.Key{Algorithm: cert.RSA, N: bytes.Repeat([]byte{0xff}, 256), E: []byte{3}}
	for name, key := range map[string]*cert.Key{
		"large modulus": &huge, "large exponent": &slow, "negative modulus": &negative,
		"nothing": {}, "no numbers": {Algorithm: cert.RSA}, "Ed25519": {Algorithm: cert.Ed25519}, "no point": {Algorithm: cert.ECDSA, Curve: "P-256"},
	} {
		if got, err := Explain(key, algorithm(cert.RSA, "sha256"), message, []byte("signature")); err == nil {
			t.Errorf("Explain(%s) = %+v, want an error", name, got)
		}
	}
	if _, err := Explain(parsed(t, testRSA().Public()), algorithm(cert.RSA, "sha256"), message, make([]byte, maxValue+1)); err == nil {
		t.Error("Explain(signature above the limit) = nil, want an error")
	}
}

// What is exact for this package is what the library accepts, and a changed
// block never is.
func FuzzExplainRSA(f *testing.F) {
	d, _ := digesterByName("sha256")
	f.Add(padded(d.info(d.sum(message), true)))
	f.Add(padded(d.info(d.sum(message), false)))
	f.Add(padded([]byte("payload")))
	f.Fuzz(func(t *testing.T, em []byte) {
		if len(em) > 256 || new(big.Int).SetBytes(em).Cmp(testRSA().N) >= 0 {
			return
		}
		value := raise(em)
		digest := sha256.Sum256(message)
		accepted := rsa.VerifyPKCS1v15(&testRSA().PublicKey, crypto.SHA256, digest[:], value) == nil
		got, err := Explain(parsed(t, testRSA().Public()), algorithm(cert.RSA, "sha256"), message, value)
		if err != nil || got.Trick == "" || accepted != (got.Trick == Exact) {
			t.Errorf("block %x: Explain = %+v, %v; crypto/rsa accepts: %v", em, got, err, accepted)
		}
	})
}

func BenchmarkExplainRSA(b *testing.B) {
	key := parsed(b, testRSA().Public())
	d, _ := digesterByName("sha256")
	value := raise(padded(d.info(d.sum([]byte("other")), true)))
	tbs := make([]byte, 1000)
	for b.Loop() {
		if _, err := Explain(key, algorithm(cert.RSA, "sha256"), tbs, value); err != nil {
			b.Fatal(err)
		}
	}
}
