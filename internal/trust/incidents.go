package trust

import (
	"crypto/sha1" //nolint:gosec // some publishers give no better hash, and a second preimage is out of reach
	"crypto/sha256"
	"encoding/hex"

	"github.com/certassay/certassay/internal/cert"
)

// A Meaning says what it means that a certificate stands in the table of
// incidents. The zero value means that it does not.
type Meaning string

// The meanings. Those of a CA or a key hold for whatever else has the key;
// those of a single certificate do not.
const (
	// Forged was made without the right to its names, or altered.
	Forged Meaning = "forged"
	// Misissued came from a CA, for somebody without the right to its names.
	Misissued Meaning = "misissued"
	// Defective broke the rules for issuing, for the right subscriber.
	Defective Meaning = "defective"
	// RogueCA is a CA that had no business to be one, or was used to intercept.
	RogueCA Meaning = "rogue-ca"
	// LaxCA is a CA that issued certificates of the meaning Misissued, beside
	// those of its own customers.
	LaxCA Meaning = "lax-ca"
	// Interception is a CA that exists to intercept, or a leaf below one.
	Interception Meaning = "interception"
	// UnboundedCA is outside every browser programme, and clients that were
	// told to trust it accept any name from it.
	UnboundedCA Meaning = "unbounded-ca"
	// LeakedCAKey is a CA whose private key is public.
	LeakedCAKey Meaning = "leaked-ca-key"
	// LeakedKey is another key whose private half is public or was stolen.
	LeakedKey Meaning = "leaked-key"
	// WeakKey is a key whose private half can be computed.
	WeakKey Meaning = "weak-key"
	// Attackers is the certificate of an attack tool or of an attacker's server.
	Attackers Meaning = "attack-tool"
	// Lookalike was issued by the rules for a name registered to deceive.
	Lookalike Meaning = "lookalike"
	// Research was made to show an attack; nobody is known to have used it.
	Research Meaning = "research"
	// OverrideStub is a copy that a browser vendor made to block the original.
	OverrideStub Meaning = "override-stub"
)

var meanings = []Meaning{
	Forged, Misissued, Defective, RogueCA, LaxCA, Interception, UnboundedCA, LeakedCAKey, LeakedKey,
	WeakKey, Attackers, Lookalike, Research, OverrideStub,
}

// An Incident is a documented case, and what a match in its records means.
type Incident struct {
	// ID is permanent: a word and usually the year.
	ID string
	// Year is that of the events.
	Year int
	// Title names the case, Account tells it in a few sentences.
	Title, Account string
	// Sources are https addresses, the best first.
	Sources []string
	// Means is what the matched record means; Record names it: the common name
	// of the certificate or the owner of the key.
	Means  Meaning
	Record string
	// By is what matched: certificate, key, issuer-serial, or signer.
	By string
}

// What an Incident was matched by.
const (
	ByCertificate = "certificate"
	ByKey         = "key"
	BySerial      = "issuer-serial"
	BySigner      = "signer"
)

// FindIncident says whether a certificate, its key, or its issuer and serial
// number are those of a documented incident. The certificate itself comes
// first: a copy of a listed certificate may be listed for another reason.
func FindIncident(c *cert.Certificate) (Incident, bool) {
	if i := incidents().find(c); i != nil {
		return *i, true
	}
	return Incident{}, false
}

// find is nil for a certificate that is not on record.
func (t *incidentTable) find(c *cert.Certificate) *Incident {
	// Most of what is looked up is on no record, which takes no memory to say.
	var space [2*sha256.Size + 64]byte
	sum := c.SHA256()
	if i := t.certificates[string(hex.AppendEncode(space[:0], sum[:]))]; i != nil {
		return i
	}
	old := sha1.Sum(c.Raw) //nolint:gosec // see the import
	if i := t.sha1[string(hex.AppendEncode(space[:0], old[:]))]; i != nil {
		return i
	}
	if spki, ok := c.SPKISHA256(); ok {
		if i := t.keys[string(hex.AppendEncode(space[:0], spki[:]))]; i != nil {
			return i
		}
	}
	if c.Issuer.Raw != nil && c.SerialErr == nil {
		name := sha256.Sum256(c.Issuer.Raw)
		key := append(hex.AppendEncode(space[:0], name[:]), ':')
		if i := t.serials[string(hex.AppendEncode(key, c.Serial))]; i != nil {
			return i
		}
	}
	return nil
}

// NamedIncident gives the account of the incident with this id, without a
// meaning: other tables, such as that of known private keys, name it.
func NamedIncident(id string) (Incident, bool) {
	if i := incidents().byID[id]; i != nil {
		return *i, true
	}
	return Incident{}, false
}

// A Signer is a CA of an incident whose key is at hand.
type Signer struct {
	// Certificate holds nothing but a subject and a key.
	Certificate *cert.Certificate
	Incident    Incident
}

// Signers gives the CAs of incidents that bear a name, compared as normalised
// text: whoever has their keys need not send their certificates along.
func Signers(issuer *cert.Name) []Signer {
	var out []Signer
	normal := issuer.Normal()
	if normal == "" {
		return nil
	}
	for _, s := range incidents().signers[normal] {
		out = append(out, Signer{s.key, *s.incident})
	}
	return out
}
