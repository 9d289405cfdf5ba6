package watch

import (
	"context"
	"time"

	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/store"
)

// A Target is a log to follow.
type Target struct {
	// ID is the hash of the log's key, under which its state is stored.
	ID   [32]byte
	Name string
	// Address is where it is read; when it changes the log is opened anew.
	Address string
	// Version stands for all else that is known of the log, such as its protocol:
	// when it changes the log is opened anew, too.
	Version string
	// Open prepares to read the log and gives it with its protocol.
	Open func(context.Context) (ctlog.Source, *ct.Log, error)
}

// A Matcher says why an entry is of interest; see [ctlog.Matcher].
type Matcher interface {
	MatchChain(e *ct.LogEntry, hits []ctlog.Hit, chain func() ([][]byte, error)) []ctlog.Hit
}

// A Judgement is what the rules say of a subject, and its owner.
type Judgement struct {
	Report *report.Subject
	// Expected says that the owner's inventory explains it.
	Expected bool
}

// Options are what a Watcher works with. Store, Matcher and Now are required.
type Options struct {
	Store   *store.Store
	Matcher Matcher
	// Expected says that a certificate is one that its owner knows: it is
	// stored and not told. Nil expects none.
	Expected func(*Sighting) bool
	// Judge gives what matched, and what logs sign, a verdict. It may be called
	// by several goroutines. Nil judges nothing.
	Judge func(*evidence.Subject, []ctlog.Hit) Judgement
	// Notable says that an entry which does not match is to be told for how it
	// was judged: with it every entry is judged. Nil leaves those alone.
	Notable func(*report.Subject) bool
	// TellExpected tells also of what is expected, and says that it is.
	TellExpected bool
	// Now is the clock.
	Now func() time.Time
	// Back is how many entries before the newest a log is begun at that was
	// never read.
	Back uint64
	// Interval is the time between two heads of a log. Default 1 min.
	Interval time.Duration
	// Partial is how long the last tile of a tiled log may stay partial until
	// it is read. Default 5 min; negative reads it at once.
	Partial time.Duration
	// Batch is how many entries are read between two transactions. Default
	// 8192.
	Batch uint64
	// Warn is told what a person should know, in a line. It may be called by
	// several goroutines. Nil tells nobody.
	Warn func(string)
	// Told is called after something new was put into the outbox. Nil is not.
	Told func()
}

func (o Options) withDefaults() Options {
	if o.Interval <= 0 {
		o.Interval = time.Minute
	}
	if o.Partial == 0 {
		o.Partial = 5 * time.Minute
	}
	if o.Batch == 0 {
		o.Batch = 8192
	}
	if o.Expected == nil {
		o.Expected = func(*Sighting) bool { return false }
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	if o.Told == nil {
		o.Told = func() {}
	}
	return o
}
