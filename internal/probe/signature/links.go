package signature

import (
	"bytes"
	"crypto"
	"encoding/hex"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/probe/signature/forge"
	"github.com/certassay/certassay/internal/trust"
)

// Limits on one chain. What lies behind them is not looked at, and then only what
// was found is known.
const (
	// maxLinks bounds the certificates; honest chains have four.
	maxLinks = 32
	// maxTries bounds the keys that signatures are seen with: a server can send
	// many certificates under one name, and each try costs 0.1 ms or more.
	maxTries = 64
)

// TooLong is the reason why [Links] does not know.
const TooLong = "the chain has more certificates than are looked at"

// reencoded are the quirks with which the signed part may stand in another
// encoding than the one that was signed; then a hash that differs means nothing.
const reencoded = cert.IndefiniteLength | cert.NonMinimalLength | cert.NonMinimalInteger

// Links looks at every signature of a chain with the keys that bear its issuer's
// name, in the chain and among known CAs. It gives those that none of them
// verifies, with what is wrong with them, and pairs that share a nonce. Both are
// nil where a limit was reached and nothing was found.
func Links(chain []*cert.Certificate, known *trust.Store, check *Checker) ([]facts.BadSignature, []facts.NonceReuse) {
	w := &walk{chain: chain, known: known, check: check, bad: []facts.BadSignature{}, reuse: []facts.NonceReuse{}}
	w.index = make(map[[32]byte]int, len(chain))
	for i, c := range chain[:min(len(chain), maxLinks)] {
		if _, again := w.index[c.SHA256()]; again || c.SPKI == nil || c.TBS == nil || len(c.Signature) == 0 {
			continue
		}
		w.index[c.SHA256()] = i
		w.link(i)
	}
	if len(chain) > maxLinks || w.tries > maxTries {
		if len(w.bad) == 0 {
			w.bad = nil
		}
		if len(w.reuse) == 0 {
			w.reuse = nil
		}
	}
	return w.bad, w.reuse
}

type walk struct {
	chain  []*cert.Certificate
	known  *trust.Store
	check  *Checker
	tries  int
	index  map[[32]byte]int // of certificates that were looked at
	nonces forge.NonceIndex
	bad    []facts.BadSignature
	reuse  []facts.NonceReuse
}

// An issuer is a certificate that may have signed another.
type issuer struct {
	*cert.Certificate
	served bool
}

// issuers are those that bear the name of the certificate's issuer.
func (w *walk) issuers(c *cert.Certificate) (out []issuer) {
	name := c.Issuer.Normal()
	for _, other := range w.chain[:min(len(w.chain), maxLinks)] {
		if other.SPKI != nil && name != "" && other.Subject.Normal() == name {
			out = append(out, issuer{other, true})
		}
	}
	for _, ca := range w.known.ByName(&c.Issuer) {
		out = append(out, issuer{ca.Certificate, false})
	}
	// Of disclosed CAs only those whose key is named: names outlive keys, and the
	// list has no keys that were given up.
	aki := c.AuthorityKeyID().Value.KeyID
	for _, ca := range w.known.DisclosedByName(&c.Issuer) {
		if len(aki) > 0 && bytes.Equal(aki, ca.KeyID) {
			out = append(out, issuer{ca.CA, false})
		}
	}
	return out
}

func (w *walk) link(i int) {
	c := w.chain[i]
	issuers := w.issuers(c)
	for _, by := range issuers {
		if w.tries++; w.tries > maxTries {
			return
		}
		if w.check.Check(c, by.Certificate) == cert.Verified {
			w.nonce(c, by)
			return
		}
	}
	var best facts.BadSignature
	for _, by := range issuers {
		if w.tries++; w.tries > maxTries {
			break
		}
		if f, ok := w.explain(c, by); ok && (best.Trick == "" || best.Trick == string(forge.ForeignKey) || f.NoKey) {
			best = f
		}
	}
	if best.Trick != "" {
		best.Index = int64(i)
		w.bad = append(w.bad, best)
	}
}

// explain looks at a signature with one key.
func (w *walk) explain(c *cert.Certificate, by issuer) (facts.BadSignature, bool) {
	r, err := forge.Explain(&by.Key, c.SignatureAlgorithm(), c.TBS, c.Signature)
	if err != nil || r.Trick == forge.Exact || r.Trick == forge.Transplant && c.Quirks&reencoded != 0 {
		return facts.BadSignature{}, false
	}
	f := facts.BadSignature{
		Subject: c.Subject.String(), Issuer: by.Subject.String(), Served: by.served,
		Trick: string(r.Trick), Detail: r.Detail, NoKey: r.NoPrivateKey, Hash: r.Hash,
	}
	if r.Trick == forge.Transplant {
		f.Original = w.original(r)
	}
	return f, true
}

// original finds the certificate of the chain whose signed part has the hash
// that was found in a signature.
func (w *walk) original(r forge.Result) string {
	h := hashes[r.Hash]
	if h == 0 || len(r.Digest) == 0 {
		return ""
	}
	for _, c := range w.chain[:min(len(w.chain), maxLinks)] {
		sum := h.New()
		sum.Write(c.TBS)
		if string(sum.Sum(nil)) == string(r.Digest) {
			id := c.SHA256()
			return "sha256:" + hex.EncodeToString(id[:])
		}
	}
	return ""
}

var hashes = map[string]crypto.Hash{
	"md5": crypto.MD5, "sha1": crypto.SHA1, "sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512,
}

// nonce remembers a signature that verifies.
func (w *walk) nonce(c *cert.Certificate, by issuer) {
	r, ok := w.nonces.Add(c, by.Certificate)
	if !ok {
		return
	}
	w.reuse = append(w.reuse, facts.NonceReuse{
		First: int64(w.index[r.First]), Second: int64(w.index[r.Second]), Issuer: by.Subject.String(),
		Key: by.Pin(), Recovered: r.Recovered, Malleated: r.Malleated,
	})
}
