package ctlog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/certassay/certassay/internal/ct"
)

// tiled reads a log of the static-ct-api (c2sp.org/static-ct-api).
type tiled struct {
	log     *ct.Log
	fetcher fetcher
	options Options
	origin  string

	hashes *ct.Hashes // of the tree of the head that was asked about last
	// fresh asks for tiles of hashes past caches.
	fresh bool

	// issuers are those that were fetched, by fingerprint; issuersSize is
	// their size.
	issuers     map[[32]byte][]byte
	issuersSize int
}

func (t *tiled) Protocol() string { return "static-ct" }

func (t *tiled) Head(ctx context.Context) (*ct.TreeHead, error) {
	b, err := t.fetcher.get(ctx, "checkpoint", ct.MaxCheckpoint, true, nil)
	if err != nil {
		return nil, fmt.Errorf("fetching checkpoint of %s: %w", t.log.Name, err)
	}
	if b, err = unpack(b, nil, ct.MaxCheckpoint); err != nil {
		return nil, fmt.Errorf("fetching checkpoint of %s: %w", t.log.Name, err)
	}
	head, err := ct.ParseCheckpoint(b, t.log, t.origin)
	if err != nil {
		return nil, fmt.Errorf("fetching checkpoint of %s: %w", t.log.Name, err)
	}
	return head, nil
}

// tree gives the verified hashes of a head's tree. They are kept for the next
// question about the same head; ctx is that of the question.
func (t *tiled) tree(ctx context.Context, head *ct.TreeHead) *ct.Hashes {
	fetch := func(level int, n uint64, width int) ([]byte, error) { return t.hashTile(ctx, level, n, width) }
	if t.hashes == nil || !t.hashes.Of(head) {
		t.hashes = ct.NewHashes(head, fetch)
	}
	t.hashes.Use(fetch)
	return t.hashes
}

// hashTile fetches a tile of hashes. A partial one may be gone once the full one
// is there.
func (t *tiled) hashTile(ctx context.Context, level int, n uint64, width int) ([]byte, error) {
	b, err := t.fetcher.get(ctx, ct.TilePath(level, n, width), maxHashes, t.fresh, nil)
	if errors.Is(err, ErrNotFound) && width < ct.TileWidth {
		b, err = t.fetcher.get(ctx, ct.TilePath(level, n, ct.TileWidth), maxHashes, t.fresh, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("fetching hashes of %s: %w", t.log.Name, err)
	}
	return unpack(b, nil, maxHashes)
}

func (t *tiled) Consistent(ctx context.Context, older, newer *ct.TreeHead) error {
	proof, err := t.tree(ctx, newer).Consistency(older)
	if err != nil {
		return fmt.Errorf("proving consistency of %s: %w", t.log.Name, err)
	}
	return ct.CheckConsistency(older, newer, proof)
}

func (t *tiled) Locate(ctx context.Context, head *ct.TreeHead, leaf [32]byte, at *uint64) (uint64, error) {
	index, _, err := t.Prove(ctx, head, leaf, at)
	return index, err
}

// Prove denies a leaf only by hashes that lead to the root. A tile that is not
// there denies nothing, and so is not [ErrNotFound].
func (t *tiled) Prove(ctx context.Context, head *ct.TreeHead, leaf [32]byte, at *uint64) (uint64, [][32]byte, error) {
	if at == nil {
		return 0, nil, fmt.Errorf("a tiled log cannot be asked for an entry without its index: %w", ErrIndex)
	}
	if *at >= head.Size {
		return 0, nil, fmt.Errorf("entry %d is not within the tree of %d: %w", *at, head.Size, ErrNotFound)
	}
	var proof [][32]byte
	hashes, err := t.tree(ctx, head).Leaves(*at, *at+1)
	if err == nil && hashes[0] != leaf {
		return 0, nil, &EntryError{*at, ErrEntry}
	}
	if err == nil {
		proof, err = t.hashes.Inclusion(*at)
	}
	if errors.Is(err, ErrNotFound) {
		// Not wrapped: a missing tile is no word that the entry is missing.
		err = fmt.Errorf("%w: %v", ErrShort, err) //nolint:errorlint // see above
	}
	if err != nil {
		return 0, nil, fmt.Errorf("locating entry %d of %s: %w", *at, t.log.Name, err)
	}
	return *at, proof, nil
}

// maxIssuers bounds the issuers that are kept: the real logs know some thousands
// of 2 kB.
const maxIssuers = 32 << 20

// Chain fetches the issuers by their fingerprints, which the bytes have to have.
// Nearly all entries share a few hundred of them, which are kept.
func (t *tiled) Chain(ctx context.Context, e *ct.LogEntry) ([][]byte, error) {
	const most, maxIssuer = 16, 64 << 10
	if len(e.Fingerprints) > most {
		return nil, fmt.Errorf("an entry with %d issuers: %w", len(e.Fingerprints), ErrTooLarge)
	}
	var out [][]byte
	for _, f := range e.Fingerprints {
		if der, ok := t.issuers[f]; ok {
			out = append(out, der)
			continue
		}
		b, err := t.fetcher.get(ctx, "issuer/"+hex.EncodeToString(f[:]), maxIssuer, false, nil)
		if err == nil && sha256.Sum256(b) != f {
			b, err = unpack(b, nil, maxIssuer)
		}
		if err == nil && sha256.Sum256(b) != f {
			err = fmt.Errorf("issuer %x has other bytes than its name says: %w", f, ct.ErrUncovered)
		}
		if err != nil {
			return out, fmt.Errorf("fetching issuer: %w", err)
		}
		if t.issuersSize += len(b); t.issuers == nil || t.issuersSize > maxIssuers {
			t.issuers, t.issuersSize = map[[32]byte][]byte{}, len(b)
		}
		t.issuers[f] = b
		out = append(out, b)
	}
	return out, nil
}
