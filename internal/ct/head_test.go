package ct

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/lab"
)

// Every octet of a tree head is signed, and the octets that name the algorithms
// have to be those of the log's key: RFC 6962 section 2.1.4 knows ECDSA and RSA.
func TestVerifyHead(t *testing.T) {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	k := lab.LeafKey()
	p256 := labLog(k)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	old := NewLog("RSA", spki, false, "", "")
	withRSA := &TreeHead{Size: 300, Root: [32]byte{7}, Time: at}
	digest := sha256.Sum256(withRSA.Signed())
	sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	withRSA.Signature = append(binary.BigEndian.AppendUint16([]byte{hashSHA256, algorithmRSA}, uint16(len(sig))), sig...)
	for _, log := range []struct {
		name string
		log  *Log
		head *TreeHead
	}{{"ECDSA", p256, signedHead(t, k, 300, [32]byte{7}, at)}, {"RSA", old, withRSA}} {
		if err := log.log.VerifyHead(log.head); err != nil {
			t.Errorf("%s: %v", log.name, err)
		}
		for name, change := range map[string]func(*TreeHead){
			"another size":         func(h *TreeHead) { h.Size++ },
			"another root":         func(h *TreeHead) { h.Root[31] ^= 1 },
			"another time":         func(h *TreeHead) { h.Time = h.Time.Add(time.Millisecond) },
			"another hash":         func(h *TreeHead) { h.Signature[0]++ },
			"another algorithm":    func(h *TreeHead) { h.Signature[1] ^= algorithmECDSA ^ algorithmRSA },
			"another signature":    func(h *TreeHead) { h.Signature[len(h.Signature)-1] ^= 1 },
			"octets behind it":     func(h *TreeHead) { h.Signature = append(h.Signature, 0) },
			"a signature cut":      func(h *TreeHead) { h.Signature = h.Signature[:len(h.Signature)-1] },
			"the algorithms alone": func(h *TreeHead) { h.Signature = h.Signature[:2] },
			"one octet":            func(h *TreeHead) { h.Signature = h.Signature[:1] },
			"no signature":         func(h *TreeHead) { h.Signature = nil },
		} {
			h := *log.head
			h.Signature = slices.Clone(log.head.Signature)
			change(&h)
			if err := log.log.VerifyHead(&h); !errors.Is(err, ErrHeadSignature) {
				t.Errorf("%s, %s: VerifyHead = %v, want %v", log.name, name, err, ErrHeadSignature)
			}
		}
	}
	for _, tt := range []struct {
		size uint64
		ok   bool
	}{{0, true}, {maxTree, true}, {maxTree + 1, false}, {1<<64 - 1, false}} {
		if err := p256.VerifyHead(signedHead(t, k, tt.size, [32]byte{}, at)); (err == nil) != tt.ok {
			t.Errorf("a tree of %d: VerifyHead = %v, want ok %v", tt.size, err, tt.ok)
		}
	}
	if err := NewLog("broken", []byte{0x30, 0}, false, "", "").VerifyHead(withRSA); err == nil || errors.Is(err, ErrHeadSignature) {
		t.Errorf("a log without a usable key: VerifyHead = %v, want an error of its key", err)
	}
}
