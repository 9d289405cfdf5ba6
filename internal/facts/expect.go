package facts

// Expect is what the owner expects of the subject, beside what was seen. Where
// nobody expects anything its lists are empty, its booleans false, and paths are
// not looked at; it is unknown only where the probe did not run.
//
// A key or an issuer counts as seen where it is the leaf's, or that of a CA above
// the leaf on a path to a public or inventory root whose only fault may be its
// dates. A certificate that the server merely appended counts nowhere.
type Expect struct {
	Stated bool   `fact:"stated" doc:"the owner expects something of the subject"`
	Place  string `fact:"place" doc:"where that was written, file:line:column; empty where nothing was"`

	Pins []Pin `fact:"pins" doc:"the keys and certificates that the owner names"`
	// Served is unknown where the key could not be read.
	Served      *string  `fact:"served_key" doc:"the leaf's key as a pin, sha256/base64"`
	KeyMatches  *bool    `fact:"key_matches" doc:"a pin in force matches the leaf or a CA above it; unknown where every pin has ended, or one matches only a CA on a path that is not accepted"`
	Matched     []string `fact:"matched" doc:"pins in force that match"`
	Ended       []string `fact:"matched_ended" doc:"pins that match and whose end has passed"`
	InForce     int64    `fact:"in_force" doc:"number of pins that have not ended"`
	Weak        []string `fact:"weak" doc:"pins in force whose hash has been broken (SHA-1)"`
	DaysLeft    int64    `fact:"days_left" doc:"whole days until the last of the pins that match ends, -1 where none matches or one has no end"`
	Issuers     []string `fact:"issuers" doc:"the issuers that the owner allows: pins of CA keys, or identifiers as in CAA records"`
	IssuerOK    *bool    `fact:"issuer_allowed" doc:"one of them issued the leaf; unknown where it cannot be told who stands behind an issuer, or the chain is incomplete"`
	IssuedBy    string   `fact:"issued_by" doc:"who issued the leaf, as subject of the CA and pin of its key; empty where no path tells"`
	Anchors     []string `fact:"anchors" doc:"the sets of roots of which one must vouch for the chain"`
	AnchorOK    *bool    `fact:"anchor_allowed" doc:"a root of one of these sets vouches for the chain; unknown where the chain is incomplete"`
	AnchorFound []string `fact:"anchors_found" doc:"the root programs and sets that vouch for it, dates aside"`

	Names        []string `fact:"names" doc:"names that the leaf must have"`
	NamesExactly bool     `fact:"names_exactly" doc:"it may have no others, but for the name that was asked for"`
	NamesMissing []string `fact:"names_missing" doc:"names that it must have and has not; unknown where its names could not be read"`
	NamesExtra   []string `fact:"names_extra" doc:"names that it has beyond these; unknown where its names could not be read"`

	MaxValidity int64    `fact:"max_validity_seconds" doc:"the longest lifetime of the leaf in seconds, 0 where none is set"`
	KeyTypes    []string `fact:"key_types" doc:"the types that the leaf's key may have"`
	KeyTypeOK   *bool    `fact:"key_type_allowed" doc:"it has one of them; unknown where the key could not be read"`

	CAA        bool   `fact:"caa" doc:"CAA records must allow the served issuer"`
	TLSA       bool   `fact:"tlsa" doc:"TLSA records must match what is served"`
	CT         bool   `fact:"ct" doc:"the served leaf must be logged"`
	Logged     *bool  `fact:"logged" doc:"a log whose key is known, and not public, vouches for the leaf with an SCT that verifies; unknown where none does and one could not be verified, unless it is of a log that is not in a list made after it"`
	Stapling   bool   `fact:"stapling" doc:"an OCSP response must be stapled"`
	MustStaple bool   `fact:"must_staple" doc:"the leaf must require stapling (RFC 7633)"`
	Requires   *bool  `fact:"leaf_must_staple" doc:"the leaf does; unknown where its extensions could not be read"`
	MinTLS     string `fact:"min_tls" doc:"the oldest version of TLS that may be negotiated; empty where any may"`
	TLSOlder   *bool  `fact:"tls_older" doc:"the negotiated version is older than that; unknown where no handshake got that far"`
	StartTLS   bool   `fact:"starttls" doc:"the server must take up TLS when asked in the clear"`
}

// Pin is one key or certificate that the owner names.
type Pin struct {
	Text  string `fact:"text" doc:"the pin, sha256/base64 of a key or sha256:hex of a certificate"`
	Ended bool   `fact:"ended" doc:"its end has passed"`
	Weak  bool   `fact:"weak" doc:"its hash has been broken (SHA-1)"`
	Match string `fact:"match" doc:"what it matches: leaf, or issuer for a CA above the leaf; empty where nothing"`
	Note  string `fact:"note" doc:"what the owner says of it"`
}
