package cli

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/notify"
	"github.com/certassay/certassay/internal/store"
	"github.com/certassay/certassay/internal/watch"
)

// A watchPlan is all that a watch works by, read and checked. It never changes but
// for the store in its options.
type watchPlan struct {
	flags     *watchFlags
	options   watch.Options
	receivers []notify.Receiver
	following string // what is looked for
	names     []string
	marks     marks // of the files that it was made from
}

// planOf makes a plan. before are marks from before anything of it was read. The
// errors are exits.
func (w *watchRun) planOf(ctx context.Context, f *watchFlags, before marks) (*watchPlan, error) {
	c := w.command
	judge, err := c.newWatchJudge(ctx, f)
	if err != nil {
		return nil, err
	}
	matcher, err := judge.matcher(f.cfg)
	if err != nil {
		return nil, exit.Usage(err)
	}
	expected, err := readExpected(ctx, f.cfg.Expected)
	if err != nil {
		return nil, exit.Usage(err)
	}
	receivers, err := c.receivers(f.cfg.Notify)
	if err != nil {
		return nil, exit.Usage(err)
	}
	if _, err := f.targets(); err != nil {
		return nil, exit.Usage(err)
	}
	p := &watchPlan{flags: f, receivers: receivers, following: judge.following(f.cfg), names: judge.names(f.cfg)}
	p.options = watch.Options{
		Matcher: matcher, Expected: expected.has, Judge: judge.judge, TellExpected: f.cfg.TellExpected, Now: audit.Now, Warn: w.warn, Told: w.bell.Ring,
		Back: f.cfg.Back, Interval: f.cfg.Interval, Partial: f.cfg.Partial, Batch: f.cfg.Batch,
	}
	if f.cfg.All {
		p.options.Notable = judge.session.notable
	}
	p.marks = marksOf(f.files(judge.session.owner))
	for path, mark := range before {
		if _, ok := p.marks[path]; ok {
			p.marks[path] = mark
		}
	}
	return p, nil
}

// files are all that a plan is made from, but for lists of logs, which are looked
// at by themselves.
func (f *watchFlags) files(o *owner) (out []string) {
	cfg := f.cfg
	out = append(out, f.config, cfg.Inventory, cfg.Waivers)
	for _, list := range [][]string{cfg.Files, cfg.Roots, cfg.Rules, cfg.KnownKeys} {
		out = append(out, list...)
	}
	for _, e := range cfg.Expected {
		if !strings.HasPrefix(e, "sha256:") && !strings.HasPrefix(e, "sha256/") {
			out = append(out, e)
		}
	}
	if o != nil {
		out = append(out, o.Files...)
		for _, set := range o.Trust {
			for _, r := range set.Roots {
				if !filepath.IsAbs(r.Path) {
					r.Path = filepath.Join(r.Base, r.Path)
				}
				out = append(out, r.Path)
			}
		}
	}
	return out
}

// marks tell files that have changed from those that have not.
type marks map[string][32]byte

// maxMarked bounds what is read of a file for its mark; of a larger one size and
// time count.
const maxMarked = 4 << 20

func marksOf(paths []string) marks {
	m := marks{}
	for _, path := range paths {
		if path != "" {
			m[path] = markOf(path)
		}
	}
	return m
}

// markOf is a hash of the file, or of all files below a directory. One that cannot
// be read has a mark, too.
func markOf(path string) [32]byte {
	h := sha256.New()
	err := filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		fmt.Fprintf(h, "%q %v\n", name, err)
		if err != nil || e.IsDir() {
			return nil //nolint:nilerr // it is part of the mark
		}
		info, err := os.Stat(name) // of what a link leads to
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxMarked {
			if err == nil {
				fmt.Fprintln(h, info.Mode(), info.Size(), info.ModTime().UnixNano())
			}
			return nil
		}
		text, err := os.ReadFile(name)
		fmt.Fprintf(h, "%x %v\n", sha256.Sum256(text), err)
		return nil
	})
	fmt.Fprintln(h, err)
	return [32]byte(h.Sum(nil))
}

// changed says whether a file is not what it was.
func (m marks) changed() bool {
	for path, mark := range m {
		if markOf(path) != mark {
			return true
		}
	}
	return false
}

// now marks the same files as they are.
func (m marks) now() marks {
	out := marks{}
	for path := range m {
		out[path] = markOf(path)
	}
	return out
}

// retryPlan is how often files that could not be taken are looked at again,
// changed or not: what is wrong may be in one that is not known yet.
const retryPlan = time.Minute

// await waits for another plan and gives it, or nil when ctx ends.
func (w *watchRun) await(ctx context.Context, plan *watchPlan, hangup <-chan os.Signal) *watchPlan {
	ticker := time.NewTicker(min(plan.flags.cfg.Interval, time.Minute))
	defer ticker.Stop()
	known, refused, tried := plan.marks, "", time.Time{}
	for {
		asked := false
		select {
		case <-ctx.Done():
			return nil
		case <-hangup:
			asked = true
		case <-ticker.C:
		}
		if !asked && !known.changed() && (refused == "" || audit.Now().Sub(tried) < retryPlan) {
			continue
		}
		before := known.now()
		next, err := w.again(ctx, plan, before)
		if err == nil {
			return next
		}
		if ctx.Err() != nil {
			return nil
		}
		known, tried = before, audit.Now()
		if text := oneLine(err); asked || text != refused {
			refused = text
			w.refuse(ctx, text)
		}
	}
}

// again makes a plan of what the files say now.
func (w *watchRun) again(ctx context.Context, old *watchPlan, before marks) (*watchPlan, error) {
	f, err := w.load()
	if err != nil {
		return nil, err
	}
	if f.cfg.State != old.flags.cfg.State {
		return nil, fmt.Errorf("the state directory cannot change from %s to %s while logs are followed: start anew", old.flags.cfg.State, f.cfg.State)
	}
	next, err := w.planOf(ctx, f, before)
	if err != nil {
		return nil, err
	}
	return next, w.metrics.move(w, f.cfg.Metrics)
}

// refuse says loudly that the plan before stays in force. It is written before it is
// said: who reads it, and then asks for the state, finds it there.
func (w *watchRun) refuse(ctx context.Context, text string) {
	const longest = 2000
	err := w.store.Update(ctx, func(tx *store.Tx) error {
		return tx.SetConfiguration(store.Configuration{Taken: w.taken, Failed: audit.Now(), Error: fmt.Sprintf("%.*s", longest, text)})
	})
	w.warn(fmt.Sprintf("THE CONFIGURATION WAS NOT TAKEN, the one of %s stays in force: %.*s", w.taken.Format(time.RFC3339), longest, text))
	if err != nil && ctx.Err() == nil {
		w.warn(err.Error())
	}
}

// A metricsListener answers for metrics at one address at a time.
type metricsListener struct {
	base    context.Context //nolint:containedctx // of the run: listening outlives a plan
	address string
	stop    context.CancelFunc
}

// listen begins to answer where the first plan says.
func (m *metricsListener) listen(ctx context.Context, w *watchRun) error {
	m.base = ctx
	return m.move(w, w.plan.Load().flags.cfg.Metrics)
}

// move answers at another address. Where that cannot be had all stays as it is.
func (m *metricsListener) move(w *watchRun, address string) error {
	if address == m.address {
		return nil
	}
	stop := context.CancelFunc(func() {})
	if address != "" {
		var ctx context.Context
		ctx, stop = context.WithCancel(m.base)
		at, err := notify.Metrics(ctx, address, w.writeHealth)
		if err != nil {
			stop()
			return err
		}
		w.warn("metrics are at http://" + at + "/metrics")
	}
	if m.stop != nil {
		m.stop()
	}
	m.address, m.stop = address, stop
	return nil
}
