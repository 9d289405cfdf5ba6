package ct

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/lab"
)

const labOrigin = "lab.example/2026"

// signedHead makes a tree head with the log's private key.
func signedHead(t testing.TB, k *lab.Key, size uint64, root [32]byte, at time.Time) *TreeHead {
	t.Helper()
	h := &TreeHead{Size: size, Root: root, Time: at}
	digest := sha256.Sum256(h.Signed())
	sig, err := k.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	h.Signature = append([]byte{hashSHA256, algorithmECDSA, 0, byte(len(sig))}, sig...)
	return h
}

// checkpointOf writes a checkpoint under a name, with lines put before the log's own.
func checkpointOf(h *TreeHead, id [32]byte, name string, before ...string) string {
	sig := binary.BigEndian.AppendUint32(nil, noteKeyID(name, id))
	sig = binary.BigEndian.AppendUint64(sig, uint64(h.Time.UnixMilli()))
	sig = append(sig, h.Signature...)
	return fmt.Sprintf("%s\n%d\n%s\n\n%s— %s %s\n", name, h.Size, base64.StdEncoding.EncodeToString(h.Root[:]),
		strings.Join(before, ""), name, base64.StdEncoding.EncodeToString(sig))
}

func TestParseCheckpoint(t *testing.T) {
	k := lab.LeafKey()
	log := labLog(k)
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	head := signedHead(t, k, 300, [32]byte{7}, at)
	good := checkpointOf(head, log.ID, labOrigin)
	grease := "— grease.invalid AAAAAAA=\n"
	other := "— " + labOrigin + " " + base64.StdEncoding.EncodeToString([]byte("another algorithm")) + "\n"
	bad := *head
	bad.Signature = append([]byte(nil), head.Signature...)
	bad.Signature[len(bad.Signature)-1] ^= 1
	stranger := labLog(lab.ForgedKey())
	for _, c := range []struct {
		name, text, origin string
		log                *Log
		want               error
	}{
		{"plain", good, labOrigin, log, nil},
		{"grease and other algorithms first", checkpointOf(head, log.ID, labOrigin, grease, other), labOrigin, log, nil},
		{"origin not known", good, "", log, nil},
		{"of another log", good, "lab.example/2027", log, ErrOrigin},
		{"signed by another key", good, labOrigin, stranger, ErrHeadSignature},
		{"broken signature", checkpointOf(&bad, log.ID, labOrigin), labOrigin, log, ErrHeadSignature},
		{"size changed", strings.Replace(good, "\n300\n", "\n301\n", 1), labOrigin, log, ErrHeadSignature},
		{"origin changed", strings.Replace(good, labOrigin, "x.example", 1), "", log, ErrHeadSignature},
		{"extension line", strings.Replace(good, "\n\n—", "\nextension\n\n—", 1), labOrigin, log, ErrNotePart},
		{"size with a zero in front", strings.Replace(good, "\n300\n", "\n0300\n", 1), labOrigin, log, ErrNotePart},
		{"signature line of four bytes", checkpointOf(head, log.ID, labOrigin, "— x AAAAAA==\n"), labOrigin, log, ErrNotePart},
		{"no signature", labOrigin + "\n300\n\n", labOrigin, log, ErrNotePart},
		{"empty", "", "", log, ErrNotePart},
		{"HTML", "<html>\n<body>busy</body>\n", "", log, ErrNotePart},
		{"endless", good + strings.Repeat("x", MaxCheckpoint), labOrigin, log, ErrNotePart},
	} {
		got, err := ParseCheckpoint([]byte(c.text), c.log, c.origin)
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: ParseCheckpoint = %v, want %v", c.name, err, c.want)
		}
		if err == nil && (got.Size != 300 || got.Root != head.Root || !got.Time.Equal(at)) {
			t.Errorf("%s: ParseCheckpoint = %+v, want %+v", c.name, got, head)
		}
	}
}

func FuzzParseCheckpoint(f *testing.F) {
	k := lab.LeafKey()
	log := labLog(k)
	head := signedHead(f, k, 300, [32]byte{7}, time.UnixMilli(1_780_000_000_000))
	f.Add([]byte(checkpointOf(head, log.ID, labOrigin, "— grease.invalid AAAAAAA=\n")))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ParseCheckpoint(b, log, labOrigin)
		if err == nil && (got.Size != head.Size || got.Root != head.Root || !got.Time.Equal(head.Time)) {
			t.Errorf("accepted a head that the log never signed: %+v", got)
		}
	})
}

// The checkpoint of a log that Sunlight ran; set CERTASSAY_CORPUS to the folder
// of outside vectors.
func TestSunlightCheckpoint(t *testing.T) {
	dir := os.Getenv("CERTASSAY_CORPUS")
	if dir == "" {
		t.Skip("CERTASSAY_CORPUS is not set")
	}
	dir = filepath.Join(dir, "ct", "tree")
	text, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	var meta struct{ Key []byte }
	b, err := os.ReadFile(filepath.Join(dir, "log.v3.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &meta); err != nil {
		t.Fatal(err)
	}
	log := &Log{ID: sha256.Sum256(meta.Key), Key: meta.Key, Name: "rome2026h1"}
	head, err := ParseCheckpoint(text, log, "rome2026h1.example.org")
	if err != nil || head.Size != 300 {
		t.Fatalf("ParseCheckpoint = %+v, %v, want 300 entries", head, err)
	}
}
