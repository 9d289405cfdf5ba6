package evidence

import "time"

// A DNSPurpose says what a lookup was for.
type DNSPurpose string

// What is sought in DNS.
const (
	DNSForCAA     DNSPurpose = "caa"     // who may issue for the name (RFC 8659)
	DNSForTLSA    DNSPurpose = "tlsa"    // which certificates the server may show (RFC 6698)
	DNSForHTTPS   DNSPurpose = "https"   // how to reach the service (RFC 9460)
	DNSForAddress DNSPurpose = "address" // whether the name is an alias
	DNSForMX      DNSPurpose = "mx"      // which hosts take mail for the domain
	DNSForSRV     DNSPurpose = "srv"     // which hosts offer the service of the domain
	DNSForMTASTS  DNSPurpose = "mta-sts" // whether the mail domain has a policy (RFC 8461 section 3.1)
)

// A DNSLookup is one thing that was sought in DNS, and every answer on the way.
type DNSLookup struct {
	Purpose DNSPurpose `json:"purpose"`
	// Name is what was sought, in lower case without a final dot: "*.example.org"
	// for the CAA of a wildcard, "_25._tcp.mx.example.org" for a TLSA.
	Name string `json:"name"`
	// Answers are in the order asked. CAA climbs from name to name.
	Answers []DNSAnswer `json:"answers,omitempty"`
}

// A DNSAnswer is one question to a resolver and what came of it. What the answer
// says stands in Message and nowhere else.
type DNSAnswer struct {
	// Name and Type are the question; Name has a final dot.
	Name string `json:"name"`
	Type uint16 `json:"type"`
	// Resolver is the address and port that were asked, Transport how: "udp",
	// "tcp" after a truncated answer, "tls" or "https".
	Resolver  string `json:"resolver"`
	Transport string `json:"transport"`
	// Local says that the resolver runs on this machine, so that nobody on the
	// network could change its answer, or its word that it validated it.
	Local   bool          `json:"local,omitempty"`
	Asked   time.Time     `json:"asked"`
	Elapsed time.Duration `json:"elapsed"`
	// Message is the answer as received, RFC 1035 section 4; empty where none
	// came.
	Message []byte `json:"message,omitempty"`
	// Failure says why there is no answer, or that the resolver gave none: then
	// nothing is known, not even that there is no record.
	Failure *Failure `json:"failure,omitempty"`
}
