package facts

// Corpus is what the certificates of a whole run show when they are compared
// with each other, and with reference certificates that are not judged.
type Corpus struct {
	Certificates    int64    `fact:"certificates" doc:"number of different certificates that were compared"`
	Truncated       bool     `fact:"truncated" doc:"there were more, which were not compared"`
	SameSerial      []Clash  `fact:"same_serial" doc:"certificates under one issuer name and serial number that differ; a precertificate and its certificate count as one"`
	SharedKeyID     []Clash  `fact:"shared_key_id" doc:"certificates with one subject key identifier over different keys"`
	SharedKey       []Clash  `fact:"shared_key" doc:"leaves without a public or inventory anchor that share a key, for names of different registrable domains"`
	NearSerial      []Clash  `fact:"near_serial" doc:"a leaf without anchor whose serial number lies within 2^33 of that of another issuer's certificate for the same name"`
	CopiedValidity  []Clash  `fact:"copied_validity" doc:"a leaf without anchor that has name and both dates, to the second, in common with an anchored one that has another key"`
	CopiedSignature []Clash  `fact:"copied_signature" doc:"certificates with the same signature octets over different contents"`
	CopiedSCT       []Clash  `fact:"copied_sct" doc:"certificates with the same embedded SCT over different contents; a precertificate and its certificate count as one"`
	SameContent     []Clash  `fact:"same_content" doc:"certificates that are signed over the same octets and differ outside them"`
	SharedPrime     []Clash  `fact:"shared_prime" doc:"RSA keys that share a prime, so that anyone can compute their private keys"`
	SharedIssuer    []Clash  `fact:"shared_issuer" doc:"leaves without a public or inventory anchor, for public names of different registrable domains (those asked for, or, from files, their own), that one key signed which belongs to no public CA"`
	Burst           []Clash  `fact:"issuance_burst" doc:"certificates for the same names of an owner's domain, five or more of which were logged within a day; empty where no log was reconciled"`
	Unlogged        []Clash  `fact:"served_unlogged" doc:"certificates of listed servers that should be in what was read of the logs and are not; empty where that was not complete"`
	Wanted          []Wanted `fact:"wanted" doc:"what the inventory requires to be logged (ct: required) for a name that is reconciled; empty where no log was reconciled"`
	NonceReuse      []Clash  `fact:"nonce_reuse" doc:"ECDSA or DSA signatures of one issuer key made with the same nonce, from which its private key was recovered and fits its public key; what: subject and key of the issuer"`

	Answers []Answers `fact:"answers" doc:"services that showed more than one leaf key when they were asked for one name from several vantages, at several addresses or with several ClientHellos"`
	Losses  []Loss    `fact:"losses" doc:"services that gave one vantage less of TLS than another one, or than an earlier report"`
}

// Wanted is a certificate that an owner requires to be in logs.
type Wanted struct {
	What   string `fact:"what" doc:"it in words: a certificate over a pinned key for a name"`
	Name   string `fact:"name" doc:"the listed server, or the domain of which none is listed"`
	Pinned bool   `fact:"pinned" doc:"the owner pins keys for it: only one over one of these counts"`
	// Logged is false only where all was read in which it can be: every log that
	// browsers accept, or of an owner's CA those that are in no list, as far back as
	// what is valid now can have been issued.
	Logged *bool `fact:"logged" doc:"a log has such a certificate, which is valid; unknown where not every log was read of the whole time in which it can have been issued, or the chains of those that were found leave it open"`
	Absent bool  `fact:"absent" doc:"logged is known, and false"`
}

// Clash is certificates of a run that contradict each other in one point.
type Clash struct {
	What         string   `fact:"what" doc:"what they have in common"`
	Certificates []string `fact:"certificates" doc:"hashes of the certificates, sha256:hex, at most eight"`
	Count        int64    `fact:"count" doc:"how many there are"`
}
