package trust

import (
	"bytes"
	_ "embed" // the table of revoked CA certificates
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/certassay/certassay/internal/cert"
)

// A Reason is why a certificate stands on a list of revoked ones, where its
// publisher says so. The zero value means that it does not say: most of those
// certificates ended for ordinary reasons.
type Reason string

// The reasons.
const (
	// KeyCompromise: its private key got out.
	KeyCompromise Reason = "key-compromise"
	// WronglyIssued: it went to somebody without the right to its names.
	WronglyIssued Reason = "misissued"
	// UsedToIntercept: it is a CA that was used, or meant, to intercept.
	UsedToIntercept Reason = "interception"
	// TestCertificate was made to test something, the refusal of revoked ones included.
	TestCertificate Reason = "test"
	// LateSHA1 was signed with SHA-1 after that had to end.
	LateSHA1 Reason = "sha1"
)

var reasons = []Reason{"", KeyCompromise, WronglyIssued, UsedToIntercept, TestCertificate, LateSHA1}

// A Revoked is what a list says of one certificate.
type Revoked struct {
	// List names the list and its date.
	List string
	// Listed is a day on which it stood on the list; it may have been put there
	// earlier.
	Listed time.Time
	// Bug is the number of the publisher's report, 0 where there is none.
	Bug    int
	Reason Reason
}

// Source is the address of the report on a revoked certificate, or of the list.
func (r *Revoked) Source() string {
	if r.Bug == 0 {
		return "https://wiki.mozilla.org/CA/Revocation_Checking_in_Firefox"
	}
	return fmt.Sprintf("https://bugzilla.mozilla.org/show_bug.cgi?id=%d", r.Bug)
}

// A RevokedList is a list of revoked certificates. It is immutable.
type RevokedList struct {
	date    string
	entries int
	// serials are by the DER of the issuer's name and the content octets of the
	// serial number, keys by the DER of the subject.
	serials map[string]map[string]*Revoked
	keys    map[string][]revokedKey
}

type revokedKey struct {
	spkiSHA256 [32]byte
	entry      *Revoked
}

// revokedFile is Mozilla's OneCRL: what Firefox refuses whatever vouches for it.
// Package generate below writes it from the file that Firefox ships.
//
//go:embed data/onecrl.json
var revokedFile []byte

// oneCRL is read when first asked for.
var oneCRL = sync.OnceValue(func() *RevokedList {
	l, err := ReadRevoked(revokedFile)
	if err != nil {
		panic(err) // a test reads it
	}
	return l
})

// Find gives the entry of a certificate: that of its issuer and serial number, or
// of its subject and key. Bytes are compared, as Firefox does. It is nil for one
// that is not listed, which takes no memory to say.
func (l *RevokedList) Find(c *cert.Certificate) *Revoked {
	if c.SPKI == nil || c.SerialErr != nil {
		return nil
	}
	if r := l.serials[string(c.Issuer.Raw)][string(c.Serial)]; r != nil {
		return r
	}
	for _, k := range l.keys[string(c.Subject.Raw)] {
		if sum, ok := c.SPKISHA256(); ok && sum == k.spkiSHA256 {
			return k.entry
		}
	}
	return nil
}

// Date is when the list was last changed, 2006-01-02.
func (l *RevokedList) Date() string { return l.date }

// Entries is how many certificates and keys the list names.
func (l *RevokedList) Entries() int { return l.entries }

// Missing is how many entries of l a newer list does not have.
func (l *RevokedList) Missing(newer *RevokedList) (n int) {
	for issuer, of := range l.serials {
		for serial := range of {
			if newer.serials[issuer][serial] == nil {
				n++
			}
		}
	}
	for subject, of := range l.keys {
		for _, k := range of {
			if !slices.ContainsFunc(newer.keys[subject], func(o revokedKey) bool { return o.spkiSHA256 == k.spkiSHA256 }) {
				n++
			}
		}
	}
	return n
}

// BuiltinRevoked is the list of the program.
func BuiltinRevoked() *RevokedList { return oneCRL() }

// Revoked is what the list of revoked certificates says of one, nil where it is
// silent.
func (s *Store) Revoked(c *cert.Certificate) *Revoked { return s.revokedList().Find(c) }

// RevokedDate is the date of the list of revoked certificates, 2006-01-02.
func (s *Store) RevokedDate() string { return s.revokedList().date }

func (s *Store) revokedList() *RevokedList {
	if s.revoked != nil {
		return s.revoked
	}
	return oneCRL()
}

// A RevokedFile is the form of the list on disk: batches that were listed together,
// and what belongs to them by its number. Names, serial numbers and hashes are in
// base64.
type RevokedFile struct {
	Date    string          `json:"date"`
	Batches []RevokedBatch  `json:"batches"`
	Issuers []RevokedIssuer `json:"issuers"`
	Keys    []RevokedByKey  `json:"keys"`
}

// A RevokedBatch is what was listed on one day for one reason.
type RevokedBatch struct {
	Listed string `json:"listed"` // 2006-01-02
	Bug    int    `json:"bug,omitempty"`
	Reason Reason `json:"reason,omitempty"`
}

// A RevokedIssuer is the certificates of one issuer: batches by serial number.
type RevokedIssuer struct {
	Name    []byte         `json:"name"`
	Serials map[string]int `json:"serials"`
}

// A RevokedByKey stands for every certificate with a subject and a key.
type RevokedByKey struct {
	Subject    []byte `json:"subject"`
	SPKISHA256 []byte `json:"spki_sha256"`
	Batch      int    `json:"batch"`
}

// maxSerial bounds a serial number of the list: RFC 5280 has at most 20 octets,
// and those of the past have up to 34.
const maxSerial = 64

// ReadRevoked reads a list in the form of [RevokedFile], strictly: an entry that
// cannot be read would let through what it should refuse.
func ReadRevoked(data []byte) (*RevokedList, error) {
	var f RevokedFile
	if err := strict(data, &f); err != nil {
		return nil, fmt.Errorf("reading revoked certificates: %w", err)
	}
	return newRevokedList(&f)
}

// newRevokedList checks what was read.
func newRevokedList(f *RevokedFile) (*RevokedList, error) {
	if _, err := time.Parse(time.DateOnly, f.Date); err != nil {
		return nil, fmt.Errorf("reading revoked certificates: date: %w", err)
	}
	l := &RevokedList{date: f.Date, serials: map[string]map[string]*Revoked{}, keys: map[string][]revokedKey{}}
	batches := make([]*Revoked, len(f.Batches))
	for i, b := range f.Batches {
		listed, err := time.Parse(time.DateOnly, b.Listed)
		if err != nil || b.Bug < 0 || !slices.Contains(reasons, b.Reason) {
			return nil, fmt.Errorf("reading revoked certificates: batch %d has no day, or an unknown reason", i)
		}
		batches[i] = &Revoked{List: "OneCRL " + f.Date, Listed: listed, Bug: b.Bug, Reason: b.Reason}
	}
	for i := range f.Issuers {
		if err := l.addIssuer(&f.Issuers[i], batches); err != nil {
			return nil, fmt.Errorf("reading revoked certificates: issuer %d: %w", i, err)
		}
	}
	for i := range f.Keys {
		if err := l.addKey(&f.Keys[i], batches); err != nil {
			return nil, fmt.Errorf("reading revoked certificates: key %d: %w", i, err)
		}
	}
	return l, nil
}

func (l *RevokedList) addIssuer(f *RevokedIssuer, batches []*Revoked) error {
	if !named(f.Name) || l.serials[string(f.Name)] != nil || len(f.Serials) == 0 {
		return errors.New("it has no name or no serial number, or stands there twice")
	}
	of := make(map[string]*Revoked, len(f.Serials))
	for text, batch := range f.Serials {
		serial, err := base64.RawStdEncoding.Strict().DecodeString(text)
		if err != nil || len(serial) == 0 || len(serial) > maxSerial {
			return fmt.Errorf("%.100q is no serial number in base64", text)
		}
		if batch < 0 || batch >= len(batches) {
			return fmt.Errorf("there is no batch %d", batch)
		}
		of[string(serial)] = batches[batch]
		l.entries++
	}
	l.serials[string(f.Name)] = of
	return nil
}

func (l *RevokedList) addKey(f *RevokedByKey, batches []*Revoked) error {
	switch {
	case !named(f.Subject):
		return errors.New("it has no name")
	case len(f.SPKISHA256) != 32:
		return errors.New("the hash of its key is not 32 octets")
	case f.Batch < 0 || f.Batch >= len(batches):
		return fmt.Errorf("there is no batch %d", f.Batch)
	}
	of := l.keys[string(f.Subject)]
	if slices.ContainsFunc(of, func(k revokedKey) bool { return bytes.Equal(k.spkiSHA256[:], f.SPKISHA256) }) {
		return errors.New("it stands there twice")
	}
	l.keys[string(f.Subject)] = append(of, revokedKey{[32]byte(f.SPKISHA256), batches[f.Batch]})
	l.entries++
	return nil
}

// named says that the bytes are a distinguished name that can be read.
func named(der []byte) bool {
	n := cert.Name{Raw: der}
	return n.Normal() != ""
}
