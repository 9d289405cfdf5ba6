package facts

import "time"

// Clock is what the signed times in the evidence say of the time at which it is
// judged, and of the order in which its certificates were made.
//
// A time is proven where the signature over it was verified with a key that is
// known: such a time is past. All others are claims, which count for nothing but
// doubt.
type Clock struct {
	Stamps []Stamp `fact:"stamps" doc:"times that somebody other than the leaf's issuer states: SCTs, stapled OCSP responses, CRLs, tree heads, and notBefore of CA certificates that a known CA vouches for"`
	// Floor is unknown where nothing is proven, as for most private CAs.
	Floor   *time.Time `fact:"not_earlier_than" doc:"the latest proven time: the present cannot be earlier; unknown where none is proven"`
	FloorBy string     `fact:"not_earlier_by" doc:"what proves it; empty where nothing does"`

	Behind       bool  `fact:"behind" doc:"the time of judgement is more than five minutes before the latest proven time"`
	BehindClaims bool  `fact:"behind_claims" doc:"the time of judgement is more than a day before a time that is claimed"`
	BehindBy     int64 `fact:"behind_hours" doc:"whole hours by which it is before the latest time, proven or claimed; 0 where it is not"`
	// Sound is unknown, with the reason, where either of these holds: then
	// nothing that depends on dates was checked.
	Sound      *bool `fact:"sound" doc:"no signed time contradicts the time of judgement; unknown where one does, because no date can be judged then"`
	SeenBehind bool  `fact:"seen_behind" doc:"the evidence was taken, by the clock of that machine, more than five minutes before the latest proven time"`
	Ahead      int64 `fact:"starts_in_hours" doc:"whole hours from the time of judgement until the leaf's notBefore, 0 where that is past"`

	Staples []Staple `fact:"staples" doc:"the OCSP responses that were stapled"`

	OlderBy    int64  `fact:"older_than_issuer_days" doc:"whole days by which the leaf's notBefore is before that of every certificate of the key that signed it, 0 where it is not or no such certificate is at hand"`
	OutlivesBy int64  `fact:"outlives_issuer_days" doc:"whole days by which the leaf's notAfter is after that of every certificate of the key that signed it, 0 where it is not or no such certificate is at hand"`
	IssuerRoot bool   `fact:"issuer_is_root" doc:"a certificate of the key that signed the leaf is self-issued"`
	Issuer     string `fact:"issuer" doc:"subject of the certificate whose key signed the leaf, as text; empty where none is at hand"`
}

// Stamp is one signed time.
type Stamp struct {
	Source string    `fact:"source" doc:"sct, ocsp, crl, tree-head or certificate"`
	Of     string    `fact:"of" doc:"who states it, or what: the log, thisUpdate, the subject of a certificate"`
	Time   time.Time `fact:"time" doc:"the time"`
	Proven bool      `fact:"proven" doc:"its signature was verified with a known key"`
}

// Staple is a stapled OCSP response (RFC 6960), as far as its times go. Its
// signature was not checked.
type Staple struct {
	Readable   bool       `fact:"readable" doc:"it could be read"`
	Answers    bool       `fact:"answers" doc:"it holds an answer for the leaf's serial number"`
	ProducedAt *time.Time `fact:"produced_at" doc:"when it was signed, by its own word; unknown where it holds no answers"`
	ThisUpdate *time.Time `fact:"this_update" doc:"when the status was known to be correct; unknown where there is no answer for the leaf"`
	NextUpdate *time.Time `fact:"next_update" doc:"when newer information comes at the latest; unknown where there is no answer for the leaf, or it does not say"`
	Stale      bool       `fact:"stale" doc:"its next update was before the time of judgement"`
	Future     bool       `fact:"future" doc:"it was made more than five minutes after the time of judgement"`
}

// Profile compares a certificate with what certificates of public CAs had to be,
// and could be, on its notBefore. Both lists are empty where nothing was found,
// and for CA certificates except where said.
type Profile struct {
	Server bool     `fact:"server" doc:"it is the certificate of a TLS server, as far as its key usages tell, and no CA's"`
	TooNew []string `fact:"too_new" doc:"what it has that did not exist on its notBefore: sct-list, leaf-index, log-shard, must-staple, delegated-credential, cabf-policy, cabf-policy-iv, organization-id, onion-descriptor, ed25519, ml-dsa, slh-dsa, rsa-pss, sha2, ecdsa-sha2, sha3"`
	Broken []string `fact:"broken" doc:"rules for public CAs in force on its notBefore that it breaks: version, md5, sha1, signature-algorithm, rsa-size, rsa-exponent, key-algorithm, serial, validity, internal-name, underscore, reserved-label, reverse-zone, organizational-unit, no-eku, any-eku, no-policy, no-cabf-policy, no-aki, no-ocsp, no-revocation, dv-organization, ev-wildcard; of a CA certificate precertificate-signer"`
}
