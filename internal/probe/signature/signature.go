// Package signature turns the signature on a certificate into facts, and checks
// who made it.
package signature

import (
	"bytes"
	"crypto/sha256"
	"sync"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
)

// Signature gives the facts about the signature on a certificate, without
// checking it; nil where the walk did not get there.
func Signature(c *cert.Certificate) *facts.Sig {
	if c.SPKI == nil {
		return nil
	}
	alg := c.SignatureAlgorithm()
	return &facts.Sig{
		Algorithm: alg.Name, Hash: alg.Hash,
		InnerOuter: bytes.Equal(c.SigAlgInner, c.SigAlgOuter),
		Bits:       int64(8*len(c.Signature) - c.SignatureUnused),
		Empty:      len(c.Signature) == 0,
		Parameters: alg.Odd,
		Form:       form(alg, c.Signature),
		Collision:  collided(c, alg),
	}
}

// SignedByOwnKey says whether a certificate's signature verifies under its own
// key; nil where that cannot be checked.
func SignedByOwnKey(c *cert.Certificate, check *Checker) *bool {
	outcome := check.Check(c, c)
	if outcome == cert.Unsupported {
		return nil
	}
	yes := outcome == cert.Verified
	return &yes
}

// maxMemory is how many answers a Checker keeps, about 3 MB. Chains of one CA
// share their upper links, and a check under a P-384 key costs 700 µs.
const maxMemory = 1 << 15

// A Checker checks signatures and remembers the answers. The zero value is
// ready; it is safe for concurrent use and must not be copied.
type Checker struct {
	mu     sync.Mutex
	recent map[pair]cert.Outcome
	older  map[pair]cert.Outcome
}

type pair [32]byte

// Check says whether the key of issuer made the signature on child. Names do not
// matter.
func (k *Checker) Check(child, issuer *cert.Certificate) cert.Outcome {
	if issuer.SPKI == nil {
		return cert.Unsupported
	}
	return k.CheckKey(child, issuer.SPKI, &issuer.Key)
}

// CheckKey is [Checker.Check] for an issuer of which no more than the key is known:
// its SubjectPublicKeyInfo, and the same as it was read.
func (k *Checker) CheckKey(child *cert.Certificate, spki []byte, key *cert.Key) cert.Outcome {
	if child.SPKI == nil {
		return cert.Unsupported
	}
	// A key of another kind than the signature's algorithm never made it; most
	// questions end here, and cost no hash.
	if cheap, answered := mismatch(child, key); answered {
		return cheap
	}
	p := pairOf(child, spki)
	if outcome, ok := k.recall(p); ok {
		return outcome
	}
	outcome, _ := child.CheckSignature(key)
	k.remember(p, outcome)
	return outcome
}

func mismatch(child *cert.Certificate, key *cert.Key) (cert.Outcome, bool) {
	alg := child.SignatureAlgorithm()
	if alg.Err != nil || alg.Key == "" || key.Err != nil || key.Algorithm == "" ||
		!bytes.Equal(child.SigAlgInner, child.SigAlgOuter) {
		return cert.Unsupported, false
	}
	return cert.Mismatch, alg.Key != key.Algorithm
}

func pairOf(child *cert.Certificate, spki []byte) pair {
	h := sha256.New()
	a, b := child.SHA256(), sha256.Sum256(spki)
	h.Write(a[:])
	h.Write(b[:])
	return pair(h.Sum(nil))
}

func (k *Checker) recall(p pair) (cert.Outcome, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if o, ok := k.recent[p]; ok {
		return o, true
	}
	o, ok := k.older[p]
	return o, ok
}

func (k *Checker) remember(p pair, o cert.Outcome) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.recent == nil || len(k.recent) >= maxMemory/2 {
		k.older, k.recent = k.recent, make(map[pair]cert.Outcome)
	}
	k.recent[p] = o
}
