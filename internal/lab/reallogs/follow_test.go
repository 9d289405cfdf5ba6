package reallogs

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/ct"
	lablog "github.com/certassay/certassay/internal/lab/ctlog"
)

// source opens a log for a reader that remembers heads.
func (l *Log) source(t *testing.T, address string) ctlog.Source {
	t.Helper()
	log := ct.NewLog("real", l.Key.SPKI, false, address, "")
	if l.Protocol == StaticCT {
		log = ct.NewLog("real", l.Key.SPKI, true, "https://"+Origin+"/", address)
	}
	s, err := ctlog.Open(log, ctlog.Options{Private: true, Rate: 1000, Timeout: time.Minute, Retries: 1, Backoff: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A split view: two real logs with one key, and a proxy that shows now the one
// and now the other. Every head is truly signed and every tree is whole.
func TestSplitView(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			h := hierarchy()
			a, b := Start(t, protocol, h.Root.DER), Start(t, protocol, h.Root.DER)
			a.Fill(t, h, 0, 200)
			waitSize(t, a, 200)
			early := fetch(t, a.Monitor+a.HeadPath())
			a.Fill(t, h, 200, 300)
			waitSize(t, a, 300)

			proxy := NewProxy(t, a, nil)
			s := a.source(t, proxy.URL)
			ctx := context.Background()
			older, err := s.Head(ctx)
			if err != nil || older.Size != 300 {
				t.Fatalf("Head = %+v, %v, want 300 entries", older, err)
			}
			if _, err := ctlog.Follow(ctx, s, older); err != nil {
				t.Errorf("Follow of the honest log = %v", err)
			}
			proxy.Set(only(a.HeadPath(), replace(early)))
			wantContradiction(t, "rollback", s, older, 200, ctlog.ErrRollback)

			proxy.Set(toLog(t, b))
			smaller := ctlog.ErrRollback // the other log proves nothing for a tree larger than its own
			if protocol == StaticCT {
				smaller = ctlog.ErrFork // the hashes of the honest tree were read, and say what 250 entries of it have for a root
			}
			for _, c := range []struct {
				name     string
				from, to int
				want     error
			}{{"smaller", 1000, 1250, smaller}, {"same size", 1250, 1300, ctlog.ErrFork}, {"larger", 1300, 1420, ctlog.ErrFork}} {
				b.Fill(t, h, c.from, c.to)
				waitSize(t, b, uint64(c.to-1000))
				wantContradiction(t, "fork, "+c.name, s, older, uint64(c.to-1000), c.want)
			}

			proxy.Set(nil)
			a.Fill(t, h, 300, 330)
			waitSize(t, a, 330)
			if newer, err := ctlog.Follow(ctx, s, older); err != nil || newer.Size != 330 {
				t.Errorf("Follow after the split view = %+v, %v, want 330 entries", newer, err)
			}
		})
	}
}

// wantContradiction wants both heads as evidence, with signatures that verify.
func wantContradiction(t *testing.T, name string, s ctlog.Source, older *ct.TreeHead, size uint64, want error) {
	t.Helper()
	_, err := ctlog.Follow(context.Background(), s, older)
	var c *ctlog.Contradiction
	if !errors.Is(err, want) || !errors.As(err, &c) || c.Older != older || c.Newer.Size != size || len(c.Newer.Signature) == 0 {
		t.Errorf("%s: Follow = %v, want %v with both heads, the newer of %d", name, err, want, size)
	}
}

// toLog answers everything from another log.
func toLog(t *testing.T, other *Log) lablog.Fault {
	return func(w http.ResponseWriter, r *http.Request, _ []byte, _ int) ([]byte, bool) {
		status, body, err := ask(r.Context(), http.DefaultClient, other.Monitor+r.URL.RequestURI()[1:])
		if err != nil {
			t.Errorf("asking the other log: %v", err)
		}
		w.WriteHeader(status)
		_, _ = w.Write(body)
		return nil, false
	}
}

// A cache that answers get-sth-consistency with an old proof looks like a fork,
// until it is told not to.
func TestCachedConsistency(t *testing.T) {
	t.Parallel()
	h := hierarchy()
	l := Start(t, RFC6962, h.Root.DER)
	proxy := NewProxy(t, l, nil)
	s := l.source(t, proxy.URL)
	var heads []*ct.TreeHead
	for _, size := range []int{40, 75, 110} {
		l.Fill(t, h, len(heads)*1000, len(heads)*1000+size-sizeOf(heads))
		waitSize(t, l, uint64(size))
		head, err := s.Head(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, head)
	}
	const path = "ct/v1/get-sth-consistency"
	stale := fetch(t, l.Monitor+path+"?first=40&second=75")
	proxy.Set(only(path, func(_ http.ResponseWriter, r *http.Request, honest []byte, _ int) ([]byte, bool) {
		if r.Header.Get("Cache-Control") == "no-cache" {
			return honest, true
		}
		return stale, true
	}))
	if err := s.Consistent(context.Background(), heads[0], heads[2]); err != nil || proxy.Calls(path) != 2 {
		t.Errorf("Consistent = %v after %d requests, want nil after 2", err, proxy.Calls(path))
	}
	proxy.Set(only(path, replace(stale)))
	if err := s.Consistent(context.Background(), heads[0], heads[2]); !errors.Is(err, ct.ErrProof) {
		t.Errorf("Consistent with a wrong proof always = %v, want ErrProof", err)
	}
}

func sizeOf(heads []*ct.TreeHead) int {
	if len(heads) == 0 {
		return 0
	}
	return int(heads[len(heads)-1].Size)
}
