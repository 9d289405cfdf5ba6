package lab

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Algorithms that stand in a DigestInfo: their object identifiers.
const (
	idSHA1   = "1.3.14.3.2.26"
	idSHA256 = "2.16.840.1.101.3.4.2.1"
	idSHA384 = "2.16.840.1.101.3.4.2.2"
)

// null is NULL in DER: the parameters of a hash algorithm.
var null = []byte{5, 0}

// digestInfo is the DigestInfo of RFC 8017 section 9.2 for a hash by this name,
// with these parameters, whatever they are.
func digestInfo(id string, params, digest []byte) []byte {
	return sequence(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oid(id))
			b.AddBytes(params)
		})
		b.AddASN1OctetString(digest)
	})
}

// block is the encoded message of RFC 8017 section 9.2 of size octets.
func block(size int, payload []byte) []byte {
	em := bytes.Repeat([]byte{0xff}, size)
	copy(em, []byte{0, 1})
	em[size-len(payload)-1] = 0
	copy(em[size-len(payload):], payload)
	return em
}

// power is what the private key makes of a block (RSASP1, RFC 8017 section
// 5.2.1), well-formed or not.
func power(k *Key, em []byte) []byte {
	private := k.Signer.(*rsa.PrivateKey)
	s := new(big.Int).Exp(new(big.Int).SetBytes(em), private.D, private.N)
	return s.FillBytes(make([]byte, private.Size()))
}

// pssBlock is the encoded message of EMSA-PSS with SHA-256 (RFC 8017 section
// 9.1.1), for a modulus of 8*size bits. The salt is the first octets of the
// digest's own hash.
func pssBlock(size, saltLen int, digest []byte) []byte {
	sum := sha256.Sum256(digest)
	salt := sum[:saltLen]
	h := sha256.Sum256(append(append(make([]byte, 8), digest...), salt...))
	em := make([]byte, size-len(h)-1, size)
	copy(em[len(em)-len(salt)-1:], append([]byte{1}, salt...))
	mask(em, h[:])
	em[0] &= 0x7f
	return append(append(em, h[:]...), 0xbc)
}

// oaepBlock is the encoded message of EME-OAEP with SHA-256 and no label (RFC
// 8017 section 7.1.1). The seed is the message's hash.
func oaepBlock(size int, message []byte) []byte {
	label, seed := sha256.Sum256(nil), sha256.Sum256(message)
	em := make([]byte, size)
	head, db := em[1:1+len(seed)], em[1+len(seed):]
	copy(head, seed[:])
	copy(db, label[:])
	copy(db[len(db)-len(message)-1:], append([]byte{1}, message...))
	mask(db, head)
	mask(head, db)
	return em
}

// mask is MGF1 with SHA-256 (RFC 8017 appendix B.2.1), added to out.
func mask(out, seed []byte) {
	for i := range out {
		sum := sha256.Sum256(binary.BigEndian.AppendUint32(bytes.Clone(seed), uint32(i/sha256.Size)))
		out[i] ^= sum[i%sha256.Size]
	}
}

// cubeRoot is the least number whose cube begins, as size octets, with these or
// the ones right after: octets behind them are free.
func cubeRoot(size int, head []byte) *big.Int {
	target := new(big.Int).Lsh(new(big.Int).SetBytes(head), uint(8*(size-len(head))))
	root := new(big.Int)
	for i := 8 * size / 3; i >= 0; i-- {
		root.SetBit(root, i, 1)
		if cube(root).Cmp(target) > 0 {
			root.SetBit(root, i, 0)
		}
	}
	return root.Add(root, big.NewInt(1))
}

// cubeRootEnding is the least number whose cube ends with these octets,
// of which the last is odd. It is found bit by bit, as cubing is one-to-one
// among odd numbers modulo powers of two.
func cubeRootEnding(tail []byte) *big.Int {
	want, root := new(big.Int).SetBytes(tail), big.NewInt(1)
	for i := 1; i < 8*len(tail); i++ {
		if cube(root).Bit(i) != want.Bit(i) {
			root.SetBit(root, i, 1)
		}
	}
	return root
}

func cube(x *big.Int) *big.Int {
	square := new(big.Int).Mul(x, x)
	return square.Mul(square, x)
}

func unhex(text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		panic("lab: " + text + " is not hexadecimal")
	}
	return b
}
