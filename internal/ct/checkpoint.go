package ct

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// MaxCheckpoint bounds a checkpoint. Real ones have 200 bytes to 4 kB, most of it
// signatures of other algorithms and witnesses.
const MaxCheckpoint = 64 << 10

// noteRFC6962 is the signature type of a tree head signature in a signed note
// (c2sp.org/static-ct-api, section "Checkpoints").
const noteRFC6962 = 5

// ErrOrigin says that a checkpoint is of a log with another name.
var ErrOrigin = errors.New("the checkpoint is of another log")

// ErrNotePart says that a line of a checkpoint is none of the format, whoever
// signed it.
var ErrNotePart = errors.New("the checkpoint is malformed")

// ParseCheckpoint reads a checkpoint of a tiled log and verifies that log signed
// it. Lines of other keys, algorithms and witnesses are passed over, wherever
// they stand.
//
// origin is the name that the log's list entry implies: its submission prefix
// without scheme and final slash. The signature does not cover it, so that it
// must not be believed from the checkpoint; an empty origin takes any, for a log
// of which nothing but the key is known. The error is or wraps [ErrOrigin],
// [ErrHeadSignature], with an [UnsignedHead] where a signature names the log's key,
// or [ErrNotePart].
func ParseCheckpoint(b []byte, log *Log, origin string) (*TreeHead, error) {
	if len(b) > MaxCheckpoint {
		return nil, fmt.Errorf("reading checkpoint: %d bytes are more than %d: %w", len(b), MaxCheckpoint, ErrNotePart)
	}
	name, _, _ := strings.Cut(string(b), "\n")
	if origin != "" && name != origin {
		return nil, fmt.Errorf("reading checkpoint: it calls itself %.200q, not %.200q: %w", name, origin, ErrOrigin)
	}
	v := &headVerifier{log: log, name: name}
	n, err := note.Open(b, note.VerifierList(v))
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case v.err != nil:
		return nil, fmt.Errorf("reading checkpoint: %w", v.err)
	case errors.As(err, &invalid) && v.refused != nil:
		return nil, fmt.Errorf("reading checkpoint: %w", &UnsignedHead{v.refused})
	case errors.As(err, &unverified), errors.As(err, &invalid):
		return nil, fmt.Errorf("reading checkpoint: %w", ErrHeadSignature)
	case err != nil:
		return nil, fmt.Errorf("reading checkpoint: %w (%w)", ErrNotePart, err)
	case v.head.Signature == nil || n.Text != v.text:
		return nil, fmt.Errorf("reading checkpoint: %w", ErrHeadSignature)
	}
	return v.head, nil
}

// parseBody reads the three lines of a checkpoint. Tiled CT logs have no
// extension lines: such a line would not be covered by the signature.
func parseBody(text string) (*TreeHead, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return nil, fmt.Errorf("%d lines, not origin, size and root: %w", len(lines)-1, ErrNotePart)
	}
	size, err := strconv.ParseUint(lines[1], 10, 64)
	if err != nil || strconv.FormatUint(size, 10) != lines[1] || size > maxTree {
		return nil, fmt.Errorf("size %.40q: %w", lines[1], ErrNotePart)
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != 32 {
		return nil, fmt.Errorf("root %.60q: %w", lines[2], ErrNotePart)
	}
	return &TreeHead{Size: size, Root: [32]byte(root)}, nil
}

// A headVerifier verifies the note signatures of type 5 of one log, and keeps
// the tree head that they are over. It lives for one note.
type headVerifier struct {
	log        *Log
	name, text string
	head       *TreeHead
	refused    *TreeHead // whose signature names the log's key and is not by it
	err        error
}

// Name is the name that signature lines carry.
func (v *headVerifier) Name() string { return v.name }

// KeyHash tells the log's key from others under the same name.
func (v *headVerifier) KeyHash() uint32 { return noteKeyID(v.name, v.log.ID) }

// Verify checks a signature: eight octets of timestamp, then the tree head
// signature over text's size and root.
func (v *headVerifier) Verify(text, sig []byte) bool {
	head, err := parseBody(string(text))
	if err != nil {
		v.err = err
		return false
	}
	if len(sig) < 8 {
		return false
	}
	ms := binary.BigEndian.Uint64(sig)
	if ms > maxTime {
		return false
	}
	head.Time, head.Signature = time.UnixMilli(int64(ms)).UTC(), append([]byte(nil), sig[8:]...)
	switch err := v.log.VerifyHead(head); {
	case err == nil:
		v.head, v.text = head, string(text)
		return true
	case errors.Is(err, ErrHeadSignature):
		v.refused = head
	default:
		v.err = err
	}
	return false
}

func noteKeyID(name string, logID [32]byte) uint32 {
	b := append([]byte(name), '\n', noteRFC6962)
	sum := sha256.Sum256(append(b, logID[:]...))
	return binary.BigEndian.Uint32(sum[:])
}
