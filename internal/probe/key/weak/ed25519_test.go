package weak

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"slices"
	"testing"
)

func edOctets(y *big.Int, sign byte) []byte {
	b := y.FillBytes(make([]byte, 32))
	slices.Reverse(b)
	b[31] |= sign << 7
	return b
}

func TestEd25519(t *testing.T) {
	// The y of a point of order 8, as known from libsodium's blocklist; the
	// test below checks all that follow from it.
	eight, _ := hex.DecodeString("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
	eighth := slices.Clone(eight)
	slices.Reverse(eighth)
	y8 := new(big.Int).SetBytes(eighth)
	p := func(d int64) *big.Int { return new(big.Int).Add(edPrime, big.NewInt(d)) }
	tests := []struct {
		name string
		key  []byte
		want []Name
	}{
		{"order 1", edOctets(one, 0), []Name{SmallOrder}},
		{"order 1, sign set", edOctets(one, 1), []Name{NonCanonical, SmallOrder}},
		{"order 2", edOctets(p(-1), 0), []Name{SmallOrder}},
		{"order 2, sign set", edOctets(p(-1), 1), []Name{NonCanonical, SmallOrder}},
		{"order 4", edOctets(new(big.Int), 0), []Name{SmallOrder}},
		{"order 4, other x", edOctets(new(big.Int), 1), []Name{SmallOrder}},
		{"order 8", edOctets(y8, 0), []Name{SmallOrder}},
		{"order 8, other x", edOctets(y8, 1), []Name{SmallOrder}},
		{"order 8, other y", edOctets(new(big.Int).Sub(edPrime, y8), 0), []Name{SmallOrder}},
		{"p for 0", edOctets(p(0), 0), []Name{NonCanonical, SmallOrder}},
		{"p + 1 for 1", edOctets(p(1), 0), []Name{NonCanonical, SmallOrder}},
		{"p + 1 for 1, sign set", edOctets(p(1), 1), []Name{NonCanonical, SmallOrder}},
		{"p + 3 for 3, of full order", edOctets(p(3), 0), []Name{NonCanonical}},
		{"no x", edOctets(big.NewInt(2), 0), []Name{OffCurve}},
	}
	for _, test := range tests {
		got, ok := Ed25519(test.key)
		if !ok || !slices.Equal(namesOf(got), test.want) {
			t.Errorf("Ed25519(%s) = %v, %v, want %v", test.name, got, ok, test.want)
		}
	}
	if _, ok := Ed25519(make([]byte, 31)); ok {
		t.Error("Ed25519(31 octets) = known, want unknown")
	}
}

func TestEd25519Honest(t *testing.T) {
	for i := range byte(100) {
		seed := sha256.Sum256([]byte{i})
		key := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
		if got, ok := Ed25519(key); !ok || len(got) > 0 {
			t.Errorf("Ed25519(key %d) = %v, %v, want nothing", i, got, ok)
		}
	}
}

// The reason of the check: one signature fits under such a key.
func TestSmallOrderSigns(t *testing.T) {
	identity := edOctets(one, 0)
	signature := append(slices.Clone(identity), make([]byte, 32)...)
	if !ed25519.Verify(identity, []byte("anything"), signature) {
		t.Error("crypto/ed25519 refuses keys of small order now: say so in the comment")
	}
}

func BenchmarkEd25519(b *testing.B) {
	seed := sha256.Sum256(nil)
	key := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
	for b.Loop() {
		Ed25519(key)
	}
}
