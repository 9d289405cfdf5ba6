package facts

// Chain is the certificates of a subject together.
type Chain struct {
	Name        string `fact:"name" doc:"the name or address that was asked for; empty where none was"`
	NameAsked   bool   `fact:"name_asked" doc:"a name or address was asked for"`
	NameJudged  bool   `fact:"name_judged" doc:"a name or address was asked for, and it can be held against the leaf: it is public, or one in the leaf is, or a public or inventory root vouches for the leaf; a private name with a leaf that nobody vouches for is its owner's to judge"`
	NameMatches *bool  `fact:"name_matches" doc:"the leaf is valid for it; unknown where none was asked for"`
	NameInCN    *bool  `fact:"name_only_common" doc:"the leaf has no alternative names, its common name is the name asked for, and a root that counts vouches for it as such names were certified: before 2017-04-19, or by the owner's CA, and no CA on the path is bound to certain names; unknown where no name was asked for"`
	CNCounts    *bool  `fact:"common_name_counts" doc:"name_only_common holds of a certificate of the time when browsers read common names, before 2017-04-19; unknown for a later one of an owner's CA: browsers refuse it, and only the owner knows what his clients do; unknown where no name was asked for"`
	NamePublic  *bool  `fact:"name_public" doc:"the name asked for, or else one in the leaf, is of the public Internet; of a leaf without alternative names from 2017-04-19 or later that says it is for TLS servers the common name; unknown where there is no name"`
	Length      int64  `fact:"length" doc:"number of certificates"`
	Live        bool   `fact:"live" doc:"it was served by an endpoint, not read from a file"`
	Links       []Link `fact:"links" doc:"every certificate in the order served"`

	Anchor         string   `fact:"anchor" doc:"public, inventory, local or none: the best reason to trust a root that the leaf chains to, validity dates aside"`
	AnchorExpected *bool    `fact:"anchor_expected" doc:"such a name must chain to a public or inventory root; unknown where only the owner can say"`
	Programs       []string `fact:"programs" doc:"root programs and named anchors that the leaf chains to"`
	VerifyError    string   `fact:"verify_error" doc:"why the standard library accepts no path: expired, name-constraint, signature, ...; empty where it accepts one"`

	// Paths is nil where there was nothing to build from.
	Paths      []Path      `fact:"paths" doc:"every path that was found from the leaf, the best first"`
	Violations []Violation `fact:"violations" doc:"what certificates on the best path do although RFC 5280 or the browsers' rules forbid it"`
	Revoked    []Revoked   `fact:"revoked" doc:"certificates of all paths, roots aside, that lists of revoked certificates hold, those of the best path first"`
	BudgetHit  bool        `fact:"budget_hit" doc:"the search for paths hit a limit: there may be more"`
	OwnChecks  bool        `fact:"accepted_by_own_checks" doc:"the anchor rests on certassay's own checks alone, because crypto/x509 refuses every path for a reason that RFC 5280 does not give"`
	Opinions   []Opinion   `fact:"opinions" doc:"what other libraries' verifiers say of the best path; asked only where crypto/x509 refuses it and it reaches a root; unknown otherwise"`
	Public     int64       `fact:"public_programs" doc:"how many public root programs accept a path, dates and purpose aside"`
	PublicAll  int64       `fact:"public_programs_known" doc:"how many public root programs there are to ask"`

	// Fetched is empty where nothing was found, as mostly without --online aia.
	Fetched   []Fetched `fact:"fetched" doc:"certificates that were not supplied with the chain: met in other files or at other servers of the run, or fetched from where others say that their issuers lie; candidates for paths, and trusted for nothing"`
	Completed bool      `fact:"completed_by_fetch" doc:"the best path leads through a fetched certificate to a root"`

	// Missing is empty where the chain is whole, or reaches no root.
	Missing []string `fact:"completed_by_known" doc:"subjects of the CAs on the best path whose certificates were neither supplied nor fetched: the owner or a list of CAs knows them, or a disclosed intermediate's key verified the signature"`

	IssuerSupplied  bool  `fact:"issuer_supplied" doc:"the leaf is self-issued, or a certificate with its issuer's name was supplied or is a known root"`
	InOrder         bool  `fact:"in_order" doc:"every certificate names the next one as its issuer"`
	Duplicates      int64 `fact:"duplicates" doc:"certificates that were already there"`
	Strays          int64 `fact:"strays" doc:"certificates that are on no path from the leaf, by name"`
	RootServed      bool  `fact:"root_served" doc:"a self-issued certificate stands behind the leaf"`
	GenuineTail     *bool `fact:"genuine_tail" doc:"a certificate that chains to a public or inventory root, and so does not belong to it, stands behind a leaf that reaches none"`
	ForeignTail     *bool `fact:"foreign_tail" doc:"behind a leaf that reaches a public or inventory root stands a certificate for names of it, with another key, and who issued that reaches none; unknown where that one is self-issued or its issuer is not there"`
	CopiedNames     bool  `fact:"copied_leaf_names" doc:"another leaf in the chain bears names of the first"`
	BrokenLink      *bool `fact:"broken_link" doc:"a certificate names another served one as its issuer by name, and that one's key does not verify it, nor any other of the same name"`
	ClaimedSigner   *bool `fact:"claims_genuine_signer" doc:"a certificate names a served CA as its issuer by name and key identifier, and neither that one's key nor any other of the same name verifies it, although that CA is genuine: a chain of signatures leads from it to a known root"`
	KeyIDMismatch   *bool `fact:"key_id_mismatch" doc:"a certificate that is verified by another has an authority key identifier that is not its issuer's subject key identifier"`
	KeyIDCopied     bool  `fact:"key_id_copied" doc:"two certificates of the chain share a subject key identifier over different keys"`
	LeafKeyIsIssuer *bool `fact:"leaf_key_is_issuers" doc:"the leaf has the same public key as a certificate behind it with another subject"`
	SameKeyTwice    bool  `fact:"same_key_twice" doc:"two certificates with different subjects share a public key"`
	LeafIsIssuer    *bool `fact:"leaf_is_issuer" doc:"a certificate that is no CA verifies another"`

	// Signatures and NonceReuse are unknown where the chain is too long to look
	// at and nothing was found.
	Signatures []BadSignature `fact:"signatures" doc:"signatures that no key known under the issuer's name verifies, and how they were made"`
	NonceReuse []NonceReuse   `fact:"nonce_reuse" doc:"pairs of ECDSA or DSA signatures of one issuer that share a nonce or were made from each other"`
}

// Fetched is one attempt to fetch an issuer's certificate.
type Fetched struct {
	URL      string `fact:"url" doc:"where it was fetched from, or which file or server of the run showed it; empty where nothing was tried"`
	For      string `fact:"for" doc:"subject of the certificate whose issuer was wanted"`
	Error    string `fact:"error" doc:"why nothing came, or nothing of use; empty where a certificate came"`
	Subject  string `fact:"subject" doc:"subject of the first certificate that came; empty where none did"`
	Signs    bool   `fact:"signs" doc:"a certificate that came has the key that signed the one whose issuer was wanted"`
	OnPath   bool   `fact:"on_best_path" doc:"a certificate that came is part of the best path"`
	Impostor bool   `fact:"claims_without_key" doc:"a certificate that came has the name and the key identifier that the other one gives for its issuer, and its key did not sign it"`
}

// Link is one certificate of a chain.
type Link struct {
	Index      int64  `fact:"index" doc:"position, 0 is the leaf"`
	SHA256     string `fact:"sha256" doc:"SHA-256 of the DER, sha256:hex"`
	Subject    string `fact:"subject" doc:"subject as text"`
	IsCA       bool   `fact:"is_ca" doc:"basicConstraints says CA, or version 1 and self-issued"`
	SelfIssued bool   `fact:"self_issued" doc:"subject and issuer are the same bytes"`
	NameKnown  bool   `fact:"name_known" doc:"the subject is a known public or inventory CA's name"`
	KeyKnown   bool   `fact:"key_known" doc:"the key is known under that name"`
	// SignedBy is -1 where no certificate of the chain verifies it.
	SignedBy    int64 `fact:"signed_by" doc:"index of the certificate in the chain whose key verifies it, -1 if none"`
	SignedKnown bool  `fact:"signed_by_known_ca" doc:"a known CA's key verifies it"`
	SignedGone  bool  `fact:"signed_by_former_root" doc:"the key of a root verifies it that Mozilla's list held when its validity began, that is not at hand now and that no program blocks"`
	NamesIssuer bool  `fact:"names_served_issuer" doc:"its issuer is the subject of another certificate of the chain"`
	Duplicate   bool  `fact:"duplicate" doc:"the same bytes stand earlier in the chain"`
	Stray       bool  `fact:"stray" doc:"it is on no path from the leaf"`
	Ended       bool  `fact:"ended" doc:"its notAfter is before the time of judgement"`

	OnBestPath bool   `fact:"on_best_path" doc:"it is part of the best path"`
	KeyOwner   string `fact:"key_of_known_ca" doc:"subject of the known CA that has this very key; empty where none is known"`
	KeyIDOwner string `fact:"ski_of_known_ca" doc:"subject of the known CA whose key identifier this certificate's subject key identifier is, although it has another key; empty where there is none"`
	PointOwner string `fact:"point_of_known_ca" doc:"subject of the known CA whose elliptic curve point this key has under other parameters (CVE-2020-0601); empty where there is none"`
	Listed     string `fact:"listed_revoked" doc:"revocation status that the list of CAs gives for this certificate: Revoked, Parent Cert Revoked; empty where it is not revoked or not listed"`
}
