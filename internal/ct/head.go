package ct

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// A TreeHead is a signed tree head (RFC 6962 section 3.5): what a log says its
// tree is at a time. Nothing is verified until [Log.VerifyHead] did.
type TreeHead struct {
	Size uint64
	// Time is the timestamp, to the millisecond.
	Time time.Time
	Root [32]byte
	// Signature is the digitally-signed struct of TLS 1.2: two octets that name
	// the algorithms, then the signature with its length.
	Signature []byte
}

// ErrHeadSignature says that the log's key did not sign this tree head.
var ErrHeadSignature = errors.New("the log did not sign this tree head")

// Signed gives the bytes that the log signs: TreeHeadSignature.
func (h *TreeHead) Signed() []byte {
	const treeHash = 1
	out := append(make([]byte, 0, 2+8+8+32), 0, treeHash)
	out = binary.BigEndian.AppendUint64(out, uint64(h.Time.UnixMilli()))
	out = binary.BigEndian.AppendUint64(out, h.Size)
	return append(out, h.Root[:]...)
}

// An UnsignedHead is a tree head under a signature that is not the log's: what
// [ErrHeadSignature] is said of, where that much can be read. It is the evidence.
type UnsignedHead struct{ Head *TreeHead }

func (*UnsignedHead) Error() string { return ErrHeadSignature.Error() }
func (*UnsignedHead) Unwrap() error { return ErrHeadSignature }

// VerifyHead checks that the log signed h. The error is [ErrHeadSignature] where
// it did not, and another one where the log's key cannot be used.
func (l *Log) VerifyHead(h *TreeHead) error {
	key, err := l.publicKey()
	if err != nil {
		return fmt.Errorf("verifying tree head of %s: %w", l.Name, err)
	}
	if h.Size > maxTree {
		return fmt.Errorf("verifying tree head of %s: a tree of %d entries is none", l.Name, h.Size)
	}
	if len(h.Signature) < 2 || h.Signature[0] != hashSHA256 {
		return ErrHeadSignature
	}
	signature, rest, ok := vector16(h.Signature[2:])
	if !ok || len(rest) != 0 {
		return ErrHeadSignature
	}
	digest := sha256.Sum256(h.Signed())
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		ok = h.Signature[1] == algorithmECDSA && ecdsa.VerifyASN1(key, digest[:], signature)
	case *rsa.PublicKey:
		ok = h.Signature[1] == algorithmRSA && rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
	default:
		ok = false
	}
	if !ok {
		return ErrHeadSignature
	}
	return nil
}

// CheckKey says why the log's key cannot be used to verify what it signs; nil
// where it can.
func (l *Log) CheckKey() error {
	_, err := l.publicKey()
	return err
}

// NewLog is a log of which no list says anything: it has a key, a name that its
// owner gave it, and an address. url is where certificates are submitted, or an
// RFC 6962 log is read, and monitor where a tiled one is read; either may be
// empty. Whether the key can be used says [Log.CheckKey].
func NewLog(name string, key []byte, tiled bool, url, monitor string) *Log {
	return &Log{ID: sha256.Sum256(key), Key: key, Name: name, Tiled: tiled, URL: url, Monitor: monitor}
}

// MaxTime is the last timestamp that is read, in milliseconds since 1970: the
// end of the year 9999.
const MaxTime = maxTime

// NewList is a list of these logs, each once.
func NewList(logs []*Log) *LogList {
	list := &LogList{}
	for _, log := range logs {
		if list.Log(log.ID) == nil {
			list.add(log)
		}
	}
	return list
}
