// Package ctlog is a CT log in memory, for tests: one tree that is served both
// through RFC 6962 and through static-ct-api, honestly or with faults. It shares
// no code with what reads logs.
package ctlog

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/certassay/certassay/internal/lab"
)

// A Log is a tree with its key. The zero value is of no use; see [New].
type Log struct {
	Key *lab.Key
	// Origin is the name in checkpoints.
	Origin string
	// Indexed puts the leaf index into new entries, as static-ct-api asks.
	Indexed bool
	// Time is the timestamp of heads.
	Time time.Time

	mu      sync.Mutex // guards what follows
	entries []entry
	hashes  []tlog.Hash
	issuers map[[32]byte][]byte
	size    int // of the head; 0 means all
	calls   map[string]int
}

type entry struct {
	leaf      []byte // MerkleTreeLeaf
	submitted []byte // nil for certificates
	chain     [][]byte
}

// New is an empty log.
func New(k *lab.Key, origin string, at time.Time) *Log {
	return &Log{Key: k, Origin: origin, Indexed: true, Time: at, issuers: map[[32]byte][]byte{}, calls: map[string]int{}}
}

// ReadHashes is for package tlog.
func (l *Log) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = l.hashes[x]
	}
	return out, nil
}

// Add logs a certificate with the chain behind it, and gives its index.
func (l *Log) Add(der []byte, at time.Time, chain ...[]byte) uint64 {
	return l.add(at, append([]byte{0, 0}, vector(3, der)...), nil, chain)
}

// AddPrecert logs a precertificate: the TBSCertificate without poison, the key
// of its issuer, and what was submitted.
func (l *Log) AddPrecert(tbs, issuerSPKI, submitted []byte, at time.Time, chain ...[]byte) uint64 {
	hash := sha256.Sum256(issuerSPKI)
	return l.add(at, append(append([]byte{0, 1}, hash[:]...), vector(3, tbs)...), submitted, chain)
}

func (l *Log) add(at time.Time, signed, submitted []byte, chain [][]byte) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	index := uint64(len(l.entries))
	var extensions []byte
	if l.Indexed {
		extensions = binary.BigEndian.AppendUint64([]byte{0, 0, 5}, index<<24)[:8]
	}
	leaf := binary.BigEndian.AppendUint64([]byte{0, 0}, uint64(at.UnixMilli()))
	leaf = append(append(leaf, signed...), vector(2, extensions)...)
	l.appendLeaf(leaf, submitted, chain)
	return index
}

// appendLeaf appends a leaf of any octets; the caller holds mu.
func (l *Log) appendLeaf(leaf, submitted []byte, chain [][]byte) {
	hashes, err := tlog.StoredHashes(int64(len(l.entries)), leaf, l)
	if err != nil {
		panic(fmt.Sprintf("lab log: %v", err))
	}
	l.hashes = append(l.hashes, hashes...)
	l.entries = append(l.entries, entry{leaf, submitted, chain})
	for _, c := range chain {
		l.issuers[sha256.Sum256(c)] = c
	}
}

// AddLeaf appends a leaf of any octets.
func (l *Log) AddLeaf(leaf []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.appendLeaf(leaf, nil, nil)
}

// Show makes the head one of this many entries; 0 means all.
func (l *Log) Show(size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.size = size
}

func (l *Log) shown() int {
	if l.size == 0 {
		return len(l.entries)
	}
	return l.size
}

// root is that of the first entries.
func (l *Log) root(size int) tlog.Hash {
	if size == 0 {
		return sha256.Sum256(nil)
	}
	h, err := tlog.TreeHash(int64(size), l)
	if err != nil {
		panic(fmt.Sprintf("lab log: %v", err))
	}
	return h
}

// signature is the digitally-signed struct over a tree head (RFC 6962 section
// 3.5).
func (l *Log) signature(size int, root tlog.Hash) []byte {
	b := binary.BigEndian.AppendUint64([]byte{0, 1}, uint64(l.Time.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, uint64(size))
	digest := sha256.Sum256(append(b, root[:]...))
	sig, err := l.Key.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		panic(fmt.Sprintf("lab log: signing: %v", err))
	}
	return append([]byte{4, 3}, vector(2, sig)...)
}

// Checkpoint is the note over the first entries, among lines of grease.
func (l *Log) Checkpoint() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.checkpoint()
}

func (l *Log) checkpoint() []byte {
	size := l.shown()
	root := l.root(size)
	id := sha256.Sum256(l.Key.SPKI)
	hash := sha256.Sum256(append([]byte(l.Origin+"\n\x05"), id[:]...))
	sig := binary.BigEndian.AppendUint64(append([]byte(nil), hash[:4]...), uint64(l.Time.UnixMilli()))
	sig = append(sig, l.signature(size, root)...)
	return fmt.Appendf(nil, "%s\n%d\n%s\n\n— grease.invalid AAAAAAA=\n— %s %s\n", l.Origin, size,
		base64.StdEncoding.EncodeToString(root[:]), l.Origin, base64.StdEncoding.EncodeToString(sig))
}

// dataTile is the tile of these entries, packed.
func (l *Log) dataTile(n, width int) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	for _, e := range l.entries[n*256 : n*256+width] {
		z.Write(e.leaf[2:])
		if e.submitted != nil {
			z.Write(vector(3, e.submitted))
		}
		var prints []byte
		for _, c := range e.chain {
			sum := sha256.Sum256(c)
			prints = append(prints, sum[:]...)
		}
		z.Write(vector(2, prints))
	}
	if err := z.Close(); err != nil {
		panic(fmt.Sprintf("lab log: %v", err))
	}
	return out.Bytes()
}

// file is what lies at a path of a tiled log; nil where nothing does.
func (l *Log) file(path string) []byte {
	if path == "checkpoint" {
		return l.checkpoint()
	}
	if name, ok := strings.CutPrefix(path, "issuer/"); ok {
		for sum, der := range l.issuers {
			if fmt.Sprintf("%x", sum) == name {
				return der
			}
		}
		return nil
	}
	rest, ok := strings.CutPrefix(path, "tile/")
	if !ok {
		return nil
	}
	t, err := tlog.ParseTilePath("tile/8/" + rest)
	level := max(t.L, 0)
	end := t.N*256 + int64(t.W)
	nodes := int64(l.shown()) >> (8 * level)
	// A partial tile is there until the full one is, as at logs that clean up.
	if err != nil || end > nodes || t.W < 256 && (t.N+1)*256 <= nodes {
		return nil
	}
	if t.L < 0 {
		return l.dataTile(int(t.N), t.W)
	}
	b, err := tlog.ReadTileData(t, l)
	if err != nil {
		return nil
	}
	return b
}

// WriteTiles writes all that the log serves to a directory.
func (l *Log) WriteTiles(dir string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	paths := []string{"checkpoint"}
	for sum := range l.issuers {
		paths = append(paths, fmt.Sprintf("issuer/%x", sum))
	}
	for _, t := range tlog.NewTiles(8, 0, int64(l.shown())) {
		paths = append(paths, strings.Replace(t.Path(), "tile/8/", "tile/", 1))
		if t.L == 0 {
			t.L = -1
			paths = append(paths, strings.Replace(t.Path(), "tile/8/", "tile/", 1))
		}
	}
	for _, p := range paths {
		name := filepath.Join(dir, filepath.FromSlash(p))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, l.file(p), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// vector is a TLS vector with a length of so many octets.
func vector(octets int, b []byte) []byte {
	length := binary.BigEndian.AppendUint64(nil, uint64(len(b)))
	return append(length[8-octets:], b...)
}
