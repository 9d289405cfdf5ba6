package cli

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/cli/given"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/cli/wholefile"
	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/ct"
)

// A span is entries from one index to another, To exclusive.
type span struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
}

// A resumeFile remembers, from one run to the next, which entries were searched
// and the tree heads that they were verified against. It is replaced as a whole
// when a run has written what it found, so that a run that is killed is done again
// and nothing is left out. A nil one remembers nothing.
type resumeFile struct {
	path  string
	state resumeState
}

type resumeState struct {
	Format string `json:"format"`
	// Query is the hash of what was looked for: ranges that were searched for
	// one name were not for another.
	Query string       `json:"query"`
	Logs  []*resumeLog `json:"logs"`
}

// A resumeLog is what is remembered of one log.
type resumeLog struct {
	ID        string    `json:"id"`
	Size      uint64    `json:"size"`
	Time      time.Time `json:"time"`
	Root      []byte    `json:"root"`
	Signature []byte    `json:"signature"`
	Done      []span    `json:"done"`
}

const (
	resumeFormat = "certassay/ct-search-state/v1"
	// maxResume bounds the file; a log takes some 400 bytes.
	maxResume = 16 << 20
)

// openResume reads the file where there is one.
func openResume(f *searchFlags, items []string) (*resumeFile, error) {
	if f.resume == "" {
		return nil, nil
	}
	sorted := slices.Clone(items)
	slices.Sort(sorted)
	screened := ""
	if f.screen {
		screened = " screened"
	}
	sum := sha256.Sum256([]byte(fmt.Sprint(f.all, screened, "\n", f.since, "\n", f.until, "\n", strings.Join(sorted, "\n"))))
	r := &resumeFile{path: f.resume, state: resumeState{Format: resumeFormat, Query: "sha256:" + hex.EncodeToString(sum[:])}}
	b, err := given.Bounded(f.resume, maxResume)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading --resume: %w", err)
	}
	var old resumeState
	if err := json.Unmarshal(b, &old); err != nil || old.Format != resumeFormat {
		return nil, hint.With(fmt.Errorf("reading --resume: %s does not hold the state of a search", f.resume), "name a file that is not there yet, to begin anew")
	}
	if old.Query != r.state.Query {
		return nil, hint.With(fmt.Errorf("reading --resume: %s is of a search for something else", f.resume), "what was searched for other names, or other times, says nothing here: name another file")
	}
	r.state.Logs = old.Logs
	return r, nil
}

func (r *resumeFile) log(id [32]byte) *resumeLog {
	if r == nil {
		return nil
	}
	name := hex.EncodeToString(id[:])
	for _, l := range r.state.Logs {
		if l.ID == name {
			return l
		}
	}
	return nil
}

// head fetches the log's head and verifies that it continues the one that is
// remembered.
func (r *resumeFile) head(ctx context.Context, source ctlog.Source, id [32]byte) (*ct.TreeHead, *ctlog.Contradiction, error) {
	old := r.log(id)
	if old == nil || len(old.Root) != 32 {
		head, err := source.Head(ctx)
		return head, nil, err
	}
	head, err := ctlog.Follow(ctx, source, &ct.TreeHead{Size: old.Size, Time: old.Time, Root: [32]byte(old.Root), Signature: old.Signature})
	var contradiction *ctlog.Contradiction
	if errors.As(err, &contradiction) {
		return contradiction.Newer, contradiction, nil
	}
	return head, nil, err
}

// start is where a search begins for which no range was asked.
func (r *resumeFile) start(id [32]byte, otherwise uint64) uint64 {
	if old := r.log(id); old != nil && len(old.Done) > 0 {
		return min(old.Done[0].From, otherwise)
	}
	return otherwise
}

// split gives the parts of a range that were searched before, and the others.
func (r *resumeFile) split(id [32]byte, s span) (done, todo []span) {
	at := s.From
	if old := r.log(id); old != nil {
		for _, d := range normal(old.Done) {
			d = span{max(d.From, at), min(d.To, s.To)}
			if d.From >= d.To {
				continue
			}
			if d.From > at {
				todo = append(todo, span{at, d.From})
			}
			done = append(done, d)
			at = d.To
		}
	}
	if at < s.To {
		todo = append(todo, span{at, s.To})
	}
	return done, todo
}

// save replaces the file by what is known now.
func (r *resumeFile) save(logs []*searchLog) error {
	if r == nil {
		return nil
	}
	for _, l := range logs {
		if l.head == nil || l.head.Size == 0 || len(l.read) == 0 {
			continue
		}
		old := r.log(l.id)
		if old == nil {
			old = &resumeLog{ID: hex.EncodeToString(l.id[:])}
			r.state.Logs = append(r.state.Logs, old)
		}
		old.Size, old.Time, old.Root, old.Signature = l.head.Size, l.head.Time, l.head.Root[:], l.head.Signature
		old.Done = normal(append(old.Done, l.read...))
	}
	file, err := wholefile.Create(r.path)
	if err != nil {
		return fmt.Errorf("writing --resume: %w", err)
	}
	w := bufio.NewWriter(file)
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	if err := errors.Join(e.Encode(&r.state), w.Flush(), file.Sync()); err != nil {
		return fmt.Errorf("writing --resume: %w", errors.Join(err, file.Abandon()))
	}
	if err := file.Complete(); err != nil {
		return fmt.Errorf("writing --resume: %w", err)
	}
	return nil
}

// normal sorts spans and joins those that touch.
func normal(spans []span) (out []span) {
	sorted := slices.Clone(spans)
	slices.SortFunc(sorted, func(a, b span) int {
		if a.From < b.From {
			return -1
		}
		if a.From > b.From {
			return 1
		}
		return 0
	})
	for _, s := range sorted {
		if s.From >= s.To {
			continue
		}
		if n := len(out); n > 0 && s.From <= out[n-1].To {
			out[n-1].To = max(out[n-1].To, s.To)
			continue
		}
		out = append(out, s)
	}
	return out
}

// subtract gives what is left of a range without its gaps.
func subtract(s span, gaps []ctlog.Gap) (out []span) {
	at := s.From
	for _, g := range gaps {
		if g.From > at {
			out = append(out, span{at, min(g.From, s.To)})
		}
		at = max(at, g.To)
	}
	if at < s.To {
		out = append(out, span{at, s.To})
	}
	return out
}
