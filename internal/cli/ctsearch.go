package cli

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/report"
)

// searchFlags are those of "ct search".
type searchFlags struct {
	ctFlags
	from, to, last int64
}

// defaultLast is how many entries of a log are searched where no range was
// asked for: all of one is weeks of reading for today's logs.
const defaultLast = 10_000

func (c *command) ctSearch() *cobra.Command {
	var f searchFlags
	cmd := &cobra.Command{
		Use: "search NAME...", Short: "Find names in the entries of logs, and say what was searched", Args: cobra.ArbitraryArgs,
		Long: `Reads a range of entries of each log, verifies them against the log's signed
tree, and shows those that hold a name. example.org is that name alone,
.example.org that name and all below it, *.example.org all names one label below
it; addresses are found too. A wildcard in a certificate matches what it covers.

Names are looked for in every commonName, dNSName, URI and iPAddress, however
they are written. What cannot be read matches, and is marked "unreadable": it
cannot be ruled out.

Without a range it is the newest ` + fmt.Sprint(defaultLast) + ` entries of each log. The result says for each
log which entries were read and verified and which were not; nothing is known of
entries outside of the range.

` + ctLogHelp + "\n\n" + ctExitHelp,
		Example: `  certassay ct search .example.org
  certassay ct search .example.org --log "Let's Encrypt 'Sycamore2026h2'" --from 0 -f jsonl
  certassay ct search example.org --log file://archive=key.pem`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(&hinted{errors.New("no name was given"), "such as: certassay ct search .example.org"})
			}
			if err := errors.Join(f.check("text", "json", "jsonl"), f.checkRange()); err != nil {
				return usage(err)
			}
			matcher, err := ctlog.NewMatcher(args)
			if err != nil {
				return usage(err)
			}
			known, err := readLogList(f.logList)
			if err != nil {
				return usage(err)
			}
			choices, err := f.choose(known, approved)
			if err != nil {
				return usage(err)
			}
			if len(choices) == 0 {
				return &exit{exitIncomplete, errNoLog}
			}
			return c.search(cmd.Context(), &f, matcher, choices)
		},
	}
	f.bind(cmd.Flags(), "text, json, jsonl")
	cmd.Flags().Int64Var(&f.from, "from", -1, "first entry, `N` from 0")
	cmd.Flags().Int64Var(&f.to, "to", -1, "entry behind the last, `N`; default: the log's end")
	cmd.Flags().Int64Var(&f.last, "last", -1, "the newest `N` entries")
	return cmd
}

func (f *searchFlags) checkRange() error {
	switch {
	case f.last == 0 || f.last < -1 || f.from < -1 || f.to < -1 || f.to == 0:
		return errors.New("--from, --to and --last have to be positive")
	case f.last > 0 && (f.from >= 0 || f.to >= 0):
		return errors.New("--last cannot be had together with --from and --to")
	case f.from >= 0 && f.to >= 0 && f.from >= f.to:
		return errors.New("--from has to be less than --to")
	}
	return nil
}

// window is the range to read of a tree. missing is how many entries the user
// asked for that the tree does not have.
func (f *searchFlags) window(size uint64) (from, to, missing uint64) {
	if f.from < 0 && f.to < 0 {
		last := uint64(defaultLast)
		if f.last > 0 {
			last = uint64(f.last)
		}
		return size - min(size, last), size, 0
	}
	from, to = uint64(max(f.from, 0)), size
	if f.to >= 0 {
		to = uint64(f.to)
	}
	if to > size {
		missing, to = to-max(size, from), size
	}
	return min(from, to), to, missing
}

// A searchHit is an entry that holds a name.
type searchHit struct {
	Log   string `json:"log"`
	Index uint64 `json:"index"`
	entryLine
	Matches []matchLine `json:"matches"`
	// Verified is false for an entry that was read and not found in the signed
	// tree.
	Verified bool `json:"verified"`
}

type matchLine struct {
	Name       string `json:"name,omitempty"`
	Identifier string `json:"identifier,omitempty"`
	Unreadable bool   `json:"unreadable,omitempty"`
}

// A searchLog says what was searched of one log.
type searchLog struct {
	Log      string    `json:"log"`
	ID       string    `json:"id"`
	Protocol string    `json:"protocol,omitempty"`
	Head     *headLine `json:"head,omitempty"`
	From     uint64    `json:"from"`
	To       uint64    `json:"to"`
	Verified uint64    `json:"verified"`
	How      string    `json:"how,omitempty"`
	Complete bool      `json:"complete"`
	Gaps     []gapLine `json:"gaps"`
	Odd      []gapLine `json:"odd,omitempty"`
	OddTotal int       `json:"odd_total,omitempty"`
	Error    string    `json:"error,omitempty"`
	Warning  string    `json:"warning,omitempty"`
	hits     []*searchHit
}

type gapLine struct {
	From  uint64 `json:"from"`
	To    uint64 `json:"to"`
	Error string `json:"error"`
}

// maxHits bounds what is found in one log: searching for .com must not fill
// memory.
const maxHits = 100_000

var errHits = fmt.Errorf("more than %d entries match: narrow the names or the range", maxHits)

func (c *command) search(ctx context.Context, f *searchFlags, m *ctlog.Matcher, choices []*ctChoice) error {
	logs := make([]*searchLog, len(choices))
	each(len(choices), func(i int) { logs[i] = f.one(ctx, m, choices[i]) })
	code := exitOK
	for _, l := range logs {
		if !l.Complete {
			code = exitIncomplete
		}
	}
	if err := c.writeSearch(f.format, logs); err != nil {
		return failed(err)
	}
	return interruptedOr(ctx, code)
}

// one searches one log.
func (f *searchFlags) one(ctx context.Context, m *ctlog.Matcher, ch *ctChoice) *searchLog {
	out := &searchLog{Log: ch.log.Name, ID: hex.EncodeToString(ch.log.ID[:]), Gaps: []gapLine{}}
	source, err := ch.open(ctx, &f.ctFlags)
	if err != nil {
		out.Error = err.Error()
		return out
	}
	out.Protocol = source.Protocol()
	head, err := source.Head(ctx)
	if err != nil {
		out.Error = err.Error()
		return out
	}
	now := audit.Now()
	out.Head = newHeadLine(head, now)
	if err := ctlog.CheckAge(ch.log, head, now); err != nil {
		out.Warning = err.Error()
	}
	var missing uint64
	out.From, out.To, missing = f.window(head.Size)
	if out.From < out.To {
		out.read(ctx, source, head, m)
	} else {
		out.Complete = true
	}
	if missing > 0 {
		out.Complete = false
		out.Gaps = append(out.Gaps, gapLine{max(out.To, uint64(max(f.from, 0))), uint64(f.to), "the log has no such entries yet"})
	}
	// Entries that were never added cannot be found in a tree that is stale.
	out.Complete = out.Complete && out.Warning == ""
	return out
}

func (l *searchLog) read(ctx context.Context, source ctlog.Source, head *ct.TreeHead, m *ctlog.Matcher) {
	var found []ctlog.Hit
	coverage, err := source.Entries(ctx, head, l.From, l.To, func(index uint64, e *ct.LogEntry) error {
		if found = m.Match(e, found[:0]); len(found) == 0 {
			return nil
		}
		if len(l.hits) == maxHits {
			return errHits
		}
		l.hits = append(l.hits, newSearchHit(l.Log, index, e, found))
		return nil
	})
	l.Verified, l.Complete = coverage.Verified, coverage.Complete()
	l.How = "each tile against the signed tree head"
	if l.Protocol == "rfc6962" {
		l.How = "by inclusion proofs for the ends of each segment"
	}
	for _, g := range coverage.Gaps {
		l.Gaps = append(l.Gaps, gapLine{g.From, g.To, g.Err.Error()})
	}
	for _, o := range coverage.Odd {
		l.Odd = append(l.Odd, gapLine{o.Index, o.Index + 1, o.Err.Error()})
	}
	l.OddTotal = coverage.OddTotal
	if err != nil {
		l.Error = err.Error()
	}
	for _, h := range l.hits {
		h.Verified = coverage.Covers(h.Index)
	}
}

func newSearchHit(log string, index uint64, e *ct.LogEntry, found []ctlog.Hit) *searchHit {
	h := &searchHit{Log: log, Index: index, entryLine: newEntryLine(e)}
	for _, m := range found {
		h.Matches = append(h.Matches, matchLine{m.Watched, m.Identifier, m.Unreadable})
	}
	return h
}

func (c *command) writeSearch(format string, logs []*searchLog) error {
	switch format {
	case "json":
		hits := []*searchHit{}
		for _, l := range logs {
			hits = append(hits, l.hits...)
		}
		return c.writeJSON(map[string]any{"schema": "certassay/ct-search/v1", "hits": hits, "logs": logs})
	case "jsonl":
		e := json.NewEncoder(c.streams.Out)
		for _, l := range logs {
			for _, h := range l.hits {
				if err := e.Encode(map[string]any{"hit": h}); err != nil {
					return err
				}
			}
			if err := e.Encode(map[string]any{"log": l}); err != nil {
				return err
			}
		}
		return nil
	}
	for _, l := range logs {
		if err := c.writeSearchText(l); err != nil {
			return err
		}
	}
	return nil
}

func (c *command) writeSearchText(l *searchLog) error {
	w := c.streams.Out
	for _, h := range l.hits {
		mark := ""
		if !h.Verified {
			mark = "  NOT VERIFIED"
		}
		fmt.Fprintf(w, "%s entry %d  %s  %s%s\n", report.Escape(l.Log), h.Index, h.Time.Format(time.RFC3339), h.Type, mark)
		for _, m := range h.Matches {
			switch {
			case m.Name == "":
				fmt.Fprintln(w, "  unreadable: the certificate cannot be read, so that no name can be ruled out")
			case m.Unreadable:
				fmt.Fprintf(w, "  %s: cannot be ruled out by unreadable %s\n", report.Escape(m.Name), report.Escape(m.Identifier))
			default:
				fmt.Fprintf(w, "  %s: %s\n", report.Escape(m.Name), report.Escape(m.Identifier))
			}
		}
		h.writeText(w, "  ")
	}
	fmt.Fprintf(w, "%s: ", report.Escape(l.Log))
	switch {
	case l.Head == nil:
		fmt.Fprintln(w, "not searched")
	case l.From == l.To:
		fmt.Fprintf(w, "no entry in the range; the tree has %d\n", l.Head.Size)
	default:
		fmt.Fprintf(w, "%d of entries %d to %d read and verified (%s), tree of %d at %s; %d found\n",
			l.Verified, l.From, l.To-1, l.How, l.Head.Size, l.Head.Time.Format(time.RFC3339), len(l.hits))
	}
	for _, g := range l.Gaps {
		fmt.Fprintf(w, "  not searched: entries %d to %d: %s\n", g.From, g.To-1, report.Escape(g.Error))
	}
	for _, o := range l.Odd {
		fmt.Fprintf(w, "  odd: entry %d: %s\n", o.From, report.Escape(o.Error))
	}
	if l.Warning != "" {
		fmt.Fprintf(w, "  warning: %s\n", report.Escape(l.Warning))
	}
	var err error
	if l.Error != "" {
		_, err = fmt.Fprintf(w, "  error: %s\n", report.Escape(l.Error))
	}
	return err
}
