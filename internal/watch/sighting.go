package watch

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/store"
)

// A Sighting is a certificate or precertificate that matched, in a log.
type Sighting struct {
	// Entry is how it is stored.
	Entry store.Entry
	// SPKI is the SHA-256 of its SubjectPublicKeyInfo; zero where that cannot
	// be read.
	SPKI [32]byte

	signed   []byte // the certificate or TBSCertificate that the log signed for
	parsed   *cert.Certificate
	leafHash [32]byte
	subject  *evidence.Subject
	hits     []ctlog.Hit
	chainErr string
	judged   Judgement
	// unreadable says that the log holds an entry there that is none.
	unreadable bool
}

// newSighting copies what is to be kept of an entry.
func newSighting(s *ctlog.Sighting, hits []ctlog.Hit) *Sighting {
	e := *s.Entry
	e.Signed = bytes.Clone(e.Signed) // the reader's buffer is used again
	out := &Sighting{subject: s.Subject(), hits: append([]ctlog.Hit(nil), hits...)}
	out.leafHash, _ = e.LeafHash(nil)
	if out.unreadable = len(e.Signed) == 0; out.unreadable {
		out.Entry.Number = s.Index
		return out
	}
	out.Entry = store.Entry{
		Log: s.Log.ID, Number: s.Index, Identity: ct.Identity(e.Signed, e.Precert), Hash: sha256.Sum256(e.Signed), Precert: e.Precert, Time: e.Time(),
	}
	out.signed, out.parsed = e.Signed, e.Certificate()
	serial := sha256.New()
	serial.Write(out.parsed.Issuer.Raw)
	serial.Write([]byte{0})
	serial.Write(out.parsed.Serial)
	serial.Sum(out.Entry.Serial[:0])
	if !out.parsed.Readable() {
		out.Entry.Serial = out.Entry.Identity // what cannot be read shares no number
	}
	if len(out.parsed.SPKI) > 0 {
		out.SPKI = sha256.Sum256(out.parsed.SPKI)
	}
	err := s.ChainErr
	if err == nil {
		err = e.CheckSubmitted(s.Chain)
	}
	if err != nil {
		out.chainErr = err.Error()
	}
	return out
}

// The kinds of notifications.
const (
	KindCertificate   = "certificate"     // one that matches was logged
	KindContradiction = "contradiction"   // a log contradicts what it signed
	KindMissing       = "missing-entries" // a log does not give what it signed
	KindOdd           = "odd-entry"       // an entry that holds no certificate
	KindOddHead       = "odd-head"        // a tree head that is not signed, or not of now
)

// Schema names the form of notifications.
const Schema = "certassay/ct-notification/v1"

// A Message is a notification as it is sent. Fields are only ever added.
type Message struct {
	Schema string    `json:"schema"`
	ID     string    `json:"id"`
	Kind   string    `json:"kind"`
	Found  time.Time `json:"found"`
	Log    logName   `json:"log"`
	// What follows is of certificates and odd entries.
	Index *uint64 `json:"index,omitempty"`
	Error string  `json:"error,omitempty"`
	*CertificateText
	// Proof is the file with both heads of a contradiction.
	Proof string `json:"proof,omitempty"`
	// Ranges are the missing entries, To exclusive.
	Ranges []rangeText `json:"ranges,omitempty"`

	Verdict  finding.Verdict   `json:"verdict,omitempty"`
	Findings []finding.Finding `json:"findings,omitempty"`
	// Expected says that it is told although its owner expects it.
	Expected bool `json:"expected,omitempty"`
}

type logName struct {
	Name string `json:"name"`
	ID   string `json:"id"`
	URL  string `json:"url"`
}

type rangeText struct {
	From  uint64 `json:"from"`
	To    uint64 `json:"to"`
	Error string `json:"error"`
}

type matchText struct {
	Name       string `json:"name,omitempty"`
	Identifier string `json:"identifier,omitempty"`
	Why        string `json:"why,omitempty"`
	Unreadable bool   `json:"unreadable,omitempty"`
}

// A CertificateText is the certificate that a Message is about.
type CertificateText struct {
	Time      time.Time   `json:"time"`
	Type      string      `json:"type"` // certificate or precertificate
	Hash      string      `json:"hash"` // of the certificate, or of the TBSCertificate
	LeafHash  string      `json:"leaf_hash"`
	Subject   string      `json:"subject"`
	Issuer    string      `json:"issuer"`
	Serial    string      `json:"serial"`
	NotBefore string      `json:"not_before,omitempty"`
	NotAfter  string      `json:"not_after,omitempty"`
	SPKI      string      `json:"spki_sha256,omitempty"`
	Names     []string    `json:"names"`
	Matches   []matchText `json:"matches"`
	// SameSerial are other certificates of the issuer with the same number, as
	// their identity: the hash of the TBSCertificate without SCTs.
	SameSerial []string `json:"same_serial,omitempty"`
	// ChainError says what is wrong with what the log hands out beside the
	// entry.
	ChainError string `json:"chain_error,omitempty"`
	// DER is the certificate or TBSCertificate.
	DER []byte `json:"der"`
}

func (s *Sighting) text(news store.News, der []byte) *CertificateText {
	const mostNames = 100
	p := s.parsed
	t := &CertificateText{
		Time: s.Entry.Time, Type: "certificate", Hash: evidence.Hash(s.Entry.Hash), LeafHash: hex.EncodeToString(s.leafHash[:]),
		Subject: p.Subject.String(), Issuer: p.Issuer.String(), Serial: hex.EncodeToString(p.Serial[:min(len(p.Serial), 64)]),
		Names: append([]string{}, p.DNSNames()...), ChainError: s.chainErr, DER: der,
	}
	if s.Entry.Precert {
		t.Type = "precertificate"
	}
	if p.NotBeforeErr == nil {
		t.NotBefore = p.NotBefore.Format(time.RFC3339)
	}
	if p.NotAfterErr == nil {
		t.NotAfter = p.NotAfter.Format(time.RFC3339)
	}
	if s.SPKI != ([32]byte{}) {
		t.SPKI = cert.PinOf(s.SPKI)
	}
	for _, ip := range p.IPAddresses() {
		t.Names = append(t.Names, ip.String())
	}
	t.Names = t.Names[:min(len(t.Names), mostNames)]
	for _, h := range s.hits {
		t.Matches = append(t.Matches, matchText{h.Watched, h.Identifier, h.Why, h.Unreadable})
	}
	for _, other := range news.SameSerial {
		t.SameSerial = append(t.SameSerial, evidence.Hash(other))
	}
	return t
}

func (m *Message) judged(j Judgement) {
	if r := j.Report; r != nil {
		m.Verdict, m.Findings = r.Verdict, r.Findings
	}
}

// notification makes what is stored of a message.
func (m *Message) notification() (*store.Notification, error) {
	body, err := json.Marshal(m)
	return &store.Notification{ID: m.ID, Kind: m.Kind, Created: m.Found, Body: body}, err
}
