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
// Cert, SCTs and At depend on nothing but one certificate, its role in the
// chain and the time of judgement: rules that read only these are evaluated once
// per certificate and their outcome is kept by its hash. In a chain or endpoint
// rule, cert is the leaf.
package facts

import "time"

// Facts is everything a rule can read about one subject.
type Facts struct {
	At       *time.Time `fact:"at" doc:"the time at which certificates are judged (--at, or when they were seen)"`
	Cert     *Cert      `fact:"cert" doc:"the certificate being judged; in chain and endpoint rules the leaf"`
	SCTs     []SCT      `fact:"scts" doc:"the SCTs that belong to the certificate being judged, from every source"`
	Chain    *Chain     `fact:"chain" doc:"the certificates as served or found, and what vouches for them"`
	Endpoint *Endpoint  `fact:"endpoint" doc:"the live server: its handshakes and how they went"`

	// Reasons says why a fact is unknown, by its path ("chain.anchor_expected").
	Reasons map[string]string
}

// Cert is what one certificate says, read with our own tolerant walker.
type Cert struct {
	SHA256     string  `fact:"sha256" doc:"SHA-256 of the DER, sha256:hex"`
	SPKISHA256 *string `fact:"spki_sha256" doc:"SHA-256 of the SubjectPublicKeyInfo, hex"`
	Role       string  `fact:"role" doc:"leaf for the first certificate of a subject, issuer for every later one"`
	Version    *int64  `fact:"version" doc:"1, 2 or 3; other values where the field says so"`
	SelfIssued *bool   `fact:"self_issued" doc:"subject and issuer are the same bytes"`
	// SignedByOwnKey is unknown where the algorithm is not supported or the
	// key is unreadable.
	SignedByOwnKey *bool `fact:"signed_by_own_key" doc:"its signature verifies under its own public key"`

	Subject *Name    `fact:"subject" doc:"the subject distinguished name"`
	Issuer  *Name    `fact:"issuer" doc:"the issuer distinguished name"`
	Serial  *Serial  `fact:"serial" doc:"the serial number"`
	Names   *Names   `fact:"names" doc:"what it is valid for: subject alternative names"`
	Key     *Key     `fact:"key" doc:"the subject public key"`
	Sig     *Sig     `fact:"signature" doc:"the signature on this certificate"`
	Valid   *Valid   `fact:"validity" doc:"notBefore and notAfter"`
	Ext     *Ext     `fact:"ext" doc:"extensions and their contents"`
	Enc     *Enc     `fact:"encoding" doc:"how it is encoded"`
	Parsers *Parsers `fact:"parsers" doc:"what the X.509 libraries made of it"`
	CA      *CAClaim `fact:"ca" doc:"what is known of the CA that its issuer name claims"`
	Known   *Known   `fact:"known" doc:"identities of known interceptors and attack tools that it carries"`
}

// Name is a distinguished name (RFC 5280 section 4.1.2.4).
type Name struct {
	Text          string   `fact:"text" doc:"the name as text, most specific attribute first, escaped after RFC 4514"`
	Empty         bool     `fact:"empty" doc:"it has no attributes"`
	CommonNames   []string `fact:"common_names" doc:"values of commonName"`
	Organizations []string `fact:"organizations" doc:"values of organizationName"`
	Units         []string `fact:"units" doc:"values of organizationalUnitName"`
	Countries     []string `fact:"countries" doc:"values of countryName"`
	NUL           bool     `fact:"nul" doc:"a value holds a NUL character"`
	Control       bool     `fact:"control" doc:"a value holds another control character"`
	Bidi          bool     `fact:"bidi" doc:"a value holds a bidirectional override or isolate"`
	MixedScript   bool     `fact:"mixed_script" doc:"one word mixes Latin with look-alike Cyrillic, Greek or Armenian letters"`
	Malformed     bool     `fact:"malformed" doc:"it is not a well-formed sequence of attributes, or a value does not fit its string type"`
}

// Serial is the serial number (RFC 5280 section 4.1.2.2).
type Serial struct {
	Hex            string `fact:"hex" doc:"the content octets in hexadecimal"`
	Octets         int64  `fact:"octets" doc:"number of content octets"`
	Bits           int64  `fact:"bits" doc:"bits of the magnitude"`
	Negative       bool   `fact:"negative" doc:"it is below zero"`
	Zero           bool   `fact:"zero" doc:"it is zero or has no content"`
	LooksLikeTime  bool   `fact:"looks_like_time" doc:"its value, or the start of its decimal form, is a Unix time (s, ms, 100 us, us, ns) within two days of notBefore or of the time of judgement"`
	Magic          string `fact:"magic" doc:"the tool that always writes this serial; empty if none is known"`
	Minimal        bool   `fact:"minimal" doc:"encoded in the fewest octets, as DER requires"`
	MatchesSubject bool   `fact:"matches_subject_serial" doc:"its decimal or hexadecimal form is also the subject's serialNumber attribute"`
}

// Names are the subject alternative names (RFC 5280 section 4.2.1.6).
type Names struct {
	Present     bool     `fact:"present" doc:"the extension is there"`
	Readable    bool     `fact:"readable" doc:"every general name could be read"`
	DNS         []string `fact:"dns" doc:"dNSName values, lower case"`
	IP          []string `fact:"ip" doc:"iPAddress values as text"`
	Public      bool     `fact:"public" doc:"at least one is a name or address of the public Internet"`
	NUL         bool     `fact:"nul" doc:"a dNSName holds a NUL character"`
	Control     bool     `fact:"control" doc:"a dNSName holds another control character or white space"`
	Bidi        bool     `fact:"bidi" doc:"a dNSName holds a bidirectional override or isolate, raw or after IDNA decoding"`
	MixedScript bool     `fact:"mixed_script" doc:"a label, after IDNA decoding, mixes Latin with look-alike letters of another script"`
	NonASCII    bool     `fact:"non_ascii" doc:"a dNSName holds octets above 0x7f"`
	IPAsDNS     bool     `fact:"ip_as_dns" doc:"a dNSName is an IP address"`
	BadWildcard bool     `fact:"bad_wildcard" doc:"a wildcard that is not the whole first label, or stands directly over a public suffix such as *.com"`
	CNNotInSAN  bool     `fact:"cn_not_in_san" doc:"the subject's commonName looks like a host name and is none of the subject alternative names"`
}

// Key is the subject public key.
type Key struct {
	Algorithm   string `fact:"algorithm" doc:"rsa, ecdsa, ed25519, dsa, other"`
	Bits        int64  `fact:"bits" doc:"RSA modulus or curve size in bits, 0 where unknown"`
	Curve       string `fact:"curve" doc:"P-256, P-384, ..., the OID where it has no name, explicit for explicit parameters; empty for other keys"`
	Exponent    int64  `fact:"exponent" doc:"RSA public exponent, -1 where it is negative or above 2^62"`
	Modulo      bool   `fact:"modulus_odd" doc:"RSA modulus is odd and positive; true for other keys"`
	Readable    bool   `fact:"readable" doc:"the key could be read"`
	MatchesSKI  *bool  `fact:"matches_ski" doc:"the subject key identifier is one of the usual hashes of this key; unknown without the extension"`
	SPKIHashSKI bool   `fact:"ski_hashes_whole_spki" doc:"the subject key identifier is SHA-1 over the whole SubjectPublicKeyInfo, which one library does by mistake"`
}

// Sig is the signature on a certificate.
type Sig struct {
	Algorithm  string `fact:"algorithm" doc:"name such as SHA256-RSA, ECDSA-SHA384, or the OID"`
	Hash       string `fact:"hash" doc:"md2, md5, sha1, sha256, sha384, sha512, none; empty where unknown"`
	InnerOuter bool   `fact:"inner_outer_equal" doc:"the algorithm inside the signed part is byte for byte the one outside"`
	Bits       int64  `fact:"bits" doc:"length of the signature in bits"`
	Empty      bool   `fact:"empty" doc:"there is no signature"`
}

// Valid is the validity period (RFC 5280 section 4.1.2.5).
type Valid struct {
	NotBefore time.Time `fact:"not_before" doc:"start of validity"`
	NotAfter  time.Time `fact:"not_after" doc:"end of validity, inclusive"`
	Seconds   int64     `fact:"seconds" doc:"length, both ends included"`
	Days      int64     `fact:"days" doc:"length in days of 86 400 s, rounded up"`
	Limit     int64     `fact:"limit_days" doc:"the longest lifetime that browsers or the CA/B Forum allowed a public TLS leaf with this notBefore; 0 where there was none"`
	Started   bool      `fact:"started" doc:"notBefore is not after the time of judgement"`
	Ended     bool      `fact:"ended" doc:"notAfter is before the time of judgement"`
	Inverted  bool      `fact:"inverted" doc:"notAfter is before notBefore"`
}

// Ext is which extensions there are and what they say.
type Ext struct {
	OIDs            []string `fact:"oids" doc:"OIDs in the order written"`
	Duplicate       bool     `fact:"duplicate" doc:"one OID stands twice"`
	InOldVersion    bool     `fact:"in_old_version" doc:"extensions in a certificate whose version is not 3"`
	UnknownCritical []string `fact:"unknown_critical" doc:"OIDs marked critical that RFC 5280 software does not know"`
	IsCA            bool     `fact:"is_ca" doc:"basicConstraints says CA"`
	BC              bool     `fact:"basic_constraints" doc:"basicConstraints is there"`
	PathLen         int64    `fact:"path_len" doc:"pathLenConstraint, -1 where there is none"`
	SKI             string   `fact:"ski" doc:"subject key identifier in hexadecimal; empty where there is none"`
	AKI             string   `fact:"aki" doc:"key identifier of the authority key identifier in hexadecimal; empty where there is none"`
	AKISerial       bool     `fact:"aki_names_issuer_serial" doc:"the authority key identifier names issuer and serial"`
	HasSKI          bool     `fact:"has_ski" doc:"subjectKeyIdentifier is there"`
	HasAKI          bool     `fact:"has_aki" doc:"authorityKeyIdentifier is there"`
	HasKU           bool     `fact:"has_key_usage" doc:"keyUsage is there"`
	HasEKU          bool     `fact:"has_ext_key_usage" doc:"extKeyUsage is there"`
	HasAIA          bool     `fact:"has_aia" doc:"authorityInfoAccess is there"`
	HasCRLDP        bool     `fact:"has_crldp" doc:"cRLDistributionPoints is there"`
	HasPolicies     bool     `fact:"has_policies" doc:"certificatePolicies is there"`
	KeyUsage        []string `fact:"key_usage" doc:"digitalSignature, keyEncipherment, keyCertSign, ..."`
	EKU             []string `fact:"ext_key_usage" doc:"serverAuth, clientAuth, ..., or the OID"`
	ServerAuth      bool     `fact:"server_auth" doc:"the extended key usage allows TLS servers, or there is none"`
	Poison          bool     `fact:"poison" doc:"the precertificate poison extension is there"`
	SCTList         bool     `fact:"sct_list" doc:"the embedded SCT list is there"`
	NetscapeComment string   `fact:"netscape_comment" doc:"nsComment, as OpenSSL's examples write it"`
	Set             string   `fact:"set" doc:"short names of the extensions in order, ! after a critical one: SKI AKI BC! SAN"`
}

// Enc is how a certificate is encoded.
type Enc struct {
	DER         bool     `fact:"der" doc:"nothing that DER forbids was met"`
	Quirks      []string `fact:"quirks" doc:"what DER forbids and was met: indefinite-length, non-minimal-length, trailing-data, ..."`
	Trailing    bool     `fact:"trailing" doc:"bytes follow the certificate or a value inside it"`
	Unreadable  bool     `fact:"unreadable" doc:"the outer structure is not a certificate at all"`
	TimeInvalid bool     `fact:"time_invalid" doc:"notBefore or notAfter is not a time that RFC 5280 allows"`
	UniqueIDs   bool     `fact:"unique_ids" doc:"issuerUniqueID or subjectUniqueID is there"`
	Size        int64    `fact:"size" doc:"bytes"`
}

// Parsers is what three X.509 libraries made of the same bytes.
type Parsers struct {
	Stdlib    string   `fact:"stdlib" doc:"crypto/x509: ok, skipped, or error"`
	ZCrypto   string   `fact:"zcrypto" doc:"zcrypto: ok, skipped, or error"`
	CTGo      string   `fact:"ctgo" doc:"certificate-transparency-go: ok, skipped, or error"`
	Accepting int64    `fact:"accepting" doc:"how many accept it"`
	Refusing  int64    `fact:"refusing" doc:"how many refuse it"`
	Disagree  []string `fact:"disagree" doc:"fields that two accepting libraries, or one of them and our walker, read differently"`
}

// CAClaim compares the issuer name with the keys known under that name.
type CAClaim struct {
	NameKnown bool   `fact:"name_known" doc:"the issuer name, compared as normalised text, is a known public or inventory CA's"`
	NameExact bool   `fact:"name_exact" doc:"it is also the same bytes"`
	Source    string `fact:"source" doc:"public or inventory: which list knows the name; empty if none"`
	KeyID     bool   `fact:"key_id_known" doc:"there is an authority key identifier and it is that of a key known under the name"`
	Verifies  *bool  `fact:"key_verifies" doc:"a key known under the name verifies the signature; unknown where no key's algorithm is supported"`
}

// Known is what identities of known interceptors and attack tools were met.
type Known struct {
	Interceptor   string `fact:"interceptor" doc:"product whose CA name the issuer or the certificate carries; empty if none"`
	Sure          bool   `fact:"interceptor_sure" doc:"that name is documented by a browser vendor or was measured, and is not merely usual"`
	InterceptKey  string `fact:"interceptor_key" doc:"product or published key whose SPKI or certificate hash this is; empty if none"`
	AttackTool    string `fact:"attack_tool" doc:"command-and-control framework whose default certificate this looks like; empty if none"`
	ToolShape     string `fact:"tool_shape" doc:"forging tool whose habits, that no setting of it changes, this shows; empty if none"`
	DefaultValues string `fact:"default_values" doc:"software whose example names are in the subject or issuer (Internet Widgits, Acme Co); empty if none"`
}

// SCT is one signed certificate timestamp (RFC 6962 section 3.2).
type SCT struct {
	Source    string    `fact:"source" doc:"embedded, tls or ocsp"`
	Parsed    bool      `fact:"parsed" doc:"it could be read"`
	Version   int64     `fact:"version" doc:"0 for v1"`
	LogID     string    `fact:"log_id" doc:"SHA-256 of the log's key, hex"`
	LogKnown  bool      `fact:"log_known" doc:"the log's key is in our list"`
	Log       string    `fact:"log" doc:"description of the log; empty where unknown"`
	Mimic     bool      `fact:"mimic" doc:"the log id is one of two whose private keys are published"`
	Time      time.Time `fact:"time" doc:"the timestamp"`
	Verdict   *string   `fact:"verdict" doc:"ok, bad-signature, or malformed; unknown where it was not verified"`
	Duplicate bool      `fact:"duplicate" doc:"another SCT of the same log is in the list"`
}

// Chain is the certificates of a subject together.
type Chain struct {
	Name        string `fact:"name" doc:"the name or address that was asked for; empty where none was"`
	NameAsked   bool   `fact:"name_asked" doc:"a name or address was asked for"`
	NameMatches *bool  `fact:"name_matches" doc:"the leaf is valid for it; unknown where none was asked for"`
	NamePublic  *bool  `fact:"name_public" doc:"the name asked for, or else one in the leaf, is of the public Internet; unknown where there is no name"`
	Length      int64  `fact:"length" doc:"number of certificates"`
	Live        bool   `fact:"live" doc:"it was served by an endpoint, not read from a file"`
	Links       []Link `fact:"links" doc:"every certificate in the order served"`

	Anchor         string   `fact:"anchor" doc:"public, inventory, local or none: the best reason to trust a root that the leaf chains to, validity dates aside"`
	AnchorExpected *bool    `fact:"anchor_expected" doc:"such a name must chain to a public or inventory root; unknown where only the owner can say"`
	Programs       []string `fact:"programs" doc:"root programs and named anchors that the leaf chains to"`
	VerifyError    string   `fact:"verify_error" doc:"why the standard library accepts no path: expired, name-constraint, signature, ...; empty where it accepts one"`

	IssuerSupplied  bool  `fact:"issuer_supplied" doc:"the leaf is self-issued, or a certificate with its issuer's name was supplied or is a known root"`
	InOrder         bool  `fact:"in_order" doc:"every certificate names the next one as its issuer"`
	Duplicates      int64 `fact:"duplicates" doc:"certificates that were already there"`
	Strays          int64 `fact:"strays" doc:"certificates that are on no path from the leaf, by name"`
	RootServed      bool  `fact:"root_served" doc:"a self-issued certificate stands behind the leaf"`
	GenuineTail     *bool `fact:"genuine_tail" doc:"a certificate that chains to a public or inventory root, and so does not belong to it, stands behind a leaf that reaches none"`
	CopiedNames     bool  `fact:"copied_leaf_names" doc:"another leaf in the chain bears names of the first"`
	BrokenLink      *bool `fact:"broken_link" doc:"a certificate names another served one as its issuer by name, and that one's key does not verify it, nor any other of the same name"`
	KeyIDMismatch   *bool `fact:"key_id_mismatch" doc:"a certificate that is verified by another has an authority key identifier that is not its issuer's subject key identifier"`
	KeyIDCopied     bool  `fact:"key_id_copied" doc:"two certificates of the chain share a subject key identifier over different keys"`
	LeafKeyIsIssuer *bool `fact:"leaf_key_is_issuers" doc:"the leaf has the same public key as a certificate behind it with another subject"`
	SameKeyTwice    bool  `fact:"same_key_twice" doc:"two certificates with different subjects share a public key"`
	LeafIsIssuer    *bool `fact:"leaf_is_issuer" doc:"a certificate that is no CA verifies another"`
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
	SignedKnown bool  `fact:"signed_by_known_ca" doc:"a known root's key verifies it"`
	NamesIssuer bool  `fact:"names_served_issuer" doc:"its issuer is the subject of another certificate of the chain"`
	Duplicate   bool  `fact:"duplicate" doc:"the same bytes stand earlier in the chain"`
	Stray       bool  `fact:"stray" doc:"it is on no path from the leaf"`
	Ended       bool  `fact:"ended" doc:"its notAfter is before the time of judgement"`
}

// Endpoint is a live server.
type Endpoint struct {
	Protocol   string `fact:"protocol" doc:"scheme spoken: https, tls, ..."`
	Port       int64  `fact:"port" doc:"TCP port"`
	Private    bool   `fact:"private_address" doc:"the address is not of the public Internet"`
	Answered   bool   `fact:"answered" doc:"at least one handshake delivered certificates"`
	Completed  bool   `fact:"completed" doc:"a handshake was completed"`
	Possession *bool  `fact:"possession" doc:"the server proved that it holds the leaf's private key; unknown where no handshake got that far"`
	Version    string `fact:"tls_version" doc:"1.0, 1.1, 1.2, 1.3; empty where none was negotiated"`
	Cipher     string `fact:"cipher" doc:"cipher suite by its IANA name"`
	Group      string `fact:"group" doc:"key exchange group"`
	ALPN       string `fact:"alpn" doc:"application protocol; empty where none"`
	Stapled    bool   `fact:"ocsp_stapled" doc:"an OCSP response was stapled"`
	HelloReset *bool  `fact:"large_hello_reset" doc:"the first ClientHello was reset or went unanswered and a small one was answered; unknown where only one was sent and failed"`
	Refused    bool   `fact:"refused_by_library" doc:"the TLS library refused the certificates; they were taken from the recorded bytes"`
	Answers    int64  `fact:"distinct_leaves" doc:"number of different leaves over all handshakes"`
}
