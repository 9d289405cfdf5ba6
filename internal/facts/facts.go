// Package facts is the vocabulary that rules speak: plain structs with nothing
// but values, computed from evidence by probes.
//
// # Unknown
//
// A fact that could not be established is unknown, never false. A nil pointer
// and a nil slice mean unknown; an empty slice means "known to be none". A rule
// that reads an unknown fact is inconclusive, with the reason that the probe
// left in [Facts.Reasons].
//
// # Names
//
// The fact tag is the name in rule files and never changes its meaning; the doc
// tag is what "certassay schema facts" prints. Fields are only ever added.
//
// # Scopes
//
// Cert and At depend on nothing but one certificate, its role in the chain and
// the time of judgement, and SCTs also on the certificates that may be its
// issuer: rules that read only these are evaluated once per certificate and
// issuers, and their outcome is kept by the hash of these. In a chain or endpoint
// rule, cert is the leaf.
package facts

import "time"

// Facts is everything a rule can read about one subject.
type Facts struct {
	At         *time.Time  `fact:"at" doc:"the time at which certificates are judged (--at, or when they were seen)"`
	Cert       *Cert       `fact:"cert" doc:"the certificate being judged; in chain and endpoint rules the leaf"`
	SCTs       []SCT       `fact:"scts" doc:"the SCTs that belong to the certificate being judged, from every source"`
	CT         *CT         `fact:"ct" doc:"what the SCTs of the leaf amount to together"`
	Inclusion  *Inclusion  `fact:"inclusion" doc:"what the logs show of the SCTs that came with the leaf (--online ct)"`
	Chain      *Chain      `fact:"chain" doc:"the certificates as served or found, and what vouches for them"`
	Clock      *Clock      `fact:"clock" doc:"what signed times say of the time of judgement, and of the dates of the chain"`
	Distrust   []Distrust  `fact:"distrust" doc:"what root programs decided about the CAs above the leaf"`
	Revocation *Revocation `fact:"revocation" doc:"what OCSP responses and revocation lists say of the chain"`
	Endpoint   *Endpoint   `fact:"endpoint" doc:"the live server: its handshakes and how they went"`
	Log        *Log        `fact:"log" doc:"the CT log that an entry is in, the entry, and what the log signed"`
	Ledger     *Ledger     `fact:"ledger" doc:"what an owner's inventory and servers say of a logged certificate (audit)"`
	Expect     *Expect     `fact:"expect" doc:"what the owner expects of the subject, beside what was seen"`
	DNS        *DNS        `fact:"dns" doc:"what name servers say of the name that was asked for (--online dns)"`
	Corpus     *Corpus     `fact:"corpus" doc:"what all certificates of the run show together; only for rules of subject corpus"`

	// Reasons says why a fact is unknown, by its path ("chain.anchor_expected").
	Reasons map[string]string
}
