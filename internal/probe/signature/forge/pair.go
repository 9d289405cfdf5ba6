package forge

import (
	"encoding/asn1"
	"math/big"

	"github.com/certassay/certassay/internal/cert"
)

// A Pair is the two numbers of an ECDSA or DSA signature (RFC 3279 section
// 2.2.2).
type Pair struct {
	R, S *big.Int
	// DER says that they were encoded as DER requires; some BER forms are read,
	// too.
	DER bool

	plain [2]*big.Int // without regard to the sign
}

// ParsePair reads a signature of ECDSA or DSA. It is false where there are no
// two integers.
func ParsePair(value []byte) (Pair, bool) {
	outer, rest, err := cert.Next(value)
	if err != nil || outer.ID != 0x30 {
		return Pair{}, false
	}
	r, body, err := cert.Next(outer.Body)
	if err != nil || r.ID != 0x02 || len(r.Body) == 0 {
		return Pair{}, false
	}
	s, body, err := cert.Next(body)
	if err != nil || s.ID != 0x02 || len(s.Body) == 0 {
		return Pair{}, false
	}
	p := Pair{R: signed(r.Body), S: signed(s.Body)}
	p.plain = [2]*big.Int{new(big.Int).SetBytes(r.Body), new(big.Int).SetBytes(s.Body)}
	p.DER = len(rest) == 0 && len(body) == 0 && shortest(outer) && shortest(r) && shortest(s) && minimal(r.Body) && minimal(s.Body)
	return p, true
}

// shortest says that an element has the header of DER (X.690 section 10.1).
func shortest(e cert.Element) bool {
	return len(e.Full) == cert.HeaderSize(len(e.Body))+len(e.Body)
}

// minimal says that no first octet of an integer could be left out (X.690 section
// 8.3.2).
func minimal(b []byte) bool {
	return len(b) == 1 || len(b) > 1 && !(b[0] == 0 && b[1] < 0x80 || b[0] == 0xff && b[1] >= 0x80)
}

// signed reads two's complement (X.690 section 8.3).
func signed(b []byte) *big.Int {
	v := new(big.Int).SetBytes(b)
	if b[0]&0x80 != 0 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return v
}

// Encode is the DER encoding.
func (p Pair) Encode() []byte {
	b, err := asn1.Marshal(struct{ R, S *big.Int }{p.R, p.S})
	if err != nil {
		panic("forge: encoding two integers: " + err.Error())
	}
	return b
}

// Zero says that one of the numbers is zero.
func (p Pair) Zero() bool { return p.R.Sign() == 0 || p.S.Sign() == 0 }

func explainPair(key *cert.Key, alg cert.Algorithm, message, value []byte) (Result, error) {
	g, err := groupOf(key)
	if err != nil {
		return Result{}, err
	}
	p, ok := ParsePair(value)
	if !ok {
		return Result{Trick: NotAPair}, nil
	}
	if p.Zero() {
		return Result{Trick: Zero, Detail: "r or s is zero"}, nil
	}
	d, known := digesterByName(alg.Hash)
	verifies := func(p Pair) bool { return known && g.verifies(d.sum(message), p) }
	inside := p.inside(g.order())
	switch reduced := p.reduced(g.order()); {
	case inside && p.DER && verifies(p):
		return Result{Trick: Exact}, nil
	case inside && !p.DER && verifies(p):
		return Result{Trick: Reencoded, Detail: "not DER"}, nil
	// An integer whose first bit is set was meant to be positive.
	case !inside && verifies(p.unsigned()):
		return Result{Trick: Reencoded, Detail: "an integer without its leading zero"}, nil
	case !inside && !reduced.Zero() && verifies(reduced):
		return Result{Trick: NotReduced, Detail: "the order of the group was added"}, nil
	case !inside:
		return Result{Trick: OutOfRange, Detail: "r or s is negative or not below the order of the group"}, nil
	}
	for _, other := range digesters {
		if other.name != alg.Hash && g.verifies(other.sum(message), p) {
			return Result{Trick: HashSubstitution, Detail: "signed over " + other.name, Hash: other.name}, nil
		}
	}
	switch {
	case trivial(p.R, g.order()) || trivial(p.S, g.order()):
		return Result{Trick: Trivial, Detail: "r or s is a number that nobody computed"}, nil
	case !p.DER:
		return Result{Trick: NotDER}, nil
	}
	return Result{Trick: ForeignKey}, nil
}

func (p Pair) inside(n *big.Int) bool {
	return p.R.Sign() > 0 && p.S.Sign() > 0 && p.R.Cmp(n) < 0 && p.S.Cmp(n) < 0
}

func (p Pair) reduced(n *big.Int) Pair {
	return Pair{R: new(big.Int).Mod(p.R, n), S: new(big.Int).Mod(p.S, n)}
}

// unsigned reads negative numbers as if their leading zero had been forgotten.
func (p Pair) unsigned() Pair { return Pair{R: p.plain[0], S: p.plain[1]} }
