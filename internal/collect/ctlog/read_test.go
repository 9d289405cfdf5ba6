package ctlog

import (
	"context"
	"errors"
	"testing"

	"github.com/certassay/certassay/internal/ct"
)

func TestEntries(t *testing.T) {
	l := newLog(t, 1300)
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			s := open(t, l, way, quickly, nil)
			head := headOf(t, s)
			if head.Size != 1300 || !head.Time.Equal(at) {
				t.Fatalf("Head = %+v, want 1300 entries at %v", head, at)
			}
			for _, r := range [][2]uint64{{0, 1300}, {0, 1}, {1299, 1300}, {255, 257}, {256, 512}, {700, 1290}, {1280, 1300}, {3, 1300}} {
				got, c := read(t, s, head, r[0], r[1])
				if uint64(len(got)) != r[1]-r[0] || got[0] != r[0] || got[len(got)-1] != r[1]-1 {
					t.Errorf("[%d, %d): %d entries shown", r[0], r[1], len(got))
				}
				if !c.Complete() || c.Verified != r[1]-r[0] {
					t.Errorf("[%d, %d): coverage %+v, want complete", r[0], r[1], c)
				}
			}
			for _, r := range [][2]uint64{{0, 1301}, {5, 5}, {7, 3}} {
				if _, err := s.Entries(context.Background(), head, r[0], r[1], nil); err == nil {
					t.Errorf("[%d, %d): Entries = nil, want an error", r[0], r[1])
				}
			}
		})
	}
}

func TestLocate(t *testing.T) {
	l := newLog(t, 600)
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			s := open(t, l, way, quickly, nil)
			head := headOf(t, s)
			var leaf [32]byte
			if _, err := s.Entries(context.Background(), head, 555, 556, func(_ uint64, e *ct.LogEntry) error {
				leaf, _ = e.LeafHash(nil)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			index := uint64(555)
			if got, err := s.Locate(context.Background(), head, leaf, &index); err != nil || got != 555 {
				t.Errorf("Locate = %d, %v, want 555", got, err)
			}
			leaf[0] ^= 1
			_, err := s.Locate(context.Background(), head, leaf, &index)
			if !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrEntry) {
				t.Errorf("Locate of another leaf = %v, want ErrNotFound or ErrEntry", err)
			}
		})
	}
}

func TestFollow(t *testing.T) {
	for _, way := range ways[:2] {
		t.Run(way, func(t *testing.T) {
			l := newLog(t, 900)
			l.Show(300)
			s := open(t, l, way, quickly, nil)
			older := headOf(t, s)
			l.Show(0)
			newer, err := Follow(context.Background(), s, older)
			if err != nil || newer.Size != 900 {
				t.Fatalf("Follow = %+v, %v, want 900 entries", newer, err)
			}
			l.Show(300)
			var c *Contradiction
			if _, err = Follow(context.Background(), s, newer); !errors.Is(err, ErrRollback) || !errors.As(err, &c) || c.Newer.Size != 300 {
				t.Errorf("Follow of a smaller tree = %v, want ErrRollback with both heads", err)
			}
			for _, size := range []int{300, 500} {
				other := *older
				if other.Root[9] ^= 1; size == 300 {
					other = *older
					other.Root[1] ^= 1
				}
				l.Show(size)
				if _, err = Follow(context.Background(), s, &other); !errors.Is(err, ErrFork) {
					t.Errorf("Follow of another tree to %d = %v, want ErrFork", size, err)
				}
			}
		})
	}
}

func TestChain(t *testing.T) {
	l := newLog(t, 4)
	for _, way := range ways {
		s := open(t, l, way, quickly, nil)
		_, err := s.Entries(context.Background(), headOf(t, s), 1, 2, func(_ uint64, e *ct.LogEntry) error {
			chain, err := s.Chain(context.Background(), e)
			if err != nil {
				return err
			}
			return e.CheckSubmitted(chain)
		})
		if err != nil {
			t.Errorf("%s: chain of entry 1: %v", way, err)
		}
	}
}

func TestEntriesEndsWithVisit(t *testing.T) {
	l := newLog(t, 1000)
	stop := errors.New("enough")
	for _, way := range ways {
		s := open(t, l, way, quickly, nil)
		n := 0
		c, err := s.Entries(context.Background(), headOf(t, s), 0, 1000, func(uint64, *ct.LogEntry) error {
			if n++; n == 300 {
				return stop
			}
			return nil
		})
		if !errors.Is(err, stop) || n != 300 || c.Complete() {
			t.Errorf("%s: Entries = %v after %d entries, complete %v, want %v after 300", way, err, n, c.Complete(), stop)
		}
	}
}

func TestDetect(t *testing.T) {
	l := newLog(t, 10)
	url := l.Serve(t, nil)
	log, err := Detect(context.Background(), "both", url, l.Key.SPKI, quickly)
	if err != nil || !log.Tiled {
		t.Errorf("Detect of a log with checkpoint = %+v, %v, want a tiled one", log, err)
	}
	plain := l.Serve(t, onPath("checkpoint", notFound))
	if log, err = Detect(context.Background(), "plain", plain, l.Key.SPKI, quickly); err != nil || log.Tiled {
		t.Errorf("Detect of a log without checkpoint = %+v, %v, want an RFC 6962 one", log, err)
	}
}

// Lists of old give one address for a tiled log, and it may be the one to read.
func TestOnlyOneAddress(t *testing.T) {
	l := newLog(t, 3)
	s, err := Open(ct.NewLog("lab", l.Key.SPKI, true, l.Serve(t, nil), ""), quickly)
	if err != nil {
		t.Fatal(err)
	}
	if head, err := s.Head(context.Background()); err != nil || head.Size != 3 {
		t.Errorf("Head = %+v, %v, want 3 entries", head, err)
	}
	other, err := Open(ct.NewLog("lab", l.Key.SPKI, true, "https://another.example/", l.Serve(t, nil)), quickly)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Head(context.Background()); !errors.Is(err, ct.ErrOrigin) {
		t.Errorf("Head of a log under another name = %v, want ErrOrigin", err)
	}
}
