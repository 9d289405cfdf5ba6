package watch

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/ct"
)

// ProofSchema names the form of the files in which contradictions are saved.
const ProofSchema = "certassay/ct-contradiction/v1"

// Proofs is the folder of a state directory that they are in.
const Proofs = "proofs"

// A proof is two heads that one log signed and that cannot both be true. Nothing
// else is needed to verify both signatures, and where the heads are of one size to
// see the contradiction.
type proof struct {
	Schema string    `json:"schema"`
	Kind   string    `json:"kind"` // fork or rollback
	Found  time.Time `json:"found"`
	Why    string    `json:"why"`
	Log    struct {
		logName
		Key []byte `json:"key"` // SubjectPublicKeyInfo
	} `json:"log"`
	Older proofHead `json:"older"`
	Newer proofHead `json:"newer"`
}

// A proofHead is a head in the form of get-sth (RFC 6962 section 4.3), and as a
// note of static-ct-api.
type proofHead struct {
	Size      uint64 `json:"tree_size"`
	Timestamp int64  `json:"timestamp"`
	Root      []byte `json:"sha256_root_hash"`
	Signature []byte `json:"tree_head_signature"`
	Note      string `json:"note,omitempty"`
}

// contradicted saves both heads and tells of them: once for the stored head, since
// that stays what it is, however many others the log shows.
func (f *follower) contradicted(ctx context.Context, c *ctlog.Contradiction) error {
	now := f.Now().UTC()
	kind, why := "fork", "neither tree continues the other"
	switch {
	case errors.Is(c.Err, ctlog.ErrRollback):
		kind, why = "rollback", "the newer tree has fewer entries, and a log only ever adds to it (RFC 6962 section 1)"
	case c.Older.Size == c.Newer.Size:
		why = "both trees have the same size and not the same root"
	}
	name := fmt.Sprintf("%s-%x-%d-%x.json", kind, f.state.ID[:6], c.Older.Size, c.Older.Root[:4])
	path := filepath.Join(f.Store.Dir(), Proofs, name)
	p := proof{Schema: ProofSchema, Kind: kind, Found: now, Why: why, Older: f.proofHead(c.Older), Newer: f.proofHead(c.Newer)}
	p.Log.logName, p.Log.Key = logName{f.state.Name, hex.EncodeToString(f.state.ID[:]), f.state.URL}, f.log.Key
	saved, err := saveProof(path, &p)
	if err != nil {
		return fmt.Errorf("saving the proof: %w", err)
	}
	if saved {
		f.Warn(fmt.Sprintf("%s contradicts itself: %v; both signed heads are saved in %s", f.state.Name, c.Err, path))
	}
	m := f.message(KindContradiction, fmt.Sprintf("%s:%x:%d:%x", kind, f.state.ID, c.Older.Size, c.Older.Root), now)
	m.Proof, m.Error = path, cut(c.Error())
	f.judge(m, ctlog.LogSubject(f.log, nil, c, nil, now))
	return f.send(ctx, m)
}

func (f *follower) proofHead(h *ct.TreeHead) proofHead {
	out := proofHead{Size: h.Size, Timestamp: h.Time.UnixMilli(), Root: h.Root[:], Signature: h.Signature}
	if f.source.Protocol() == "static-ct" {
		out.Note = note(f.log, h)
	}
	return out
}

// note writes a head as a signed note (c2sp.org/static-ct-api, section
// "Checkpoints"), with the log's signature alone.
func note(log *ct.Log, h *ct.TreeHead) string {
	name := log.Name
	if u, err := url.Parse(log.URL); err == nil && u.Host != "" {
		name = strings.TrimSuffix(u.Host+u.Path, "/")
	}
	id := sha256.Sum256(append([]byte(name+"\n\x05"), log.ID[:]...))
	sig := binary.BigEndian.AppendUint64(append([]byte(nil), id[:4]...), uint64(h.Time.UnixMilli()))
	return fmt.Sprintf("%s\n%d\n%s\n\n— %s %s\n", name, h.Size, base64.StdEncoding.EncodeToString(h.Root[:]),
		name, base64.StdEncoding.EncodeToString(append(sig, h.Signature...)))
}

// saveProof writes the file, whole or not at all; one that is there stays.
func saveProof(path string, p *proof) (saved bool, err error) {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return false, err
	}
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return false, err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".proof*")
	if err != nil {
		return false, err
	}
	_, err = file.Write(append(text, '\n'))
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return false, errors.Join(err, os.Remove(file.Name()))
	}
	return true, nil
}
