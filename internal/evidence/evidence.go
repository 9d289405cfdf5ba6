// Package evidence holds what was seen: bytes with where, when, how and through
// which vantage. It interprets nothing. Certificates are kept as they were
// served, in order, including those that no parser accepts.
//
// Evidence is what a bundle saves and what probes read; after it nothing touches
// network, disk, clock or environment.
//
// # Bundle format
//
// A bundle, certassay/evidence/v1, is one file that holds all evidence of a run.
// "zstd -dc FILE" prints its contents as JSON lines. From outside in:
//
//  1. A zstd skippable frame (RFC 8878 section 3.1.2) with the 22 bytes
//     "certassay/evidence/v1\n", so that the file can be told from its first
//     bytes.
//  2. One zstd frame with the lines.
//  3. The seal: a skippable frame with the SHA-256 of every byte before it. A
//     file that was cut short or changed anywhere has no valid seal.
//
// The lines are JSON objects of one member, exactly as [Writer] writes them:
//
//	{"format":"certassay/evidence/v1"}
//	{"certificate":{"sha256":"sha256:…","der":"BASE64"}}
//	{"subject":{"id":"…","kind":"endpoint",…,"certificates":["sha256:…"],"handshakes":[…]}}
//	{"trailer":{"run":{…},"subjects":1,"certificates":1,"sha256":"sha256:…"}}
//
// A certificate is written once, before the first subject that has it; subjects
// name it by its hash. OCSP responses and CRLs that were fetched are held alike,
// under the same name: one list serves thousands of subjects. So that reader and writer need little memory, both forget
// the oldest certificates, between subjects, while more than 32 MiB are
// remembered, each counted as its length plus 128; one that comes back is written
// again. The hash in the trailer is over every line before it, line ends
// included: it names the evidence, whatever compressed it.
//
// Times are in UTC with nanoseconds. Bytes that are not UTF-8 in a text become
// U+FFFD. An empty list and an absent one are the same.
//
// Why zstd and not the standard library's gzip: a scan of 100 000 hosts is some
// hundred megabytes of which the intermediates repeat within megabytes, not
// within gzip's 32 KiB; it is about five times faster both ways; and its
// skippable frames give the file a name and a seal that every zstd tool passes
// over.
package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// A Kind says what sort of subject was looked at.
type Kind string

// The kinds of subjects.
const (
	Endpoint    Kind = "endpoint"    // a live server at one address
	Chain       Kind = "chain"       // several certificates from one file
	Certificate Kind = "certificate" // a lone certificate from a file
	LogEntry    Kind = "log-entry"   // an entry of a CT log
	Corpus      Kind = "corpus"      // all subjects of a run together
)

// A Subject is all that was seen of one thing that gets one verdict.
type Subject struct {
	// ID names the subject within a run: "tls://host:443/203.0.113.7" for an
	// endpoint, "path" or "path#2" for a file and its second chain.
	ID   string `json:"id"`
	Kind Kind   `json:"kind"`
	// Target is what the user asked for, as written.
	Target string `json:"target"`
	// Name is the DNS name or IP address that was asked for, and that a
	// certificate has to be valid for; empty where none was.
	Name string `json:"name,omitempty"`
	// Protocol is the scheme spoken: "https", "tls", ...; empty for files.
	Protocol string `json:"protocol,omitempty"`
	// Address is the IP address and port that were dialled; empty for files
	// and where no address was reached.
	Address string `json:"address,omitempty"`
	// Vantage is "direct" or the proxy that was dialled through, without its
	// credentials.
	Vantage string `json:"vantage,omitempty"`
	// Certificates are the DER bytes in the order served or found: the chain
	// that is judged. For an endpoint it is that of the first handshake that
	// delivered any, or of a later one that continues the same chain where the
	// first was cut short.
	Certificates []DER `json:"certificates,omitempty"`
	// Handshakes are all attempts in the order made. Empty for files.
	Handshakes []Handshake `json:"handshakes,omitempty"`
	// Probes are further handshakes with the same address, made to compare their
	// answers (--every-hello, --probe-path), in the order made. None of them is
	// part of what is judged here: an answer that differs is a subject of its own
	// where it is for Name, with the profile at the end of its ID, "#rsa".
	Probes []Handshake `json:"probes,omitempty"`
	// Distances are how far away the address answers on its port, and on others to
	// compare with (--probe-path), in the order counted; empty where nobody asked.
	Distances []Distance `json:"distances,omitempty"`
	// Log is what a CT log said; nil for all kinds but LogEntry.
	Log *Log `json:"log,omitempty"`
	// Fetches are what third parties were asked about the certificates, or the
	// mail domain, in the order asked; empty where nobody was.
	Fetches []Fetch `json:"fetches,omitempty"`
	// Host is the DNS name of the server where that is not Name: the one that a
	// name's MX or SRV records lead to, or the target's where --name asks for
	// another. Empty where they are the same.
	Host string `json:"host,omitempty"`
	// MailDomain is the domain whose mail the server takes, where the user said so.
	// Empty where nobody did; MX records in DNS that led here name theirs.
	MailDomain string `json:"mail_domain,omitempty"`
	// DNS is what was sought in DNS beyond addresses to dial; empty where nothing
	// was asked.
	DNS []DNSLookup `json:"dns,omitempty"`
	// Inclusions are the SCTs of the certificates that were looked up in their
	// logs; empty where no log was asked.
	Inclusions []Inclusion `json:"inclusions,omitempty"`
	// Seen is when the evidence was taken; zero for files.
	Seen time.Time `json:"seen,omitzero"`
	// Failures are what could not be done. A subject with failures may still
	// hold certificates.
	Failures []Failure `json:"failures,omitempty"`
}

// Collected says whether there is anything to judge: a certificate, or what a
// log signed.
func (s *Subject) Collected() bool {
	return len(s.Certificates) > 0 || s.Log != nil && s.Log.Entry == nil && s.Log.Head != nil
}

// DER is the encoding of one certificate, byte for byte as it was met. It may
// be anything at all.
type DER []byte

// SHA256 is the certificate's fingerprint.
func (d DER) SHA256() [32]byte { return sha256.Sum256(d) }

// Hash writes a SHA-256 the way reports do: "sha256:" and hexadecimal.
func Hash(sum [32]byte) string { return "sha256:" + hex.EncodeToString(sum[:]) }

// A Failure is something that could not be done, and at which stage.
type Failure struct {
	// Stage is one of the Stage constants.
	Stage string `json:"stage"`
	Error string `json:"error"`
	// Hint says what a person can do about it; often empty.
	Hint string `json:"hint,omitempty"`
}

// The stages at which collecting can fail.
const (
	StageResolve   = "resolve"   // no address for the name
	StageDial      = "dial"      // no connection to address or proxy
	StageStartTLS  = "starttls"  // the server did not get as far as TLS
	StageHandshake = "handshake" // the server did not complete TLS
	StageDNS       = "dns"       // a record that was asked for could not be had
	StageNTS       = "nts"       // TLS, but no time server's answer behind it
	StageRead      = "read"      // a file or stream could not be read
	StageDecode    = "decode"    // bytes that are no certificate
	StageFetch     = "fetch"     // a third party gave no answer
	StageLog       = "log"       // a CT log did not show what it was asked for
	StageCollect   = "collect"   // anything else: time budget, interrupt
)

// A Handshake is one TLS connection attempt and what it told.
type Handshake struct {
	// Profile is the name of the client profile: "default" (crypto/tls with
	// its post-quantum key share), "classical" (a small ClientHello),
	// "fast" and "legacy" (our own ClientHello), "zcrypto", "quic". Those of
	// probes are the Probe constants.
	Profile string `json:"profile"`
	// ServerName is the SNI that was sent; empty where none was.
	ServerName string    `json:"server_name,omitempty"`
	Address    string    `json:"address"`
	Started    time.Time `json:"started"`
	// Elapsed runs from the first byte of the connection (TCP) to the end of
	// the handshake or its failure; Connect is the part before TLS.
	Elapsed time.Duration `json:"elapsed"`
	Connect time.Duration `json:"connect"`
	// HelloSize is the number of bytes of the ClientHello record.
	HelloSize int `json:"hello_size,omitempty"`
	// Completed says that both Finished messages were exchanged. The profiles
	// "fast" and "legacy" stop before, and have no Failure where the server
	// proved its key.
	Completed bool `json:"completed"`
	// Possession says that the server proved that it holds the private key of
	// the first certificate: a verified CertificateVerify or
	// ServerKeyExchange signature, or a completed handshake of crypto/tls.
	Possession bool `json:"possession"`
	// Refuted says that the signature that had to prove possession is not
	// that key's: the server shows a certificate that it cannot use.
	Refuted bool `json:"refuted,omitempty"`
	// Version, Cipher and Group are the IANA code points that were
	// negotiated, 0 where that was not reached.
	Version uint16 `json:"version,omitempty"`
	Cipher  uint16 `json:"cipher,omitempty"`
	Group   uint16 `json:"group,omitempty"`
	ALPN    string `json:"alpn,omitempty"`
	// OCSP is the stapled OCSP response in DER; empty where none was sent.
	OCSP []byte `json:"ocsp,omitempty"`
	// SCTs are the entries of the signed_certificate_timestamp TLS extension
	// (RFC 6962 section 3.3), each one a SerializedSCT.
	SCTs [][]byte `json:"scts,omitempty"`
	// Certificates are the DER bytes in the order served.
	Certificates []DER `json:"certificates,omitempty"`
	// Salvaged says that the TLS library refused the certificates and they
	// were taken from the recorded bytes of the connection.
	Salvaged bool `json:"salvaged,omitempty"`
	// Preamble is what was said in the clear before TLS; nil where TLS begins
	// with the first byte.
	Preamble *Preamble `json:"preamble,omitempty"`
	// NTS is what the server answered to NTS key establishment; nil where it
	// was not asked.
	NTS *NTS `json:"nts,omitempty"`
	// Failure says why the handshake did not complete; nil where it did.
	Failure *Failure `json:"failure,omitempty"`
	// Reset says that the peer dropped the connection or fell silent right
	// after the ClientHello.
	Reset bool `json:"reset,omitempty"`
}

// The profiles of [Subject.Probes]. The first ones are other ClientHellos for the
// same name; the others ask what only somebody on the path answers.
const (
	ProbeECDSA     = "ecdsa"     // TLS 1.2 with suites of ECDSA certificates alone
	ProbeRSA       = "rsa"       // TLS 1.2 with suites of RSA certificates alone
	ProbeTLS12     = "tls12"     // TLS 1.2 and older
	ProbeClassical = "classical" // a small ClientHello without post-quantum groups
	ProbeNoName    = "no-name"   // no SNI
	ProbeAgain     = "again"     // the ClientHello that was answered, once more
	ProbeSibling   = "sibling"   // an invented name under the registrable domain of the one asked for
	ProbeStranger  = "stranger"  // an invented name under .invalid, where no name can be (RFC 6761 section 6.4)

	// Where a proxy is asked to connect to names, Address is what it was asked for.
	ProbeConnectSibling  = "connect-sibling"  // an invented sibling, for the proxy and in SNI
	ProbeConnectStranger = "connect-stranger" // an invented name under .invalid for the proxy, the usual one in SNI
	ProbeConnectName     = "connect-name"     // the target's name for the proxy where it was asked for the address before, the usual one in SNI
)

// A Distance is how many routers away somebody answers on a TCP port, found with
// connections whose packets may pass ever fewer of them.
type Distance struct {
	// Address is what was dialled, IP address and port.
	Address string `json:"address"`
	// Hops is the smallest time to live with which a connection comes about: 1 is
	// a neighbour. 0 where that could not be found out.
	Hops int `json:"hops,omitempty"`
	// Answer is how the port answered, one of the Distance constants; empty where
	// it did not.
	Answer string `json:"answer,omitempty"`
	// Connections is how many were made.
	Connections int           `json:"connections,omitempty"`
	Started     time.Time     `json:"started"`
	Elapsed     time.Duration `json:"elapsed"`
	// Failure says why there is no number; nil where there is one.
	Failure *Failure `json:"failure,omitempty"`
}

// The answers of a port whose distance is counted.
const (
	DistanceAccepted = "accepted" // somebody listens
	DistanceRefused  = "refused"  // nobody does, and that was said
)

// A PreambleOutcome says how a server answered the wish for TLS.
type PreambleOutcome string

// The outcomes of a preamble.
const (
	PreambleReady     PreambleOutcome = "ready"     // it went ahead with TLS
	PreambleMissing   PreambleOutcome = "missing"   // it does not offer TLS, or somebody removed the offer
	PreambleRefused   PreambleOutcome = "refused"   // it said no, or turned us away before
	PreambleMalformed PreambleOutcome = "malformed" // it speaks another protocol
	PreambleTooLong   PreambleOutcome = "too-long"  // it said more than is read
	PreambleTooSlow   PreambleOutcome = "too-slow"  // the deadline passed
	PreambleClosed    PreambleOutcome = "closed"    // the connection ended
)

// A Preamble is a conversation in the clear that leads to TLS: STARTTLS and its
// kin. Nothing in it is authenticated.
type Preamble struct {
	Outcome PreambleOutcome `json:"outcome"`
	// Said is what the server sent, its first 512 bytes, with everything but
	// printable characters escaped as in Go.
	Said string `json:"said,omitempty"`
	// PipelinedPlaintext says that more bytes came in the clear together with
	// the go-ahead. No server sends any; somebody on the path may, for clients
	// that take them for a part of what TLS protects (CVE-2011-0411).
	PipelinedPlaintext bool          `json:"pipelined_plaintext,omitempty"`
	Elapsed            time.Duration `json:"elapsed"`
}

// An NTS is the answer to NTS key establishment (RFC 8915 section 4). A server
// that hands out cookies is a time server, or relays to one.
type NTS struct {
	// Cookies counts those that were received.
	Cookies int `json:"cookies"`
	// AEAD is the algorithm that was agreed on, by its IANA number: 15 is
	// AES-SIV-CMAC-256. 0 where none was.
	AEAD uint16 `json:"aead,omitempty"`
	// Server and Port are where to ask for the time; empty and 0 mean the same
	// host, port 123. Bytes that are not printable are escaped.
	Server string `json:"server,omitempty"`
	Port   uint16 `json:"port,omitempty"`
	// Failure says why there is no answer, or what is wrong with it; nil where
	// it is as it should be.
	Failure *Failure `json:"failure,omitempty"`
}

// A FetchKind says what was asked for.
type FetchKind string

// The kinds of fetches.
const (
	FetchIssuer FetchKind = "aia"  // an issuer's certificate (RFC 5280 section 4.2.2.1)
	FetchMet    FetchKind = "met"  // the same, from another subject of the run: nobody was asked
	FetchOCSP   FetchKind = "ocsp" // an OCSP response (RFC 6960)
	FetchCRL    FetchKind = "crl"  // a revocation list (RFC 5280 section 5)
	// FetchMTASTS is the policy of a mail domain (RFC 8461 section 3.3). What came
	// did so over TLS that was verified.
	FetchMTASTS FetchKind = "mta-sts"
)

// A Fetch is one question to a third party that a certificate names, and what
// came of it. Whoever wrote the certificate chose the address, and the answer may
// come from anybody: it is worth what its signature is.
type Fetch struct {
	Kind FetchKind `json:"kind"`
	// URL is the address as the certificate has it; of what was met in the run
	// the id of the subject.
	URL string `json:"url"`
	// For is the SHA-256 of the certificate that names it, as [Hash] writes it;
	// empty where none does.
	For string `json:"for"`
	// Address is the host, and the port if it is another than usual, that
	// answered, after redirects; empty where none did.
	Address string        `json:"address,omitempty"`
	Started time.Time     `json:"started"`
	Elapsed time.Duration `json:"elapsed"`
	// Request is the OCSP request in DER where one was posted or put into the
	// address; empty for other kinds.
	Request []byte `json:"request,omitempty"`
	// Body is the OCSP response, list or policy, byte for byte; empty for other kinds
	// and where nothing came.
	Body DER `json:"body,omitempty"`
	// Certificates are what was found in the answer to a fetch of an issuer.
	Certificates []DER `json:"certificates,omitempty"`
	// Cached says that nobody was asked: the answer is from the user's cache, and
	// was fetched at Started by an earlier run.
	Cached bool `json:"cached,omitempty"`
	// Failure says why there is no answer, or none of this kind; nil where there
	// is one.
	Failure *Failure `json:"failure,omitempty"`
}

// A Run is what a whole collection was: part of every bundle and report.
type Run struct {
	Command  string    `json:"command"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	// At is the time at which certificates are judged.
	At      time.Time `json:"at"`
	Vantage string    `json:"vantage"`
	// Complete is false where the run was interrupted or something could not
	// be collected.
	Complete bool `json:"complete"`
	// Contacted lists the addresses, "host:port", that were dialled.
	Contacted []string `json:"contacted"`
}
