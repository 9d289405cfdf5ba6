package key

import (
	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/probe/key/known"
	"github.com/certassay/certassay/internal/probe/key/weak"
)

// weaknesses fills in what the numbers of the key say.
func weaknesses(f *facts.Key, k *cert.Key) {
	results, ok := examine(k)
	if !ok {
		return
	}
	f.Weaknesses = []string{}
	for _, r := range results {
		f.Weaknesses = append(f.Weaknesses, string(r.Name))
		f.Broken = f.Broken || r.Recovered
	}
}

// examine calls the checks for this kind of key. Of kinds and curves without a
// check it is known that nothing was found; another fact says what they are.
func examine(k *cert.Key) (results []weak.Result, ok bool) {
	switch {
	case k.Algorithm == cert.RSA && len(k.N) > 0 && len(k.E) > 0:
		return weak.RSA(k.N, k.E)
	case k.Algorithm == cert.ECDSA:
		results, _ = weak.EC(k.Curve, k.Point, k.Public)
	case k.Algorithm == cert.Ed25519:
		results, _ = weak.Ed25519(k.Public)
	}
	return results, true
}

// lookup gives what the tables say; nil where one of them could not be read.
func lookup(tables known.Tables, spki []byte, k *cert.Key) *facts.KnownKey {
	hit, err := tables.Lookup(spki, k)
	if err != nil {
		return nil
	}
	return &facts.KnownKey{List: hit.List, Source: hit.Source}
}
