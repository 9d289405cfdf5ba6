package reallogs

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	ct "github.com/google/certificate-transparency-go"
	"github.com/google/certificate-transparency-go/tls"
)

// A noteSigner signs the checkpoints of a tiled log as tree heads of RFC 6962
// (c2sp.org/static-ct-api, section "Checkpoints").
type noteSigner struct{ log *Log }

// Name is the origin.
func (s *noteSigner) Name() string { return Origin }

// KeyHash is the identifier of name and key.
func (s *noteSigner) KeyHash() uint32 {
	id := s.log.ID()
	sum := sha256.Sum256(append([]byte(Origin+"\n\x05"), id[:]...))
	return binary.BigEndian.Uint32(sum[:])
}

// Sign signs a checkpoint with the time of now.
func (s *noteSigner) Sign(text []byte) ([]byte, error) {
	lines := strings.Split(string(text), "\n")
	if len(lines) != 4 || lines[0] != Origin {
		return nil, fmt.Errorf("%q is no checkpoint of %s", text, Origin)
	}
	size, err := strconv.ParseUint(lines[1], 10, 63)
	if err != nil {
		return nil, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != 32 {
		return nil, fmt.Errorf("%q is no root hash", lines[2])
	}
	now := time.Now()
	signature, err := s.log.signHead(size, [32]byte(root), now)
	return append(binary.BigEndian.AppendUint64(nil, uint64(now.UnixMilli())), signature...), err
}

// signHead signs a tree head, true or not.
func (l *Log) signHead(size uint64, root [32]byte, at time.Time) ([]byte, error) {
	input, err := ct.SerializeSTHSignatureInput(ct.SignedTreeHead{Version: ct.V1, TreeSize: size, Timestamp: uint64(at.UnixMilli()), SHA256RootHash: root})
	if err != nil {
		return nil, err
	}
	signed, err := tls.CreateSignature(*l.private(), tls.SHA256, input)
	if err != nil {
		return nil, err
	}
	return tls.Marshal(signed)
}

// Head is a tree head in the form of the log's protocol, signed with its key,
// true or not.
func (l *Log) Head(size uint64, root [32]byte, at time.Time) []byte {
	signature, err := l.signHead(size, root, at)
	if err != nil {
		panic("reallogs: signing a head: " + err.Error())
	}
	if l.Protocol == RFC6962 {
		b, err := json.Marshal(map[string]any{"tree_size": size, "timestamp": at.UnixMilli(), "sha256_root_hash": root[:], "tree_head_signature": signature})
		if err != nil {
			panic("reallogs: " + err.Error())
		}
		return b
	}
	line := binary.BigEndian.AppendUint32(nil, (&noteSigner{l}).KeyHash())
	line = append(binary.BigEndian.AppendUint64(line, uint64(at.UnixMilli())), signature...)
	encode := base64.StdEncoding.EncodeToString
	return fmt.Appendf(nil, "%s\n%d\n%s\n\n— %s %s\n", Origin, size, encode(root[:]), Origin, encode(line))
}

// HeadPath is where the log's head is below its prefix.
func (l *Log) HeadPath() string {
	if l.Protocol == RFC6962 {
		return "ct/v1/get-sth"
	}
	return "checkpoint"
}

// readHead takes size and root from a head as the log serves it.
func (l *Log) readHead(b []byte) (size uint64, root [32]byte) {
	if l.Protocol == RFC6962 {
		var head struct {
			Size uint64 `json:"tree_size"`
			Root []byte `json:"sha256_root_hash"`
		}
		if err := json.Unmarshal(b, &head); err != nil || len(head.Root) != 32 {
			panic(fmt.Sprintf("reallogs: reading head %q: %v", b, err))
		}
		return head.Size, [32]byte(head.Root)
	}
	lines := strings.Split(string(b), "\n")
	hash, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(hash) != 32 {
		panic(fmt.Sprintf("reallogs: reading checkpoint %q: %v", b, err))
	}
	if size, err = strconv.ParseUint(lines[1], 10, 63); err != nil {
		panic(fmt.Sprintf("reallogs: reading checkpoint %q: %v", b, err))
	}
	return size, [32]byte(hash)
}
