package ctlog

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
)

// PromiseOptions are what [Promises] asks by. Open and Now have to be set.
type PromiseOptions struct {
	// Logs are those that may be asked; nil asks none.
	Logs *ct.LogList
	// Open prepares to read a log, and gives it as it turned out to be.
	Open func(context.Context, *ct.Log) (Source, *ct.Log, error)
	// Issuers gives certificates of CAs that may have issued one, beside those
	// that came with it; nil knows none.
	Issuers func(*cert.Certificate) []*cert.Certificate
	Now     func() time.Time
}

// Promises looks up the SCTs of certificates in their logs. Each log is asked for
// its tree head once, by one question at a time, and no more once it has failed
// three times in a row; each SCT is looked up once, however many servers show it.
// It is safe for concurrent use.
type Promises struct {
	o PromiseOptions

	mu      sync.Mutex
	logs    map[[32]byte]*promiser           // guarded by mu
	answers map[[32]byte]*evidence.Inclusion // guarded by mu; by hash of SCT and leaf
}

// NewPromises makes a Promises.
func NewPromises(o PromiseOptions) *Promises {
	if o.Issuers == nil {
		o.Issuers = func(*cert.Certificate) []*cert.Certificate { return nil }
	}
	return &Promises{o: o, logs: map[[32]byte]*promiser{}, answers: map[[32]byte]*evidence.Inclusion{}}
}

const (
	// maxPromises bounds the SCTs of one subject that are looked up: a server can
	// send thousands, to have a log flooded in our name.
	maxPromises = 16
	// maxAnswers bounds what is remembered.
	maxAnswers = 1 << 16
	// patience is how many failures in a row a log is forgiven.
	patience = 3
	// maxLate is what a log is granted beyond its merge delay, and the delay where
	// no list says one.
	maxLate = 24 * time.Hour
)

// A promiser is a log that was asked.
type promiser struct {
	mu       sync.Mutex // held while the log is asked
	log      *ct.Log
	source   Source
	head     *ct.TreeHead
	err      error // why it is not asked any more
	failures int
}

// Ask adds to a subject what the logs show of the SCTs that came with its leaf:
// embedded, and in the TLS extension of the handshake that delivered it.
func (p *Promises) Ask(ctx context.Context, s *evidence.Subject) {
	if len(s.Certificates) == 0 {
		return
	}
	leaf := cert.Parse(s.Certificates[0])
	q := &promiseQuestion{leaf: leaf}
	for _, der := range s.Certificates[1:] {
		q.issuers = append(q.issuers, cert.Parse(der))
	}
	for i := range s.Fetches {
		for _, der := range s.Fetches[i].Certificates {
			q.issuers = append(q.issuers, cert.Parse(der))
		}
	}
	q.issuers = append(q.issuers, p.o.Issuers(leaf)...)
	seen := map[string]bool{}
	for _, part := range promisesOf(s, leaf) {
		if len(seen) == maxPromises || ctx.Err() != nil {
			break
		}
		if seen[string(part)] {
			continue
		}
		seen[string(part)] = true
		s.Inclusions = append(s.Inclusions, p.one(ctx, q, part))
	}
}

// promisesOf are the SCTs of a subject, as they were served.
func promisesOf(s *evidence.Subject, leaf *cert.Certificate) (parts [][]byte) {
	if list := leaf.SCTList(); list.Present && list.Err == nil {
		parts, _ = ct.SplitList(list.Value) // what is no list has a rule of its own
	}
	for i := range s.Handshakes {
		h := &s.Handshakes[i]
		if len(h.Certificates) > 0 && h.Certificates[0].SHA256() == leaf.SHA256() {
			parts = append(parts, h.SCTs...)
			break
		}
	}
	return parts
}

// A promiseQuestion finds the entry that an SCT is over.
type promiseQuestion struct {
	leaf    *cert.Certificate
	issuers []*cert.Certificate
}

// maxTried bounds the issuers that are tried: each costs a signature check.
const maxTried = 16

// entry is the log entry that the log signed; ok is false where none of those that
// can be made is it.
func (q *promiseQuestion) entry(log *ct.Log, s *ct.SCT) (e ct.Entry, ok bool) {
	tbs := q.leaf.TBS
	if q.leaf.Extension(cert.OIDSCTList) != nil {
		var err error
		if tbs, err = ct.CertificateTBS(q.leaf); err != nil {
			return e, false
		}
	}
	want, tried := q.leaf.Issuer.Normal(), 0
	for _, issuer := range q.issuers {
		if issuer.SPKI == nil || issuer.Subject.Normal() != want || tried == maxTried {
			continue
		}
		tried++
		if e, err := ct.PrecertEntry(issuer.SPKI, tbs); err == nil && log.Verify(s, e) == nil {
			return e, true
		}
	}
	e, err := ct.X509Entry(q.leaf.Raw)
	return e, err == nil && log.Verify(s, e) == nil
}

// one looks up an SCT.
func (p *Promises) one(ctx context.Context, q *promiseQuestion, part []byte) evidence.Inclusion {
	out := evidence.Inclusion{SCT: part, Asked: p.o.Now().UTC()}
	s, err := ct.ParseSCT(part)
	if err != nil {
		failLookup(&out, "the SCT cannot be read: "+err.Error(), "")
		return out
	}
	log := p.o.Logs.Log(s.LogID)
	if log == nil {
		failLookup(&out, "no list names the log of the SCT", "add it with --log-list or --log URL=KEY")
		return out
	}
	out.Key, out.Name, out.URL, out.MMD = log.Key, log.Name, addressOf(log), log.MMD
	entry, ok := q.entry(log, &s)
	if !ok {
		failLookup(&out, "the SCT could not be verified over this certificate, so that there is nothing to look up", "")
		return out
	}
	out.Leaf = ct.LeafOf(&s, entry)
	key := sha256.Sum256(append(append([]byte{}, part...), out.Leaf...))
	p.mu.Lock()
	known, l := p.answers[key], p.logs[log.ID]
	if l == nil {
		l = &promiser{log: log}
		p.logs[log.ID] = l
	}
	p.mu.Unlock()
	if known != nil {
		return *known
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lookUp(ctx, p.o.Open, &s, &out)
	if ctx.Err() == nil {
		p.remember(key, &out)
	}
	return out
}

func (p *Promises) remember(key [32]byte, x *evidence.Inclusion) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.answers) >= maxAnswers {
		clear(p.answers)
	}
	kept := *x
	p.answers[key] = &kept
}

// lookUp asks the log; mu is held.
func (l *promiser) lookUp(ctx context.Context, open func(context.Context, *ct.Log) (Source, *ct.Log, error), s *ct.SCT, out *evidence.Inclusion) {
	if l.err == nil && l.head == nil {
		if l.source, l.log, l.err = open(ctx, l.log); l.err == nil {
			l.head, l.err = l.source.Head(ctx)
		}
		if ctx.Err() != nil {
			l.err = nil // it is not the log that failed
			failLookup(out, "the run ended before the log answered", "")
			return
		}
	}
	if l.err != nil {
		failLookup(out, l.err.Error(), "")
		return
	}
	out.Head = headEvidence(l.head)
	out.URL, out.MMD = addressOf(l.log), cmp.Or(l.log.MMD, out.MMD)
	var at *uint64
	if index, present, valid := s.LeafIndex(); present && valid {
		at = &index
	}
	index, proof, err := l.source.Prove(ctx, l.head, ct.LeafHash(out.Leaf), at)
	if err == nil {
		l.failures, out.Found, out.Index = 0, true, index
		for _, h := range proof {
			out.Proof = append(out.Proof, h[:])
		}
		return
	}
	out.Denied = denied(err)
	failLookup(out, err.Error(), "")
	switch {
	case out.Denied || errors.Is(err, ErrIndex):
		l.failures = 0
	case ctx.Err() == nil:
		if l.failures++; l.failures == patience {
			l.err = fmt.Errorf("not asked any more after %d failures: %w", patience, err)
		}
	}
}

func failLookup(x *evidence.Inclusion, text, hint string) {
	x.Failure = &evidence.Failure{Stage: evidence.StageLog, Error: text, Hint: hint}
}

// addressOf is where a log is read.
func addressOf(log *ct.Log) string {
	if log.Tiled && log.Monitor != "" {
		return log.Monitor
	}
	return log.URL
}

// BrokenPromises gives the SCTs of a subject that their logs deny although their
// merge delay is over, each as a subject of its own: it is the log that has to
// explain them, and others' servers show the same SCT.
func BrokenPromises(s *evidence.Subject) (out []*evidence.Subject) {
	for i := range s.Inclusions {
		x := &s.Inclusions[i]
		if !x.Denied || x.Head == nil || len(x.Key) == 0 {
			continue
		}
		if sct, err := ct.ParseSCT(x.SCT); err != nil || x.Head.Time.Sub(sct.Time) <= cmp.Or(x.MMD, maxLate)+maxLate {
			continue
		}
		out = append(out, &evidence.Subject{
			ID: promiseID(x.URL, x.Key, x.SCT), Kind: evidence.LogEntry, Protocol: "ct",
			Target: fmt.Sprintf("SCT of %s for %.120s", x.Name, cmp.Or(s.Name, s.Target)), Seen: x.Asked,
			Log: &evidence.Log{
				Key: x.Key, Name: x.Name, URL: x.URL, MMD: x.MMD, Head: x.Head,
				Promise: &evidence.Promise{SCT: x.SCT, Leaf: x.Leaf, Denied: true},
			},
		})
	}
	return out
}
