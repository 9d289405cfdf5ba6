package ctlog

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/certassay/certassay/internal/ct"
)

// rfc6962 reads a log through the HTTP interface of RFC 6962 section 4.
type rfc6962 struct {
	log     *ct.Log
	fetcher fetcher
	options Options
}

func (r *rfc6962) Protocol() string { return "rfc6962" }

// ask decodes one JSON answer. Members that are not known are passed over; logs
// have some of their own.
func (r *rfc6962) ask(ctx context.Context, what string, limit int64, fresh bool, into any) error {
	b, err := r.fetcher.get(ctx, "ct/v1/"+what, limit, fresh, nil)
	if err == nil {
		b, err = unpack(b, nil, int(limit))
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

func (r *rfc6962) Head(ctx context.Context) (*ct.TreeHead, error) {
	var sth struct {
		Size      *uint64 `json:"tree_size"`
		Timestamp *uint64 `json:"timestamp"`
		Root      []byte  `json:"sha256_root_hash"`
		Signature []byte  `json:"tree_head_signature"`
	}
	const doing = "fetching tree head of %s: %w"
	if err := r.ask(ctx, "get-sth", maxAnswer, true, &sth); err != nil {
		return nil, fmt.Errorf(doing, r.log.Name, err)
	}
	if sth.Size == nil || sth.Timestamp == nil || len(sth.Root) != 32 || *sth.Timestamp > ct.MaxTime {
		return nil, fmt.Errorf(doing, r.log.Name, ErrMalformed)
	}
	head := &ct.TreeHead{Size: *sth.Size, Time: time.UnixMilli(int64(*sth.Timestamp)).UTC(), Root: [32]byte(sth.Root), Signature: sth.Signature}
	err := r.log.VerifyHead(head)
	if errors.Is(err, ct.ErrHeadSignature) {
		err = &ct.UnsignedHead{Head: head}
	}
	if err != nil {
		return nil, fmt.Errorf(doing, r.log.Name, err)
	}
	return head, nil
}

// Entries reads page after page, some ahead, and verifies a segment whenever one
// is full.
func (r *rfc6962) Entries(ctx context.Context, head *ct.TreeHead, from, to uint64, visit Visit) (Coverage, error) {
	c := Coverage{From: from, To: to}
	if err := checkRange(head, from, to); err != nil {
		return c, err
	}
	pages := r.ahead(ctx, from, to)
	defer pages.stop()
	for at := from; at < to; {
		end := min(to, (at/uint64(r.options.Segment)+1)*uint64(r.options.Segment))
		read, err := r.segment(ctx, head, &c, pages, at, end, visit)
		var ended *endedError
		switch {
		case errors.As(err, &ended) || err != nil && ctx.Err() != nil:
			c.gap(at, to, err)
			return c, err
		case err != nil:
			c.gap(at, read, err)
			if read < end { // nothing is known of what follows
				c.gap(read, to, err)
				return c, nil
			}
		default:
			c.Verified += read - at
		}
		at = end
	}
	return c, nil
}

// An endedError is one of visit.
type endedError struct{ error }

func (e *endedError) Unwrap() error { return e.error }

// segment reads and verifies entries; it says how far it read.
func (r *rfc6962) segment(ctx context.Context, head *ct.TreeHead, c *Coverage, pages *ahead, from, to uint64, visit Visit) (uint64, error) {
	tree := ct.NewRange(from)
	var first, last [32]byte
	var scratch []byte
	var e ct.LogEntry
	for at := from; at < to; {
		page, err := pages.next(to - at)
		if err != nil {
			return at, fmt.Errorf("fetching entries of %s from %d on: %w", r.log.Name, at, err)
		}
		for i := range page {
			extraErr, err := e.Parse(page[i].Leaf, page[i].Extra)
			if extraErr != nil {
				c.odd(at, extraErr)
			}
			if err != nil {
				// The leaf is what the log hashed, whatever it is.
				c.odd(at, err)
				e = ct.UnreadableLeaf(page[i].Leaf)
			}
			last, scratch = e.LeafHash(scratch)
			if tree.Append(last); at == from {
				first = last
			}
			if err := visit(at, &e); err != nil {
				return at, &endedError{err}
			}
			at++
		}
	}
	return to, r.check(ctx, head, tree, first, last)
}

// check verifies a segment by the inclusion proofs of its ends.
func (r *rfc6962) check(ctx context.Context, head *ct.TreeHead, tree *ct.Range, first, last [32]byte) error {
	err := r.checkOnce(ctx, head, tree, first, last, false)
	if errors.Is(err, ct.ErrProof) && (tree.Begin() > 0 || tree.End() < head.Size) {
		// A cache in front of a log has answered with another proof before.
		err = r.checkOnce(ctx, head, tree, first, last, true)
	}
	return err
}

func (r *rfc6962) checkOnce(ctx context.Context, head *ct.TreeHead, tree *ct.Range, first, last [32]byte, fresh bool) error {
	var left, right [][32]byte
	var err error
	if tree.Begin() > 0 {
		if left, err = r.inclusion(ctx, head, tree.Begin(), first, fresh); err != nil {
			return fmt.Errorf("fetching proof for entry %d of %s: %w", tree.Begin(), r.log.Name, err)
		}
	}
	if tree.End() < head.Size {
		if right, err = r.inclusion(ctx, head, tree.End()-1, last, fresh); err != nil {
			return fmt.Errorf("fetching proof for entry %d of %s: %w", tree.End()-1, r.log.Name, err)
		}
	}
	if err := tree.Check(head, left, right); err != nil {
		return fmt.Errorf("verifying entries %d to %d of %s: %w", tree.Begin(), tree.End(), r.log.Name, err)
	}
	return nil
}

// page asks for the entries from one index to another. Logs give as many of them
// as they like, but at least one and no more. They are in p afterwards.
func (r *rfc6962) page(ctx context.Context, p *page, from, to uint64) error {
	p.entries = p.entries[:0]
	b, err := r.fetcher.get(ctx, fmt.Sprintf("ct/v1/get-entries?start=%d&end=%d", from, to-1), maxPage, false, p.answer)
	if err != nil {
		return err
	}
	p.answer = b
	text, err := unpack(b, p.unpacked, maxPage)
	if err != nil {
		return err
	}
	if packed(b) {
		p.unpacked = text
	}
	if err := p.decode(text); err != nil {
		return err
	}
	switch n := uint64(len(p.entries)); {
	case n == 0:
		return fmt.Errorf("no entries: %w", ErrShort)
	case n > to-from:
		return fmt.Errorf("%d entries where %d were asked for: %w", n, to-from, ErrMalformed)
	}
	return nil
}

type proofJSON struct {
	Index uint64   `json:"leaf_index"`
	Path  [][]byte `json:"audit_path"`
}

func (p *proofJSON) hashes() ([][32]byte, error) { return hashList(p.Path) }

func hashList(path [][]byte) ([][32]byte, error) {
	out := make([][32]byte, len(path))
	for i, h := range path {
		if len(h) != 32 {
			return nil, fmt.Errorf("a hash of %d bytes: %w", len(h), ErrMalformed)
		}
		out[i] = [32]byte(h)
	}
	return out, nil
}

func (r *rfc6962) proof(ctx context.Context, head *ct.TreeHead, leaf [32]byte, fresh bool) (*proofJSON, error) {
	var p proofJSON
	hash := url.QueryEscape(base64.StdEncoding.EncodeToString(leaf[:]))
	err := r.ask(ctx, fmt.Sprintf("get-proof-by-hash?hash=%s&tree_size=%d", hash, head.Size), maxAnswer, fresh, &p)
	return &p, err
}

// isDenial says whether a log answered that it does not have the hash: 400 by
// convention, 404 by some.
func isDenial(err error) bool {
	var s *StatusError
	return errors.As(err, &s) && (s.Code == 400 || s.Code == 404)
}

// inclusion gives the proof of the entry at index, not yet verified. Two entries
// with the same leaf have one answer by hash; then the log is asked by index.
func (r *rfc6962) inclusion(ctx context.Context, head *ct.TreeHead, index uint64, leaf [32]byte, fresh bool) ([][32]byte, error) {
	p, err := r.proof(ctx, head, leaf, fresh)
	if err != nil && !isStatus(err) {
		return nil, err
	}
	if err != nil || p.Index != index {
		*p = proofJSON{}
		err := r.ask(ctx, fmt.Sprintf("get-entry-and-proof?leaf_index=%d&tree_size=%d", index, head.Size), maxAnswer, fresh, p)
		if err != nil {
			return nil, err
		}
	}
	return p.hashes()
}

func isStatus(err error) bool {
	var s *StatusError
	return errors.As(err, &s) && s.Code < 500
}

func (r *rfc6962) Locate(ctx context.Context, head *ct.TreeHead, leaf [32]byte, at *uint64) (uint64, error) {
	index, _, err := r.Prove(ctx, head, leaf, at)
	return index, err
}

func (r *rfc6962) Prove(ctx context.Context, head *ct.TreeHead, leaf [32]byte, _ *uint64) (uint64, [][32]byte, error) {
	const doing = "locating entry of %s: %w"
	p, err := r.proof(ctx, head, leaf, false)
	if isDenial(err) {
		// A server behind the others denies what it does not have yet.
		p, err = r.proof(ctx, head, leaf, true)
	}
	if isDenial(err) {
		return 0, nil, fmt.Errorf(doing, r.log.Name, ErrNotFound)
	}
	if err != nil {
		return 0, nil, fmt.Errorf(doing, r.log.Name, err)
	}
	hashes, err := p.hashes()
	if err == nil {
		err = ct.CheckInclusion(head, p.Index, leaf, hashes)
	}
	if err != nil {
		return 0, nil, fmt.Errorf(doing, r.log.Name, err)
	}
	return p.Index, hashes, nil
}

func (r *rfc6962) Consistent(ctx context.Context, older, newer *ct.TreeHead) error {
	err := r.consistent(ctx, older, newer, false)
	if errors.Is(err, ct.ErrProof) {
		// A cache in front of a log has answered with another proof before.
		err = r.consistent(ctx, older, newer, true)
	}
	return err
}

func (r *rfc6962) consistent(ctx context.Context, older, newer *ct.TreeHead, fresh bool) error {
	if older.Size == 0 || older.Size >= newer.Size {
		return ct.CheckConsistency(older, newer, nil)
	}
	var answer struct{ Consistency [][]byte }
	err := r.ask(ctx, fmt.Sprintf("get-sth-consistency?first=%d&second=%d", older.Size, newer.Size), maxAnswer, fresh, &answer)
	if err != nil {
		return fmt.Errorf("proving consistency of %s: %w", r.log.Name, err)
	}
	hashes, err := hashList(answer.Consistency)
	if err != nil {
		return fmt.Errorf("proving consistency of %s: %w", r.log.Name, err)
	}
	return ct.CheckConsistency(older, newer, hashes)
}

// Chain is in the entry already.
func (r *rfc6962) Chain(_ context.Context, e *ct.LogEntry) ([][]byte, error) { return e.Chain, nil }
