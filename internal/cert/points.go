package cert

import (
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"sync"

	"filippo.io/bigmod"
	"filippo.io/nistec"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Points holds multiples of P-256 keys that check many signatures, with which one
// takes half the time: crypto/ecdsa doubles the key's point 256 times for each. A
// key gets its table, of 0.2 MB, once it has checked [worthTable] signatures. The
// answers stay the same. The zero value is ready; it is safe for concurrent use.
type Points struct {
	mu            sync.Mutex
	recent, older map[pointOctets]*pointUse
}

// maxPoints is how many keys have a table at a time, 15 MB in all: whoever fills a
// log under thousands of issuers gets them counted anew, and no more memory.
const maxPoints = 64

// worthTable is how many signatures a key checks before it gets a table, which takes
// the time that 30 of them save.
const worthTable = 64

// pointOctets is an uncompressed point (SEC 1 section 2.3.3).
type pointOctets [65]byte

// A pointUse counts the signatures of a key. Its fields belong to who holds the lock
// of [Points]; the table itself never changes.
type pointUse struct {
	checks int
	table  *pointTable
}

// table gives what is known of a key, and counts that it was asked for. It is nil
// for a nil receiver, and for a key that has no table yet or is no point.
func (p *Points) table(public []byte) *pointTable {
	if p == nil || len(public) != len(pointOctets{}) {
		return nil
	}
	p.mu.Lock()
	u := p.use(pointOctets(public))
	u.checks++
	t, due := u.table, u.checks == worthTable
	p.mu.Unlock()
	if !due {
		return t
	}
	t = newPointTable(public)
	p.mu.Lock()
	u.table = t
	p.mu.Unlock()
	return t
}

// use is called with the lock held.
func (p *Points) use(k pointOctets) *pointUse {
	if u := p.recent[k]; u != nil {
		return u
	}
	u := p.older[k]
	if u == nil {
		u = &pointUse{}
	}
	if p.recent == nil || len(p.recent) >= maxPoints/2 {
		p.older, p.recent = p.recent, make(map[pointOctets]*pointUse)
	}
	p.recent[k] = u
	return u
}

// A scalar is taken apart into digits of seven bits from -63 to 64, so that a product
// is a sum of 37 points of the table or their opposites.
const (
	digitBits = 7
	digits    = 37
	halfDigit = 1 << (digitBits - 1)
)

// A pointTable holds the multiples 1 to 64 of 2^(7i) times a key's point.
type pointTable [digits][halfDigit]nistec.P256Point

// newPointTable is nil for octets that are no point of the curve.
func newPointTable(public []byte) *pointTable {
	base, err := nistec.NewP256Point().SetBytes(public)
	if err != nil {
		return nil
	}
	t := new(pointTable)
	for i := range t {
		row := &t[i]
		row[0].Set(base)
		for j := 1; j < halfDigit; j++ {
			row[j].Add(&row[j-1], base)
		}
		base.Double(&row[halfDigit-1])
	}
	return t
}

// times is the key's point times a scalar of 32 octets, the highest first. The time
// that it takes tells the scalar, which anybody can compute from a signature.
func (t *pointTable) times(scalar []byte) *nistec.P256Point {
	var words [5]uint64
	for i := range 4 {
		words[i] = binary.BigEndian.Uint64(scalar[24-8*i:])
	}
	sum, opposite, carry := nistec.NewP256Point(), nistec.NewP256Point(), 0
	for i := range t {
		at := i * digitBits
		digit := int((words[at/64]>>(at%64)|words[at/64+1]<<(64-at%64))&(2*halfDigit-1)) + carry
		carry = 0
		switch {
		case digit > halfDigit:
			// 128 less here is one more in the next digit; the last one is far below.
			carry = 1
			if digit < 2*halfDigit {
				sum.Add(sum, opposite.Negate(&t[i][2*halfDigit-digit-1]))
			}
		case digit > 0:
			sum.Add(sum, &t[i][digit-1])
		}
	}
	return sum
}

// orderP256 is the order of the base point of P-256 (SEC 2 section 2.4.2).
var orderP256 = sync.OnceValue(func() *pointOrder {
	n, _ := new(big.Int).SetString("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)
	m, err := bigmod.NewModulus(n.Bytes())
	if err != nil {
		panic(err) // it is odd
	}
	return &pointOrder{n, m}
})

type pointOrder struct {
	n       *big.Int
	modulus *bigmod.Modulus
}

// verify is FIPS 186-5 section 6.4.2, for what crypto/ecdsa takes as a signature and
// no other encoding.
func (t *pointTable) verify(digest [sha256.Size]byte, signature []byte) bool {
	order := orderP256()
	r, s, ok := readPair(signature, order.modulus)
	if !ok {
		return false
	}
	inverse := new(big.Int).SetBytes(s.Bytes(order.modulus))
	inverse.ModInverse(inverse, order.n)
	w, err := bigmod.NewNat().SetBytes(inverse.FillBytes(make([]byte, 32)), order.modulus)
	if err != nil {
		return false
	}
	e, err := bigmod.NewNat().SetOverflowingBytes(digest[:], order.modulus)
	if err != nil {
		return false
	}
	p, err := nistec.NewP256Point().ScalarBaseMult(e.Mul(w, order.modulus).Bytes(order.modulus))
	if err != nil {
		return false
	}
	q := t.times(w.Mul(r, order.modulus).Bytes(order.modulus))
	x, err := p.Add(p, q).BytesX() // an error at infinity
	if err != nil {
		return false
	}
	v, err := bigmod.NewNat().SetOverflowingBytes(x, order.modulus)
	return err == nil && v.Equal(r) == 1
}

// readPair reads a signature (RFC 3279 section 2.2.3) in DER, of two numbers between
// zero and the order.
func readPair(signature []byte, order *bigmod.Modulus) (r, s *bigmod.Nat, ok bool) {
	var inner cryptobyte.String
	var first, second []byte
	input := cryptobyte.String(signature)
	if !input.ReadASN1(&inner, asn1.SEQUENCE) || !input.Empty() ||
		!inner.ReadASN1Integer(&first) || !inner.ReadASN1Integer(&second) || !inner.Empty() {
		return nil, nil, false
	}
	r, err := bigmod.NewNat().SetBytes(first, order)
	if err != nil || r.IsZero() == 1 {
		return nil, nil, false
	}
	s, err = bigmod.NewNat().SetBytes(second, order)
	return r, s, err == nil && s.IsZero() == 0
}
