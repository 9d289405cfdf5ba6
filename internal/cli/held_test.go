package cli

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/collect/aia"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/finding"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/trust"
)

// scanned runs a scan and gives the subjects by their target.
func scanned(t *testing.T, args ...string) (*report.Document, map[string]*report.Subject) {
	t.Helper()
	var out, errs bytes.Buffer
	Run(t.Context(), append([]string{"scan", "-f", "json", "--name", "time.lab.example"}, args...), Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	doc, err := report.Read(&out)
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, errs.String())
	}
	byTarget := map[string]*report.Subject{}
	for i := range doc.Subjects {
		byTarget[doc.Subjects[i].Target] = &doc.Subjects[i]
	}
	return doc, byTarget
}

func completedBy(s *report.Subject, from string) bool {
	return slices.ContainsFunc(s.Findings, func(f finding.Finding) bool {
		return f.Rule == "chain-completed-by-fetch" && strings.Contains(f.Message, from)
	})
}

// A server that left out its intermediate is judged with the one that another server
// shows, whichever is first, and the report says where that is from.
func TestScanCompletesChains(t *testing.T) {
	l := lab.New(lab.Config{At: time.Now()})
	whole := lab.Serve(t, l.Chain(), l.LeafKey, lab.Server{})
	lone := lab.Serve(t, l.Chain()[:1], l.LeafKey, lab.Server{})
	dir := t.TempDir()
	root, logs, bundle := filepath.Join(dir, "root.pem"), filepath.Join(dir, "logs.json"), filepath.Join(dir, "run.evidence")
	write(t, root, lab.PEM(l.Roots()...))
	write(t, logs, l.LogList())
	_, alone := scanned(t, lone, "--roots", root, "--log-list", logs)
	if v := alone[lone].Verdict; v == finding.OK || len(alone[lone].Fetched) != 0 {
		t.Fatalf("alone it is %s", v)
	}
	for _, order := range [][]string{{whole, lone}, {lone, whole}} {
		doc, subjects := scanned(t, append(order, "--roots", root, "--log-list", logs, "--evidence", bundle)...)
		for target, s := range subjects {
			if s.Verdict != finding.OK || completedBy(s, "tls://"+whole) != (target == lone) {
				t.Errorf("%v: %s is %s (findings %v, gaps %v)", order, target, s.Verdict, s.Findings, s.Inconclusive)
			}
		}
		if len(doc.Subjects) != 2 || doc.Subjects[0].Target != order[0] {
			t.Errorf("%v: the order is not that of the input", order)
		}
		// The evidence holds what was found, and gives the same answer alone.
		var out, errs bytes.Buffer
		Run(t.Context(), []string{"check", bundle, "-f", "json", "--roots", root, "--log-list", logs}, Streams{Out: &out, Err: &errs})
		again, err := report.Read(&out)
		if err != nil || len(again.Subjects) != 2 || !completedBy(&again.Subjects[slices.Index(order, lone)], "tls://"+whole) {
			t.Errorf("%v: the bundle gives %+v, %v\n%s", order, again, err, errs.String())
		}
	}
	// It vouches for nothing.
	if _, subjects := scanned(t, lone, whole, "--log-list", logs); subjects[lone].Verdict == finding.OK {
		t.Error("without a root the chain is good")
	}
}

// An interrupt still delivers what waited.
func TestInterruptedScanDeliversWhatWaited(t *testing.T) {
	l := lab.New(lab.Config{At: time.Now()})
	done := make(chan struct{})
	lone := relay(t, lab.Serve(t, l.Chain()[:1], l.LeafKey, lab.Server{}), func() {}, sync.OnceFunc(func() { close(done) }))
	// The interrupt comes with the line of this one, when the other was seen.
	whole := relay(t, lab.Serve(t, l.Chain(), l.LeafKey, lab.Server{}), func() { <-done }, func() {})
	silent := lab.Listen(t, func(ctx context.Context, _ net.Conn) { <-ctx.Done() })
	root := filepath.Join(t.TempDir(), "root.pem")
	write(t, root, lab.PEM(l.Roots()...))
	out, _ := interrupted(t, whole, "scan", whole, lone, silent, "--roots", root, "--name", "time.lab.example")
	doc, err := report.Read(strings.NewReader(out))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	i := slices.IndexFunc(doc.Subjects, func(s report.Subject) bool { return s.Target == lone })
	if doc.Run.Complete || i < 0 || !completedBy(&doc.Subjects[i], "tls://"+whole) {
		t.Errorf("complete %v, subjects\n%s", doc.Run.Complete, out)
	}
}

// relay passes connections on, and calls functions before and after each.
func relay(t *testing.T, to string, before, after func()) string {
	return lab.Listen(t, func(_ context.Context, near net.Conn) {
		before()
		defer after()
		far, err := net.Dial("tcp", to)
		if err != nil {
			return
		}
		defer far.Close()
		go func() {
			_, _ = io.Copy(near, far)
			_ = near.Close()
		}()
		_, _ = io.Copy(far, near)
	})
}

// Only who leaves out the issuer of the leaf waits.
func TestHolderLacks(t *testing.T) {
	store, err := trust.New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := lab.New(lab.Config{})
	s := &session{trust: store}
	h := newHolder(s)
	if !h.Lacks(&evidence.Subject{Kind: evidence.Endpoint, Certificates: []evidence.DER{l.Leaf}}) {
		t.Error("a lone leaf does not wait")
	}
	for name, other := range map[string]*evidence.Subject{
		"whole":       {Kind: evidence.Endpoint, Certificates: []evidence.DER{l.Leaf, l.Intermediate.DER, l.Root.DER}},
		"no root":     {Kind: evidence.Endpoint, Certificates: []evidence.DER{l.Leaf, l.Intermediate.DER}},
		"self-signed": {Kind: evidence.Endpoint, Certificates: []evidence.DER{l.Root.DER}},
		"unreadable":  {Kind: evidence.Endpoint, Certificates: []evidence.DER{[]byte("x")}},
		"nothing":     {Kind: evidence.Endpoint},
		"a file":      {Kind: evidence.Certificate, Certificates: []evidence.DER{l.Leaf}},
	} {
		if h.Lacks(other) {
			t.Errorf("%s: it waits", name)
		}
	}
}

// Who was judged before all others were seen, and lacks an issuer still, is counted.
func TestHolderCountsWhoDidNotWait(t *testing.T) {
	store, err := trust.New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := lab.New(lab.Config{})
	s := &session{trust: store}
	s.held = newHolder(s)
	lone := func() *evidence.Subject {
		return &evidence.Subject{Kind: evidence.Endpoint, Certificates: []evidence.DER{l.Leaf}}
	}
	for range 7 {
		s.held.Complete(lone(), false)
	}
	s.held.Complete(lone(), true)
	s.held.Note(&evidence.Subject{Kind: evidence.Endpoint, ID: "tls://other", Certificates: []evidence.DER{l.Leaf, l.Intermediate.DER}})
	done := lone()
	if s.held.Complete(done, false); len(done.Fetches) != 1 {
		t.Errorf("what another showed is not added: %+v", done)
	}
	if s.sayHeld(); len(s.warnings) != 1 || !strings.Contains(s.warnings[0].Message, "7 servers") {
		t.Errorf("warnings %v; want that 7 servers did not wait", s.warnings)
	}
}

// One server cannot fill the pool with CAs of its own.
func TestPoolOfOneServer(t *testing.T) {
	l := lab.New(lab.Config{})
	var pool aia.Pool
	s := &evidence.Subject{Kind: evidence.Endpoint, Certificates: []evidence.DER{l.Leaf}}
	for i := range 20 {
		c := l.LeafTemplate()
		c.Serial, c.Subject = lab.SerialOf(string(rune('a'+i))), lab.Named("CN="+string(rune('a'+i)))
		c.Set(lab.Basic(true, 0))
		s.Certificates = append(s.Certificates, c.Sign(l.Intermediate.Key, ""))
	}
	if pool.Add(s); pool.Len() != 8 {
		t.Errorf("%d CAs are remembered of one server", pool.Len())
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
