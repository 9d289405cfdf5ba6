package facts

// DNS is what name servers say of the name that was asked for.
//
// What they say is believed as far as somebody vouches for it. Security is
// validated where a resolver on this machine says that the answer is signed and
// that it checked the signatures; claimed where a resolver elsewhere says so, to
// whom the network lies between; unsigned where none does. What is not validated
// proves nothing: whoever forges a certificate on the path can forge the answer,
// too.
type DNS struct {
	Asked    bool   `fact:"asked" doc:"DNS was asked about this subject (--online dns)"`
	Resolver string `fact:"resolver" doc:"address of the resolver; empty where none was asked"`
	Local    bool   `fact:"resolver_local" doc:"the resolver runs on this machine"`

	CAA   []CAA  `fact:"caa" doc:"who may issue, for each name of the leaf that covers the name asked for; unknown where it was not asked"`
	TLSA  *TLSA  `fact:"tlsa" doc:"which certificates the server may show; unknown where it was not asked, or no answer could be had"`
	HTTPS *HTTPS `fact:"https" doc:"how to reach the web server; unknown where it was not asked, or no answer could be had"`

	// MTASTS is unknown where the record or the policy could not be had: whoever
	// strips TLS from mail can keep the policy away, too.
	MTASTS *MTASTS `fact:"mta_sts" doc:"what the mail domain demands of its servers (RFC 8461); unknown where the domain is not known, it was not asked, or it could not be had"`

	LedBy         string `fact:"led_by" doc:"mx or srv: which records of the domain led to this server; empty where none"`
	MailDomain    string `fact:"mail_domain" doc:"domain whose mail the server takes, by the MX records that led to it or as the user says; empty where neither"`
	LedBySecurity string `fact:"led_by_security" doc:"validated, claimed or unsigned, of these records; empty where none"`
}

// CAA is the relevant resource record set of one name (RFC 8659 section 3).
type CAA struct {
	Domain  string `fact:"domain" doc:"name in the certificate: host.example.org or *.example.org"`
	FoundAt string `fact:"found_at" doc:"name whose records apply: the domain or a parent; empty where there are none"`
	// Security and Verdict are unknown where an answer is missing.
	Security *string `fact:"security" doc:"validated, claimed or unsigned: the least of all answers on the way"`
	Verdict  *string `fact:"verdict" doc:"unrestricted, allowed, forbidden, or undecided where the issuer or a CA that is named is not in our table"`
	// Allowed is the same as yes or no.
	Allowed *bool `fact:"allowed" doc:"the issuer of the leaf may issue; unknown where the verdict is unknown or undecided"`

	Issuer    string   `fact:"issuer" doc:"operator of the CA that issued the leaf, or: unknown"`
	Named     []string `fact:"named" doc:"issuer domain names that the records allow"`
	Allows    string   `fact:"allows" doc:"the same in words: letsencrypt.org or pki.goog; nobody; anybody"`
	Strangers []string `fact:"strangers" doc:"those of them that are not in our table"`
	Accounts  []string `fact:"account_uris" doc:"accounturi parameters (RFC 8657)"`
	Methods   []string `fact:"validation_methods" doc:"validationmethods parameters (RFC 8657), one entry for each record"`
	Mail      []string `fact:"issuemail" doc:"issuer domain names allowed for S/MIME (RFC 9495)"`
	Reports   []string `fact:"iodef" doc:"where breaches are to be reported"`
	Critical  []string `fact:"critical_unknown" doc:"tags that nobody knows and that forbid issuance to whoever does not understand them"`
	// SignedBefore rests on the signature's inception, with two days to spare; it is
	// unknown like the verdict.
	SignedBefore *bool `fact:"signed_before_issue" doc:"these very records were signed at least two days before the leaf's notBefore, and the signature was checked"`
}

// TLSA is the record set for a service (RFC 6698, RFC 7671, for mail RFC 7672).
type TLSA struct {
	Name     string `fact:"name" doc:"owner name: _443._tcp.example.org"`
	Security string `fact:"security" doc:"validated, claimed or unsigned"`
	Verdict  string `fact:"verdict" doc:"none: there are no records; match: one is satisfied; pkix: one matches, and demands a chain to a trusted root that is not there; mismatch; unusable: there are records and none can be used; unseen: no certificate was shown"`
	// Records are those of the answer, in its order.
	Records []TLSARecord `fact:"records" doc:"every record"`
	Usable  int64        `fact:"usable" doc:"number of records that can be used"`
	Mail    bool         `fact:"mail" doc:"the rules of SMTP between servers apply: usages 0 and 1 cannot be used"`
}

// TLSARecord is one TLSA record and what it matches.
type TLSARecord struct {
	Usage     int64  `fact:"usage" doc:"0 PKIX-TA, 1 PKIX-EE, 2 DANE-TA, 3 DANE-EE"`
	Selector  int64  `fact:"selector" doc:"0 whole certificate, 1 its public key"`
	Matching  int64  `fact:"matching" doc:"0 the thing itself, 1 SHA-256, 2 SHA-512"`
	Data      string `fact:"data" doc:"the hash, or the SHA-256 of the thing itself, in hexadecimal"`
	Unusable  string `fact:"unusable" doc:"why it cannot be used; empty where it can"`
	Matches   int64  `fact:"matches" doc:"index of the certificate of the chain that it matches, -1 where none"`
	Satisfied bool   `fact:"satisfied" doc:"it matches a certificate in the place that its usage wants"`
}

// HTTPS is the HTTPS record set of a web server (RFC 9460).
type HTTPS struct {
	Present  bool     `fact:"present" doc:"there is a record with parameters"`
	Security string   `fact:"security" doc:"validated, claimed or unsigned"`
	Alias    string   `fact:"alias" doc:"where an AliasMode record points to; empty where there is none"`
	ALPN     []string `fact:"alpn" doc:"protocols offered, by all records together"`
	ECH      bool     `fact:"ech" doc:"a key for encrypted ClientHello is published"`
	Hints    []string `fact:"address_hints" doc:"ipv4hint and ipv6hint of all records"`
	Hinted   *bool    `fact:"address_hinted" doc:"the address that was reached is among the hints of its family; unknown where there are none"`
}

// MTASTS is the policy of the mail domain whose MX records led to the server. It
// came over TLS that was verified: DNS alone does not change what it says.
type MTASTS struct {
	Domain string   `fact:"domain" doc:"the mail domain"`
	ID     string   `fact:"id" doc:"id of the record; empty where there is no valid one"`
	Mode   string   `fact:"mode" doc:"enforce, testing or none; empty where the domain has no policy"`
	MX     []string `fact:"mx" doc:"hosts that the policy names; an asterisk stands for one label"`
	MaxAge int64    `fact:"max_age" doc:"seconds for which senders may keep the policy"`
	Listed bool     `fact:"listed" doc:"this server is among the hosts that the policy names"`
}
