package facts

import "time"

// Cert is what one certificate says, read with our own tolerant walker.
type Cert struct {
	SHA256     string  `fact:"sha256" doc:"SHA-256 of the DER, sha256:hex"`
	SPKISHA256 *string `fact:"spki_sha256" doc:"SHA-256 of the SubjectPublicKeyInfo, hex"`
	Role       string  `fact:"role" doc:"leaf for the first certificate of a subject, issuer for every later one"`
	Logged     bool    `fact:"logged" doc:"it is the certificate or precertificate of an entry of a CT log, and not one in use"`
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
	Curve   *Curve   `fact:"curve" doc:"how the key gives its elliptic curve"`
	Sig     *Sig     `fact:"signature" doc:"the signature on this certificate"`
	Valid   *Valid   `fact:"validity" doc:"notBefore and notAfter"`
	Profile *Profile `fact:"profile" doc:"what it has or lacks against what certificates of public CAs were on its notBefore"`
	Ext     *Ext     `fact:"ext" doc:"extensions and their contents"`
	Enc     *Enc     `fact:"encoding" doc:"how it is encoded"`
	Parsers *Parsers `fact:"parsers" doc:"what the X.509 libraries made of it"`
	CA      *CAClaim `fact:"ca" doc:"what is known of the CA that its issuer name claims"`
	Known   *Known   `fact:"known" doc:"identities of known interceptors and attack tools that it carries"`
	// Incident is always known: where nothing matches its fields are empty.
	Incident *Incident `fact:"incident" doc:"the documented incident that it or its signer belongs to"`
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
	WildSuffix  bool     `fact:"wildcard_over_registry" doc:"a wildcard covers all names of a registry where anybody may register: *.com, *.de, *.co.uk"`
	CNNotInSAN  bool     `fact:"cn_not_in_san" doc:"the subject's commonName looks like a host name and is none of the subject alternative names"`
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
	Poisoned        bool     `fact:"poisoned" doc:"it is there and critical, as it has to be, so that no client accepts the certificate"`
	SCTList         bool     `fact:"sct_list" doc:"the embedded SCT list is there"`
	NetscapeComment string   `fact:"netscape_comment" doc:"nsComment, as OpenSSL's examples write it"`
	Set             string   `fact:"set" doc:"short names of the extensions in order, ! after a critical one: SKI AKI BC! SAN"`
}

// Enc is how a certificate is encoded.
type Enc struct {
	DER         bool     `fact:"der" doc:"nothing that DER forbids was met"`
	Quirks      []string `fact:"quirks" doc:"what DER forbids and was met: indefinite-length, non-minimal-length, trailing-data, ..."`
	Trailing    bool     `fact:"trailing" doc:"bytes follow the certificate or a value inside it"`
	Appended    bool     `fact:"appended" doc:"bytes follow the signature inside the certificate, where nobody signed them"`
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
	NameKnown bool   `fact:"name_known" doc:"the issuer name, compared as normalised text, is that of a CA that we know"`
	NameExact bool   `fact:"name_exact" doc:"it is also the same bytes"`
	Source    string `fact:"source" doc:"public, inventory, or known for a CA that is known and vouches for nothing: which list knows the name; empty if none"`
	KeyID     bool   `fact:"key_id_known" doc:"there is an authority key identifier and it is that of a key known under the name"`
	KeyIDElse string `fact:"key_id_of_other_ca" doc:"subject of the known CA whose key the authority key identifier names, although the issuer has another name and that key did not sign; empty where there is none"`
	Verifies  *bool  `fact:"key_verifies" doc:"a key known under the name verifies the signature; unknown where no key's algorithm is supported"`
}

// Known is what identities of known interceptors and attack tools were met.
type Known struct {
	Interceptor   string `fact:"interceptor" doc:"product whose CA name the issuer or the certificate carries; empty if none"`
	Sure          bool   `fact:"interceptor_sure" doc:"that name is documented by a browser vendor or was measured, and is not merely usual"`
	AttackTool    string `fact:"attack_tool" doc:"command-and-control framework whose default certificate this looks like; empty if none"`
	ToolShape     string `fact:"tool_shape" doc:"forging tool whose habits, that no setting of it changes, this shows; empty if none"`
	DefaultValues string `fact:"default_values" doc:"software whose example names are in the subject or issuer (Internet Widgits, Acme Co); empty if none"`
}
