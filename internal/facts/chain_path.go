package facts

// Path is one way from the leaf upwards, every certificate of which is signed by
// the next one.
type Path struct {
	Certificates []string `fact:"certificates" doc:"SHA-256 of each certificate, the leaf first, sha256:hex"`
	Subjects     []string `fact:"subjects" doc:"the subject of each"`
	Length       int64    `fact:"length" doc:"number of certificates, root included"`
	Anchor       string   `fact:"anchor" doc:"public, inventory or none: why its last certificate is trusted"`
	Programs     []string `fact:"programs" doc:"root programs and named anchors that accept it for TLS servers at the time of judgement"`
	AtIssue      []string `fact:"programs_at_issue" doc:"those that accepted it at the leaf's notBefore"`
	Accepted     bool     `fact:"accepted" doc:"some program accepts it at the time of judgement"`
	Reason       string   `fact:"reason" doc:"why it is not accepted, as in violations, or unknown-authority, signature, constraint, revoked, budget, unreadable, refused; empty where it is"`
	FailedAt     int64    `fact:"failed_at" doc:"index on the path of the first certificate that fails, -1 where none does"`
	Detail       string   `fact:"detail" doc:"the same as a sentence"`

	Revoked []PathRevoked `fact:"revoked" doc:"its certificates, the root aside, that lists of revoked certificates hold"`
}

// Violation is something that a certificate on the chain's best path does
// although RFC 5280 or the browsers' rules forbid it.
type Violation struct {
	Reason  string `fact:"reason" doc:"what is violated: path-length, name-constraint, key-usage, weak-key, aki-missing, ..."`
	Index   int64  `fact:"index" doc:"position on the path, 0 is the leaf"`
	Root    bool   `fact:"root" doc:"it is the trusted root at the end of the path"`
	Subject string `fact:"subject" doc:"subject of the certificate"`
	Detail  string `fact:"detail" doc:"what exactly, as a sentence"`
}

// Opinion is what another X.509 library's verifier says of the chain's best path.
type Opinion struct {
	Library string `fact:"library" doc:"zcrypto or certificate-transparency-go"`
	Accepts bool   `fact:"accepts" doc:"it accepts the path for TLS servers at the time of judgement"`
	Reason  string `fact:"reason" doc:"why not, in the library's words; empty where it accepts"`
}
