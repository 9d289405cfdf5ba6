package ct

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A State is what a browser program calls a log. The zero value is that of a log
// that no program ever accepted, or a time before one did.
type State string

// The states of log lists (v3), in the order of a log's life.
const (
	Pending   State = "pending"   // asked to be accepted
	Qualified State = "qualified" // accepted, not yet in every client
	Usable    State = "usable"    // accepted
	ReadOnly  State = "readonly"  // accepted, takes nothing new
	Retired   State = "retired"   // SCTs from before it count, with others
	Rejected  State = "rejected"  // counts for nothing
)

// Approved says that an SCT of a log in this state counts today.
func (s State) Approved() bool { return s == Qualified || s == Usable || s == ReadOnly }

// Over says that what the log signs from now on counts for nothing.
func (s State) Over() bool { return s == Retired || s == Rejected }

// A Change is a state and when it began.
type Change struct {
	State State
	Since time.Time
}

// A Log is a CT log: its key, who runs it, and what it accepts. It never changes
// once made; it is safe for concurrent use and must not be copied.
type Log struct {
	// ID is the SHA-256 of Key (RFC 6962 section 3.2).
	ID [32]byte
	// Key is the SubjectPublicKeyInfo in DER.
	Key  []byte
	Name string
	// Tiled says that it follows the static-ct-api, so that its SCTs have to
	// hold a leaf index.
	Tiled bool
	// URL is where certificates are submitted, Monitor where a tiled log is
	// read; empty where unknown.
	URL, Monitor string
	// MMD is the maximum merge delay; zero where unknown.
	MMD time.Duration
	// From and To bound the notAfter that it accepts: From inclusive, To
	// exclusive. Both are zero where any is accepted.
	From, To time.Time
	// States are what it was called, the oldest first; empty for a log that no
	// program accepted.
	States []Change
	// Final is the tree at which the log stopped, as the list of logs says of
	// one that is read-only; nil where none says.
	Final *FinalTree

	operators []operator // the oldest first, the present one last

	once   sync.Once
	public crypto.PublicKey
	err    error
}

// A FinalTree is the tree of a log that takes nothing any more.
type FinalTree struct {
	Size uint64
	Root [32]byte
}

// An operator ran a log until a time, which is zero for the present one.
type operator struct {
	name  string
	until time.Time
}

// Operator is who runs the log, in the newest list that names it.
func (l *Log) Operator() string {
	if len(l.operators) == 0 {
		return ""
	}
	return l.operators[len(l.operators)-1].name
}

// OperatorAt is who ran the log at a time. Policies count operators as of the
// SCT's timestamp.
func (l *Log) OperatorAt(t time.Time) string {
	for _, o := range l.operators {
		if o.until.IsZero() || t.Before(o.until) {
			return o.name
		}
	}
	return l.Operator()
}

// StateAt is what the log was called at a time: empty before the first state
// that is on record.
func (l *Log) StateAt(t time.Time) (state State) {
	for _, c := range l.States {
		if c.Since.After(t) {
			break
		}
		state = c.State
	}
	return state
}

// End is when the first state began from which on the log's SCTs count for
// nothing; false where none did.
func (l *Log) End() (time.Time, bool) {
	for _, c := range l.States {
		if c.State.Over() {
			return c.Since, true
		}
	}
	return time.Time{}, false
}

// Gone is when the last state began: for a log that is over, nobody has accepted
// what it signed since. It is later than [Log.End] where one program gave the
// log up before another.
func (l *Log) Gone() (time.Time, bool) {
	if len(l.States) == 0 || !l.States[len(l.States)-1].State.Over() {
		return time.Time{}, false
	}
	return l.States[len(l.States)-1].Since, true
}

// Accepts says whether a certificate that ends then is within what the log
// accepts; known is false for a log without an interval.
func (l *Log) Accepts(notAfter time.Time) (yes, known bool) {
	if l.From.IsZero() && l.To.IsZero() {
		return false, false
	}
	return !notAfter.Before(l.From) && notAfter.Before(l.To), true
}

// ErrSignature says that the log's key did not make the signature over this
// entry.
var ErrSignature = errors.New("the log did not sign this entry")

// TLS 1.2 code points (RFC 5246 section 7.4.1.4.1) of what RFC 6962 section
// 2.1.4 allows.
const (
	hashSHA256     = 4
	algorithmRSA   = 1
	algorithmECDSA = 3
)

// Verify checks that the log made s for this entry. The error is
// [ErrSignature] where it did not, and another one where the log's key cannot be
// used.
func (l *Log) Verify(s *SCT, e Entry) error {
	key, err := l.publicKey()
	if err != nil {
		return fmt.Errorf("verifying SCT of %s: %w", l.Name, err)
	}
	if s.LogID != l.ID || s.Hash != hashSHA256 {
		return ErrSignature
	}
	digest := sha256.Sum256(e.Signed(s))
	ok := false
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		ok = s.Algorithm == algorithmECDSA && ecdsa.VerifyASN1(key, digest[:], s.Signature)
	case *rsa.PublicKey:
		ok = s.Algorithm == algorithmRSA && rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], s.Signature) == nil
	}
	if !ok {
		return ErrSignature
	}
	return nil
}

// publicKey decodes the key when it is first needed: decoding every key of the
// embedded list would cost more than a whole run over one certificate.
func (l *Log) publicKey() (crypto.PublicKey, error) {
	l.once.Do(func() { l.public, l.err = parseLogKey(l.Key) })
	return l.public, l.err
}

// Bounds on a log's RSA key. RFC 6962 section 2.1.4 asks for 2048 bits at least;
// a list from a stranger must not make each SCT cost milliseconds.
const (
	minLogRSA = 2048
	maxLogRSA = 4096
)

func parseLogKey(spki []byte) (crypto.PublicKey, error) {
	key, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return nil, fmt.Errorf("reading log key: %w", err)
	}
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() {
			return key, nil
		}
	case *rsa.PublicKey:
		if n := key.N.BitLen(); n >= minLogRSA && n <= maxLogRSA {
			return key, nil
		}
	}
	return nil, errors.New("reading log key: neither on P-256 nor RSA of 2048 to 4096 bits")
}
