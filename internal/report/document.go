package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
)

// SchemaName is the value of every report's schema field.
const SchemaName = "certassay/report/v1"

// Document is one whole report.
type Document struct {
	// Schema is "certassay/report/v1".
	Schema string `json:"schema"`
	// Tool is what judged.
	Tool Tool `json:"tool"`
	// Run is how and when the evidence was collected.
	Run evidence.Run `json:"run"`
	// Summary counts what follows.
	Summary Summary `json:"summary"`
	// Subjects are in the order of the input, whatever finished first.
	Subjects []Subject `json:"subjects"`
	// Certificates are all that subjects refer to, by "sha256:" and the
	// SHA-256 of their DER.
	Certificates map[string]Certificate `json:"certificates"`
	// Rules explains every rule that has a finding in this report, by its id.
	Rules map[string]Rule `json:"rules"`
	// Warnings are about the run as a whole, such as an unused waiver.
	Warnings []Warning `json:"warnings"`
	// Baseline compares with an earlier report; absent where none was given.
	Baseline *Baseline `json:"baseline,omitempty"`
}

// Tool is what judged: the program, its rules and its data.
type Tool struct {
	// Version is certassay's version.
	Version string `json:"version"`
	// RulesDigest is "sha256:" and a hash over all rules that were loaded.
	RulesDigest string `json:"rules_digest"`
	// Data gives the date of each set of trust data: "roots", "log_list", ...
	Data map[string]string `json:"data"`
	// RulesLeftOut are the rules that the run was told not to ask (--rule,
	// --skip-rule): that they found nothing says nothing.
	RulesLeftOut []string `json:"rules_left_out,omitempty"`
	// LeastSeverity is the severity below which findings were left out
	// (--severity); absent where none were.
	LeastSeverity finding.Severity `json:"least_severity,omitzero"`
}

// narrowed says, for people, what a run was told not to look for or not to show;
// empty where that was nothing. "Every required check ran" holds only of the rest.
func (t *Tool) narrowed() string {
	var out []string
	if n := len(t.RulesLeftOut); n > 0 {
		names := outside(strings.Join(t.RulesLeftOut[:min(n, maxNarrowed)], ", "))
		if n > maxNarrowed {
			names += ", …"
		}
		out = append(out, fmt.Sprintf("%s left out (--rule, --skip-rule), and what only they find was not looked for: %s.", count(n, "rule"), names))
	}
	if t.LeastSeverity != finding.NoSeverity {
		out = append(out, fmt.Sprintf("Findings below %s are not shown or counted (--severity).", t.LeastSeverity))
	}
	return strings.Join(out, " ")
}

// maxNarrowed bounds the rules that narrowed names.
const maxNarrowed = 5

// Summary counts the subjects of a report. Its zero value is ready for Add.
type Summary struct {
	// Subjects is how many were judged.
	Subjects int `json:"subjects"`
	// Verdicts says how many subjects got each verdict.
	Verdicts VerdictCounts `json:"verdicts"`
	// Findings says how many findings there are of each severity, those that
	// are waived left out.
	Findings SeverityCounts `json:"findings"`
	// Waived is how many findings are waived.
	Waived int `json:"waived"`
}

// VerdictCounts says how many subjects got each verdict.
type VerdictCounts struct {
	Forged       int `json:"forged"`
	Suspicious   int `json:"suspicious"`
	OK           int `json:"ok"`
	Inconclusive int `json:"inconclusive"`
}

// SeverityCounts says how many findings there are of each severity.
type SeverityCounts struct {
	Critical int `json:"critical"`
	High     int `json:"high"`
	Medium   int `json:"medium"`
	Low      int `json:"low"`
	Info     int `json:"info"`
}

// Of gives the count of one verdict.
func (c *VerdictCounts) Of(v finding.Verdict) int {
	if p := c.at(v); p != nil {
		return *p
	}
	return 0
}

func (c *VerdictCounts) at(v finding.Verdict) *int {
	switch v {
	case finding.Forged:
		return &c.Forged
	case finding.Suspicious:
		return &c.Suspicious
	case finding.OK:
		return &c.OK
	case finding.Undetermined:
		return &c.Inconclusive
	}
	return nil
}

// Of gives the count of one severity.
func (c *SeverityCounts) Of(s finding.Severity) int {
	if p := c.at(s); p != nil {
		return *p
	}
	return 0
}

func (c *SeverityCounts) at(s finding.Severity) *int {
	switch s {
	case finding.Critical:
		return &c.Critical
	case finding.High:
		return &c.High
	case finding.Medium:
		return &c.Medium
	case finding.Low:
		return &c.Low
	case finding.Info:
		return &c.Info
	}
	return nil
}

// Add counts one subject. A verdict or severity that is none is not counted.
func (s *Summary) Add(subject *Subject) {
	s.Subjects++
	if p := s.Verdicts.at(subject.Verdict); p != nil {
		*p++
	}
	for i := range subject.Findings {
		f := &subject.Findings[i]
		if f.Waiver != nil {
			s.Waived++
		} else if p := s.Findings.at(f.Severity); p != nil {
			*p++
		}
	}
}

// Subject is one thing that was judged, and its one verdict.
type Subject struct {
	// ID names the subject within the report: "tls://host:443/203.0.113.7" for
	// an endpoint, "path" or "path#2" for a file and its second chain.
	ID string `json:"id"`
	// Kind says what sort of thing it is.
	Kind evidence.Kind `json:"kind"`
	// Target is what was asked for, as written.
	Target string `json:"target"`
	// Address is the IP address and port that were dialled; empty for files
	// and where none was reached.
	Address string `json:"address"`
	// Name is the DNS name or IP address that a certificate had to be valid
	// for; absent where none was asked for.
	Name string `json:"name,omitempty"`
	// Protocol is the scheme spoken; absent for files.
	Protocol string `json:"protocol,omitempty"`
	// Vantage is where it was asked from: "direct", or the proxy without its
	// credentials; absent for files.
	Vantage string `json:"vantage,omitempty"`
	// Seen is when the evidence was taken; absent for files.
	Seen time.Time `json:"seen,omitzero"`
	// Group is the group of the inventory that lists the subject; absent where
	// none does.
	Group string `json:"group,omitempty"`
	// Owner is whose it is, as the inventory says; absent where it does not.
	Owner string `json:"owner,omitempty"`
	// Source is where an inventory or list names it; absent where none does.
	Source *Source `json:"source,omitempty"`
	// Verdict is the answer.
	Verdict finding.Verdict `json:"verdict"`
	// Complete is false where something could not be collected or checked.
	Complete bool `json:"complete"`
	// Anchor is the best reason to trust a root that the leaf chains to:
	// public, inventory, local or none.
	Anchor string `json:"anchor"`
	// Chain holds the hashes of the certificates in the order served or found.
	Chain []string `json:"chain"`
	// Links says, for each certificate of the chain, what signed it.
	Links []Link `json:"links,omitempty"`
	// AlsoSeen holds the hashes of certificates that only other handshakes
	// with the same endpoint delivered.
	AlsoSeen []string `json:"also_seen,omitempty"`
	// Fetched holds the hashes of certificates that were not supplied with the
	// chain: met in other files or at other servers of the run, or fetched from where others said that
	// they lie (--online aia).
	Fetched []string `json:"fetched,omitempty"`
	// Programs are the root programs and named anchors that the leaf chains to.
	Programs []string `json:"programs,omitempty"`
	// Paths are the ways from the leaf to roots that were found, the best
	// first, whether or not a program accepts them.
	Paths []Path `json:"paths,omitempty"`
	// VerifyError is why the standard library accepts no path; absent where it
	// accepts one.
	VerifyError string `json:"verify_error,omitempty"`
	// Handshake is the TLS connection that delivered the chain.
	Handshake *Handshake `json:"handshake,omitempty"`
	// Findings are what speaks against the subject, waived ones included.
	Findings []finding.Finding `json:"findings"`
	// Inconclusive are the rules that could not be decided, and why.
	Inconclusive []finding.Gap `json:"inconclusive"`
	// Errors are what could not be done while collecting.
	Errors []evidence.Failure `json:"errors"`
	// Notes are remarks that are no findings, in whole sentences.
	Notes []string `json:"notes,omitempty"`
}

// NewSubject takes over what the evidence says of a subject: everything but what
// was concluded. Lists are never nil.
func NewSubject(e *evidence.Subject) *Subject {
	s := &Subject{
		ID: e.ID, Kind: e.Kind, Target: e.Target, Name: e.Name, Protocol: e.Protocol,
		Address: e.Address, Vantage: e.Vantage, Seen: e.Seen.UTC(),
		Complete: e.Collected() && len(e.Failures) == 0,
		Errors:   append([]evidence.Failure{}, e.Failures...),
	}
	listed := map[string]bool{}
	for _, der := range e.Certificates {
		hash := evidence.Hash(der.SHA256())
		listed[hash] = true
		s.Chain = append(s.Chain, hash)
	}
	handshakes := slices.Concat(e.Handshakes, e.Probes)
	for i := range handshakes {
		for _, der := range handshakes[i].Certificates {
			if hash := evidence.Hash(der.SHA256()); !listed[hash] {
				listed[hash] = true
				s.AlsoSeen = append(s.AlsoSeen, hash)
			}
		}
	}
	for i := range e.Fetches {
		f := &e.Fetches[i]
		if f.Failure != nil {
			s.Errors = append(s.Errors, *f.Failure)
		}
		if f.Cached {
			s.Notes = append(s.Notes, fmt.Sprintf("The answer of %s (%s) is from the cache: it was fetched at %s.", f.URL, f.Kind, f.Started.UTC().Format(time.RFC3339)))
		}
		for _, der := range f.Certificates {
			if hash := evidence.Hash(der.SHA256()); !slices.Contains(s.Fetched, hash) {
				s.Fetched = append(s.Fetched, hash)
			}
		}
	}
	for i := range e.Inclusions {
		if f := e.Inclusions[i].Failure; f != nil && !e.Inclusions[i].Denied {
			s.Errors = append(s.Errors, *f)
		}
	}
	s.fillLists()
	return s
}

// fillLists makes nil lists empty: programs that read reports expect lists.
func (s *Subject) fillLists() {
	if s.Chain == nil {
		s.Chain = []string{}
	}
	if s.Findings == nil {
		s.Findings = []finding.Finding{}
	}
	if s.Inconclusive == nil {
		s.Inconclusive = []finding.Gap{}
	}
	if s.Errors == nil {
		s.Errors = []evidence.Failure{}
	}
}

// Source is a place in a file that a person wrote.
type Source struct {
	// File is the path, with slashes; relative to the root of the repository
	// or, where there is none, to the working directory, if it lies below.
	File string `json:"file"`
	// Line counts from 1; absent where the file as a whole is meant.
	Line int `json:"line,omitempty"`
	// Column counts characters from 1; absent where the line is.
	Column int `json:"column,omitempty"`
}

// String gives "file:line:column", without what is not known.
func (s *Source) String() string {
	if s.Line < 1 {
		return s.File
	}
	return fmt.Sprintf("%s:%d:%d", s.File, s.Line, max(s.Column, 1))
}

// region is the place in numbers that every format takes: 1 and 1 where the file
// as a whole is meant.
func (s *Source) region() (line, column int) {
	if s == nil || s.Line < 1 {
		return 1, 1
	}
	return s.Line, max(s.Column, 1)
}

// Link is one certificate of a chain, and what signed it.
type Link struct {
	// Index is its place in the chain; 0 is the leaf.
	Index int `json:"index"`
	// Certificate is its hash.
	Certificate string `json:"certificate"`
	// SignedBy is the index of the certificate whose key verifies its
	// signature, null where no certificate of the chain does.
	SignedBy *int `json:"signed_by"`
	// NamesIssuer is the index of another certificate whose subject is its
	// issuer's name, whether or not the key fits; absent where there is none.
	NamesIssuer *int `json:"names_issuer,omitempty"`
	// SignedByRoot is the name of a known root, not part of the chain or its
	// last certificate, whose key verifies it; absent where there is none.
	SignedByRoot string `json:"signed_by_root,omitempty"`
	// Anchor lists the root programs and named anchors that this certificate
	// is itself a root of.
	Anchor []string `json:"anchor,omitempty"`
	// Notes are words on its part in the chain: "duplicate", "stray",
	// "self-issued", "expired", ...
	Notes []string `json:"notes,omitempty"`
}

// Handshake is one TLS connection.
type Handshake struct {
	// Profile is the client profile that was used.
	Profile string `json:"profile"`
	// Version is the TLS version: "1.3".
	Version string `json:"version,omitempty"`
	// Cipher is the cipher suite by its IANA name.
	Cipher string `json:"cipher,omitempty"`
	// Group is the key exchange group.
	Group string `json:"group,omitempty"`
	// ALPN is the application protocol that was agreed on.
	ALPN string `json:"alpn,omitempty"`
	// OCSPStapled says that an OCSP response came along.
	OCSPStapled bool `json:"ocsp_stapled"`
	// Possession says that the server proved that it holds the leaf's key.
	Possession bool `json:"possession"`
	// ElapsedMS is how long it took, in milliseconds.
	ElapsedMS int64 `json:"elapsed_ms"`
	// Hops is how many routers away the port answered; absent where that was not
	// counted, or could not be.
	Hops int `json:"hops,omitempty"`
	// Reset says what happened to an earlier, larger ClientHello that the
	// server did not answer; absent where it answered the first.
	Reset string `json:"reset,omitempty"`
}

// Certificate is what one certificate says, read tolerantly: a field that could
// not be read is empty.
type Certificate struct {
	// Hash is the certificate's key in Document.Certificates.
	Hash string `json:"-"`
	// Subject is the subject's distinguished name, RFC 4514.
	Subject string `json:"subject"`
	// Issuer is the issuer's distinguished name, RFC 4514.
	Issuer string `json:"issuer"`
	// Serial is the serial number in hexadecimal.
	Serial string `json:"serial"`
	// NotBefore is the start of validity, RFC 3339 in UTC.
	NotBefore string `json:"not_before"`
	// NotAfter is the end of validity, RFC 3339 in UTC.
	NotAfter string `json:"not_after"`
	// DNSNames are the DNS names it is valid for.
	DNSNames []string `json:"dns_names"`
	// IPAddresses are the IP addresses it is valid for.
	IPAddresses []string `json:"ip_addresses,omitempty"`
	// SPKISHA256 is "sha256/" and the SHA-256 of the SubjectPublicKeyInfo in
	// base64, as pins are written.
	SPKISHA256 string `json:"spki_sha256"`
	// Key says what public key it has: "RSA 2048", "ECDSA P-256".
	Key string `json:"key,omitempty"`
	// Signature is the signature algorithm.
	Signature string `json:"signature,omitempty"`
	// IsCA says that basicConstraints makes it a CA.
	IsCA bool `json:"is_ca,omitempty"`
	// Parsers is what three X.509 libraries made of it.
	Parsers Parsers `json:"parsers"`
	// Quirks are what DER forbids and was met.
	Quirks []string `json:"quirks,omitempty"`
	// Disagreements are the fields that parsers read differently.
	Disagreements []string `json:"disagreements,omitempty"`
	// PEM is the certificate, byte for byte as it was met.
	PEM string `json:"pem"`
}

// Parsers says for each X.509 library "ok", "skipped", or why it refused.
type Parsers struct {
	Stdlib  string `json:"stdlib"`
	ZCrypto string `json:"zcrypto"`
	CTGo    string `json:"ctgo"`
}

// Rule explains a rule, so that a report can be read without the rules.
type Rule struct {
	// Title is the rule in a few words.
	Title string `json:"title"`
	// Summary is what it looks at.
	Summary string `json:"summary"`
	// Why is why a finding matters.
	Why string `json:"why"`
	// Benign lists what else could explain a finding.
	Benign []string `json:"benign"`
	// Remediation is what to do next.
	Remediation string `json:"remediation"`
	// References are links to primary sources.
	References []string `json:"references"`
	// Tags are the words that the rule is found by.
	Tags []string `json:"tags,omitempty"`
}

// Warning is a remark about the run as a whole.
type Warning struct {
	// Message is the remark.
	Message string `json:"message"`
	// Hint is what a person can do about it.
	Hint string `json:"hint,omitempty"`
}
