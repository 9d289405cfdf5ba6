package cert

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"math/big"
	"slices"
	"testing"
)

// p256Key is a deterministic key, the nth.
func p256Key(t testing.TB, n int64) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), new(big.Int).Add(big.NewInt(n), new(big.Int).SetBytes(stream("p256", 31))).FillBytes(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func publicOctets(t testing.TB, k *ecdsa.PrivateKey) []byte {
	t.Helper()
	b, err := k.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The table multiplies as the curve does, at the ends of all digits as elsewhere.
func TestPointTableTimes(t *testing.T) {
	n := orderP256().n
	k := p256Key(t, 1)
	table := newPointTable(publicOctets(t, k))
	scalars := []*big.Int{new(big.Int), big.NewInt(1), new(big.Int).Sub(n, big.NewInt(1)), n, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))}
	for bit := range uint(256) {
		power := new(big.Int).Lsh(big.NewInt(1), bit)
		scalars = append(scalars, power, new(big.Int).Sub(power, big.NewInt(1)), new(big.Int).SetBytes(stream("scalar "+power.String(), 32)))
	}
	for _, d := range []int64{63, 64, 65, 127} {
		x := new(big.Int) // the same digit everywhere
		for range digits {
			x.Lsh(x, digitBits).Add(x, big.NewInt(d))
		}
		scalars = append(scalars, x.Rsh(x, digits*digitBits-256))
	}
	d, _ := k.Bytes()
	secret := new(big.Int).SetBytes(d)
	for _, x := range scalars {
		got := table.times(x.FillBytes(make([]byte, 32))).Bytes()
		want := []byte{0} // infinity
		if y := new(big.Int).Mul(x, secret); y.Mod(y, n).Sign() > 0 {
			p, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), y.FillBytes(make([]byte, 32)))
			if err != nil {
				t.Fatal(err)
			}
			want = publicOctets(t, p)
		}
		if !slices.Equal(got, want) {
			t.Errorf("times(%x) = %x, want %x", x, got, want)
		}
	}
}

// signedP256 gives the numbers of a signature that verifies, the same each time.
func signedP256(t testing.TB, k *ecdsa.PrivateKey, digest []byte) (r, s *big.Int) {
	t.Helper()
	sig, err := k.Sign(nil, digest, crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	err = each(sig, idSequence, func(e Element) error {
		r, s = s, new(big.Int).SetBytes(e.Body)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, s
}

// FuzzPoints: a key with a table answers as crypto/ecdsa, for numbers of a signature
// that verifies, moved and multiplied, and for any octets in place of one.
func FuzzPoints(f *testing.F) {
	n := orderP256().n
	f.Add(int64(1), []byte("message"), []byte{}, []byte{}, []byte{})
	f.Add(int64(2), []byte("message"), []byte{1}, []byte{}, []byte{0x30, 0})
	f.Add(int64(3), []byte{}, n.Bytes(), n.Bytes(), []byte{0x30, 6, 2, 1, 1, 2, 1, 1})
	f.Add(int64(4), []byte{1}, []byte{}, []byte{2}, []byte{0x30, 7, 2, 2, 0, 1, 2, 1, 1})
	f.Fuzz(func(t *testing.T, seed int64, message, moveR, moveS, raw []byte) {
		if len(moveR) > 64 || len(moveS) > 64 || seed < 0 {
			return
		}
		k := p256Key(t, seed)
		table := newPointTable(publicOctets(t, k))
		digest := sha256.Sum256(message)
		r, s := signedP256(t, k, digest[:])
		dr, ds := new(big.Int).SetBytes(moveR), new(big.Int).SetBytes(moveS)
		pair := func(r, s *big.Int) []byte { return seq(integerTLV(r), integerTLV(s)) }
		plain := pair(r, s)
		for name, sig := range map[string][]byte{
			"signed": plain, "moved": pair(new(big.Int).Add(r, dr), new(big.Int).Add(s, ds)),
			"negated": pair(r, new(big.Int).Sub(n, s)), "above": pair(r, new(big.Int).Add(n, s)), "below": pair(dr, ds),
			"raw": raw, "longer": append(slices.Clone(plain), raw...), "inside": seq(integerTLV(r), integerTLV(s), raw),
			"zero": pair(new(big.Int), s), "other zero": pair(r, new(big.Int)),
		} {
			for _, d := range [][sha256.Size]byte{digest, {}, [32]byte(n.Bytes())} {
				want := ecdsa.VerifyASN1(&k.PublicKey, d[:], sig)
				if got := table.verify(d, sig); got != want {
					t.Errorf("%s: verify(%x, %x) by key %d = %v, want %v", name, d, sig, seed, got, want)
				}
				if name == "signed" && d == digest && !want {
					t.Error("the signature does not verify")
				}
			}
		}
	})
}

// A key gets a table once it is worth it, keeps it while it is used, and no more keys
// have one than are allowed.
func TestPoints(t *testing.T) {
	var p Points
	used := publicOctets(t, p256Key(t, 0))
	for i := range 2 * worthTable {
		if got, want := p.table(used) != nil, i+1 >= worthTable; got != want {
			t.Fatalf("a table before check %d = %v, want %v", i+1, got, want)
		}
	}
	for i := range int64(4 * maxPoints) {
		p.table(publicOctets(t, p256Key(t, 1+i)))
		if p.table(used) == nil {
			t.Fatal("the table of a key in use is lost")
		}
		if n := len(p.recent) + len(p.older); n > maxPoints {
			t.Fatalf("%d keys are kept, more than %d", n, maxPoints)
		}
	}
	off := slices.Clone(used)
	off[64] ^= 1
	for range 2 * worthTable {
		if p.table(off) != nil || p.table(used[:64]) != nil || (*Points)(nil).table(used) != nil {
			t.Fatal("a table of no point")
		}
	}
}

// Many goroutines check with one key, and all get the same answer.
func TestPreparedECDSA(t *testing.T) {
	k := p256Key(t, 7)
	key := ParseKey(seq(seq(oidTLV(oidEC), oidTLV("\x2a\x86\x48\xce\x3d\x03\x01\x07")), tlv(3, append([]byte{0}, publicOctets(t, k)...))))
	var p Points
	key.Prepare(&p)
	alg := parseAlgorithm(seq(oidTLV("\x2a\x86\x48\xce\x3d\x04\x03\x02")))
	digest := sha256.Sum256([]byte("message"))
	r, s := signedP256(t, k, digest[:])
	sig := seq(integerTLV(r), integerTLV(s))
	done := make(chan struct{})
	for range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			for range worthTable {
				checkAll(t, &key, alg, []byte("message"), sig)
			}
		}()
	}
	for range 4 {
		<-done
	}
	if p.table(key.Public) == nil {
		t.Error("the key has no table")
	}
}

func BenchmarkPoints(b *testing.B) {
	k := p256Key(b, 1)
	digest := sha256.Sum256(nil)
	r, s := signedP256(b, k, digest[:])
	sig := seq(integerTLV(r), integerTLV(s))
	table := newPointTable(publicOctets(b, k))
	b.Run("library", func(b *testing.B) {
		for b.Loop() {
			ecdsa.VerifyASN1(&k.PublicKey, digest[:], sig)
		}
	})
	b.Run("table", func(b *testing.B) {
		for b.Loop() {
			table.verify(digest, sig)
		}
	})
	b.Run("making the table", func(b *testing.B) {
		for b.Loop() {
			newPointTable(publicOctets(b, k))
		}
	})
}
