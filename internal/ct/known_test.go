package ct

import (
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestKnown(t *testing.T) {
	list := Known()
	tiled, current := 0, 0
	date, err := time.Parse(time.DateOnly, Date)
	if err != nil || !list.Date.Equal(date) {
		t.Errorf("the table is of %v, Date says %s", list.Date, Date)
	}
	for _, l := range list.Logs() {
		if l.ID != sha256.Sum256(l.Key) || list.Log(l.ID) != l {
			t.Errorf("%s: its id is not the hash of its key", l.Name)
		}
		if _, err := l.publicKey(); err != nil {
			t.Errorf("%s: %v", l.Name, err)
		}
		if Mimic(l.ID) || placeholders[l.ID] {
			t.Errorf("%s: this log signs nothing of worth", l.Name)
		}
		if l.Name == "" || l.Operator() == "" || !l.From.IsZero() && !l.From.Before(l.To) || l.URL != "" && !strings.Contains(l.URL, "://") {
			t.Errorf("%s: incomplete: %+v", l.Name, l)
		}
		if !slices.IsSortedFunc(l.States, func(a, b Change) int { return a.Since.Compare(b.Since) }) {
			t.Errorf("%s: its states are not in order: %v", l.Name, l.States)
		}
		if l.Tiled {
			tiled++
		}
		if l.StateAt(date).Approved() && l.MMD > 0 {
			current++
		}
	}
	// Chrome's list 85.108 has 27 RFC 6962 and 21 tiled logs that are usable or
	// qualified, and 4 that take nothing new.
	if n := len(list.Logs()); n != 256 || tiled != 66 || current != 52 {
		t.Errorf("%d logs, %d of them tiled, %d accepted now; want 256, 66, 52", n, tiled, current)
	}
}

// Ids as Chrome's list and certificates state them.
func TestKnownIDs(t *testing.T) {
	for _, c := range []struct {
		id, name string
		tiled    bool
		state    State
	}{
		{"0e5794bcf3aea93e331b2c9907b3f790df9bc23d713225dd21a925ac61c54e21", "Google Argon2026h1", false, Usable},
		{"cb38f715897c84a1445f5bc1ddfbc96ef29a59cd470a690585b0cb14c31458e7", "Cloudflare Nimbus2026", false, Usable},
	} {
		l := Known().Log(id(c.id))
		if l == nil || l.Name != c.name || l.Tiled != c.tiled || l.StateAt(Known().Date) != c.state {
			t.Errorf("Log(%s) = %+v, want %s", c.id, l, c.name)
		}
	}
}

func TestReadTableRefuses(t *testing.T) {
	for _, in := range []string{
		`[]`, `{"date":"today"}`,
		`{"date":"2026-01-01","operators":[{"logs":[{"key":"%"}]}]}`,
		`{"date":"2026-01-01","operators":[{"logs":[{"key":"AAAA"},{"key":"AAAA"}]}]}`,
		`{"date":"2026-01-01","operators":[{"logs":[{"key":"AAAA","states":[["usable","x"]]}]}]}`,
		`{"date":"2026-01-01","operators":[{"logs":[{"key":"AAAA","from":"2026-01-01","to":""}]}]}`,
	} {
		if _, err := readTable([]byte(in)); err == nil {
			t.Errorf("readTable(%s) has no error", in)
		}
	}
}

func BenchmarkReadTable(b *testing.B) {
	for b.Loop() {
		if _, err := readTable(knownJSON); err != nil {
			b.Fatal(err)
		}
	}
}

// Where a tiled log is read is known but for test logs and such as were given up.
func TestKnownReadable(t *testing.T) {
	unknown := 0
	for _, l := range Known().Logs() {
		if l.Tiled && l.Monitor == "" {
			unknown++
			if l.StateAt(Known().Date).Approved() {
				t.Errorf("%s is accepted, and nobody knows where it is read", l.Name)
			}
		}
		if l.URL == "" && l.Monitor == "" {
			t.Errorf("%s has no address", l.Name)
		}
	}
	if unknown != 11 {
		t.Errorf("of %d tiled logs it is not known where they are read, want 11", unknown)
	}
}
