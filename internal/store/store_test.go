package store

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/ct"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// TestMain lets the tests start this binary as another process on a directory.
func TestMain(m *testing.M) {
	switch dir := os.Getenv("STORE_TEST_DIR"); os.Getenv("STORE_TEST_DO") {
	case "count":
		os.Exit(child(dir, countUp))
	case "hold":
		os.Exit(child(dir, func(s *Store) error {
			if _, err := s.Hold(context.Background(), "watch", os.Getpid(), noon); err != nil {
				return err
			}
			fmt.Println("held")
			select {}
		}))
	case "write":
		os.Exit(child(dir, func(s *Store) error {
			fmt.Println("begun")
			for i := range 1_000_000 {
				if err := advance(s, uint64(i)); err != nil {
					return err
				}
				if i == 0 {
					fmt.Println("written")
				}
			}
			return nil
		}))
	}
	os.Exit(m.Run())
}

func child(dir string, do func(*Store) error) int {
	s, err := Open(context.Background(), dir)
	if err == nil {
		err = do(s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func start(t *testing.T, dir, do string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "STORE_TEST_DIR="+dir, "STORE_TEST_DO="+do)
	cmd.Stderr = new(bytes.Buffer)
	return cmd
}

// startAndWait starts a process and waits for its first line.
func startAndWait(t *testing.T, dir, do string, says int) *exec.Cmd {
	t.Helper()
	cmd := start(t, dir, do)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewReader(out)
	for range says {
		if line, err := lines.ReadString('\n'); err != nil {
			t.Fatalf("%q, %v: %s", line, err, cmd.Stderr)
		}
	}
	return cmd
}

func openStore(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func update(t *testing.T, s *Store, do func(*Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), do); err != nil {
		t.Fatal(err)
	}
}

func sampleLog() *Log {
	return &Log{
		ID: [32]byte{1}, Name: "lab", URL: "https://log.example/", Protocol: "static-ct", Key: []byte{4, 5}, Start: 10, Position: 20,
		Head: &ct.TreeHead{Size: 30, Time: noon, Root: [32]byte{7}, Signature: []byte{4, 3, 0, 0}}, Succeeded: noon, Failed: noon.Add(-time.Hour), Failures: 2, Error: "no",
	}
}

func TestLogRoundTrip(t *testing.T) {
	s := openStore(t, t.TempDir())
	want := sampleLog()
	gap := Gap{From: 12, To: 14, Error: "hash", Since: noon, Tries: 3, Retry: noon.Add(time.Minute)}
	update(t, s, func(tx *Tx) error {
		return errors.Join(tx.PutLog(want, 0), tx.PutGap(want.ID, gap), tx.PutGap(want.ID, Gap{From: 16, To: 17, Since: noon, Retry: noon}), tx.RemoveGap(want.ID, 16))
	})
	err := s.View(t.Context(), func(tx *Tx) error {
		got, err := tx.Log(want.ID)
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		gaps, err2 := tx.Gaps(want.ID)
		if d := cmp.Diff([]Gap{gap}, gaps); d != "" {
			t.Error(d)
		}
		none, err3 := tx.Log([32]byte{9})
		if none != nil {
			t.Errorf("Log of an unknown id = %v", none)
		}
		all, err4 := tx.Logs()
		if len(all) != 1 {
			t.Errorf("%d logs", len(all))
		}
		return errors.Join(err, err2, err3, err4)
	})
	if err != nil {
		t.Error(err)
	}
	// Nobody else may have moved the position.
	want.Position = 99
	err = s.Update(t.Context(), func(tx *Tx) error { return tx.PutLog(want, 5) })
	if !errors.Is(err, ErrMoved) {
		t.Errorf("PutLog from another position = %v, want ErrMoved", err)
	}
}

func TestAddEntry(t *testing.T) {
	s := openStore(t, t.TempDir())
	log := sampleLog()
	pre := &Entry{Log: log.ID, Number: 1, Identity: [32]byte{1}, Serial: [32]byte{5}, Hash: [32]byte{1}, Precert: true, Time: noon}
	final := &Entry{Log: log.ID, Number: 2, Identity: [32]byte{1}, Serial: [32]byte{5}, Hash: [32]byte{2}, Time: noon.Add(time.Second)}
	other := &Entry{Log: log.ID, Number: 3, Identity: [32]byte{3}, Serial: [32]byte{5}, Hash: [32]byte{3}, Time: noon}
	steps := []struct {
		name  string
		entry *Entry
		want  News
	}{
		{"precertificate", pre, News{Entry: true, Certificate: true}},
		{"its certificate is no news", final, News{Entry: true}},
		{"read again", pre, News{}},
		{"another certificate of the same number", other, News{Entry: true, Certificate: true, SameSerial: [][32]byte{{1}}}},
	}
	update(t, s, func(tx *Tx) error { return tx.PutLog(log, 0) })
	for _, step := range steps {
		update(t, s, func(tx *Tx) error {
			got, err := tx.AddEntry(step.entry, noon)
			if d := cmp.Diff(step.want, got); d != "" {
				t.Errorf("%s: %s", step.name, d)
			}
			return err
		})
	}
	update(t, s, func(tx *Tx) error {
		got, err := tx.Entries(pre.Identity)
		if d := cmp.Diff([]Entry{*pre, *final}, got); d != "" {
			t.Error(d)
		}
		if n, _ := tx.Seen(); n != 2 {
			t.Errorf("Seen = %d, want 2", n)
		}
		return err
	})
}

func TestOutbox(t *testing.T) {
	s := openStore(t, t.TempDir())
	waiting := func(receiver string, now time.Time) (ids []string) {
		update(t, s, func(tx *Tx) error {
			all, err := tx.Waiting(receiver, now, 10)
			for _, d := range all {
				ids = append(ids, d.ID+"="+string(d.Body))
			}
			return err
		})
		return ids
	}
	numbers := map[string]int64{}
	notify := func(id string) (fresh bool) {
		update(t, s, func(tx *Tx) (err error) {
			n := &Notification{ID: id, Kind: "k", Created: noon, Body: []byte(id)}
			if fresh, err = tx.Notify(n); fresh {
				numbers[id] = n.Number
			}
			return err
		})
		return fresh
	}
	update(t, s, func(tx *Tx) error { _, err := tx.SetReceivers([]string{"x", "y"}); return err })
	if !notify("a") || notify("a") || !notify("b") {
		t.Error("Notify does not tell new from known")
	}
	if d := cmp.Diff([]string{"a=a", "b=b"}, waiting("x", noon)); d != "" {
		t.Error(d)
	}
	update(t, s, func(tx *Tx) error {
		return errors.Join(tx.Delivered("x", numbers["a"], numbers["b"]), tx.Delivered("y", numbers["a"]), tx.Delay("y", numbers["b"], noon.Add(time.Hour), "down"), tx.SetOffset("x", 77))
	})
	if got := append(waiting("x", time.Time{}), waiting("y", noon)...); got != nil {
		t.Errorf("%q wait, want none", got)
	}
	if d := cmp.Diff([]string{"b=b"}, waiting("y", noon.Add(time.Hour))); d != "" {
		t.Error(d)
	}
	update(t, s, func(tx *Tx) error {
		boxes, err := tx.Outboxes()
		if d := cmp.Diff([]Outbox{{Receiver: "x"}, {Receiver: "y", Waiting: 1, Oldest: noon, Error: "down"}}, boxes); d != "" {
			t.Error(d)
		}
		next, err2 := tx.Next("y")
		none, err3 := tx.Next("x")
		offset, err4 := tx.Offset("x")
		if !next.Equal(noon.Add(time.Hour)) || !none.IsZero() || offset != 77 {
			t.Errorf("Next = %v and %v, Offset = %d", next, none, offset)
		}
		var open int
		err5 := tx.tx.QueryRow("SELECT count(*) FROM notifications WHERE body IS NOT NULL").Scan(&open)
		if open != 1 {
			t.Errorf("%d bodies are kept, want that which waits", open)
		}
		return errors.Join(err, err2, err3, err4, err5)
	})
	// A new receiver is told of what comes; what waits for one that is gone is
	// dropped; an offset stays.
	update(t, s, func(tx *Tx) error {
		dropped, err := tx.SetReceivers([]string{"x", "z"})
		if dropped != 1 {
			t.Errorf("%d dropped, want 1", dropped)
		}
		return err
	})
	if got := waiting("z", noon); got != nil {
		t.Errorf("the new receiver is told of %q", got)
	}
	if notify("b") {
		t.Error("a notification that everybody has is new again")
	}
}

func TestObservations(t *testing.T) {
	s := openStore(t, t.TempDir())
	yes := true
	o := Observation{Name: "a.example", Address: "192.0.2.1:443", Vantage: "direct", SPKI: [32]byte{1}, Leaf: [32]byte{2}}
	for i, at := range []time.Duration{time.Hour, 0, 2 * time.Hour} {
		o.Last, o.Logged = noon.Add(at), nil
		if i == 1 {
			o.Logged = &yes
		}
		update(t, s, func(tx *Tx) error { return tx.Observe(&o) })
	}
	update(t, s, func(tx *Tx) error {
		got, err := tx.Observations("a.example")
		want := o
		want.First, want.Last, want.Times, want.Logged = noon, noon.Add(2*time.Hour), 3, &yes
		if d := cmp.Diff([]Observation{want}, got); d != "" {
			t.Error(d)
		}
		if none, _ := tx.Observations("b.example"); none != nil {
			t.Errorf("Observations of another name = %v", none)
		}
		return err
	})
}

// What the first schema wrote is there after the second one's steps.
func TestMigrate(t *testing.T) {
	dir := t.TempDir()
	old, err := open(t.Context(), dir, steps[:1])
	if err != nil {
		t.Fatal(err)
	}
	want := sampleLog()
	update(t, old, func(tx *Tx) error { return tx.PutLog(want, 0) })
	if err := old.Update(t.Context(), func(tx *Tx) error { return tx.Observe(&Observation{Last: noon}) }); err == nil {
		t.Error("the old schema has the new table")
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "schema is 1 of 4") {
		t.Errorf("Read of an old schema = %v", err)
	}
	s := openStore(t, dir)
	update(t, s, func(tx *Tx) error {
		got, err := tx.Log(want.ID)
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		return errors.Join(err, tx.Observe(&Observation{Last: noon}))
	})
	// And the program of before refuses what it does not know.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "an older program", second(open(t.Context(), dir, steps[:1])), ErrNewer)
}

func second(_ *Store, err error) error { return err }

// wantKind wants an error of a kind, with a hint.
func wantKind(t *testing.T, what string, err, kind error) {
	t.Helper()
	var hint interface{ Hint() string }
	if !errors.Is(err, kind) || !errors.As(err, &hint) || hint.Hint() == "" {
		t.Errorf("%s: %v, want %v and a hint", what, err, kind)
	}
}

func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, File)
	wantKind(t, "reading nothing", second(Read(t.Context(), dir)), ErrMissing)
	put := func(b []byte) {
		for _, name := range []string{path, path + "-wal", path + "-shm"} {
			_ = os.Remove(name)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(bytes.Repeat([]byte("no database "), 1000))
	wantKind(t, "garbage", second(Open(t.Context(), dir)), ErrCorrupt)
	wantKind(t, "reading garbage", second(Read(t.Context(), dir)), ErrCorrupt)

	put(nil) // as a crash before the first write leaves it
	s := openStore(t, dir)
	update(t, s, func(tx *Tx) error {
		for i := range 500 {
			if _, err := tx.Notify(&Notification{ID: fmt.Sprint(i), Created: noon, Body: make([]byte, 100)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(whole)
	copy(damaged[len(damaged)/2:], bytes.Repeat([]byte{0xff}, 8192))
	put(damaged)
	wantKind(t, "damaged pages", second(Open(t.Context(), dir)), ErrCorrupt)
	put(whole[:len(whole)/2])
	wantKind(t, "cut short", second(Open(t.Context(), dir)), ErrCorrupt)

	foreign := bytes.Clone(whole)
	copy(foreign[68:], []byte{1, 2, 3, 4}) // application_id
	put(foreign)
	wantKind(t, "another program's", second(Open(t.Context(), dir)), ErrForeign)
	newer := bytes.Clone(whole)
	newer[63] = 99 // user_version
	put(newer)
	wantKind(t, "a newer version's", second(Open(t.Context(), dir)), ErrNewer)
	wantKind(t, "reading a newer version's", second(Read(t.Context(), dir)), ErrNewer)
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, newer) {
		t.Errorf("what was refused was changed (%v)", err)
	}
	put(whole)
	openStore(t, dir)
	wantKind(t, "a file for a directory", second(Open(t.Context(), path)), ErrReadOnly)
}

// A full disk costs the transaction and nothing else.
func TestFull(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	update(t, s, func(tx *Tx) error { return tx.PutLog(sampleLog(), 0) })
	if _, err := s.db.Exec("PRAGMA max_page_count = 40"); err != nil {
		t.Fatal(err)
	}
	err := s.Update(t.Context(), func(tx *Tx) error {
		l := sampleLog()
		l.Position = 21
		if err := tx.PutLog(l, 20); err != nil {
			return err
		}
		_, err := tx.Notify(&Notification{ID: "big", Created: noon, Body: make([]byte, 1<<20)})
		return err
	})
	wantKind(t, "a full disk", err, ErrFull)
	if _, err := s.db.Exec("PRAGMA max_page_count = 100000"); err != nil {
		t.Fatal(err)
	}
	update(t, s, func(tx *Tx) error {
		l, err := tx.Log([32]byte{1})
		if err == nil && l.Position != 20 {
			t.Errorf("position %d after a failed transaction, want 20", l.Position)
		}
		return err
	})
}

func TestReadOnlyDirectory(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "a directory that cannot be written", second(Open(t.Context(), dir)), ErrReadOnly)
}

const counts = 60

// countUp moves a position on by one, as often as counts says.
func countUp(s *Store) error {
	for range counts {
		if err := advance(s, 0); err != nil {
			return err
		}
	}
	return nil
}

// advance moves the position on by one, and notifies of it.
func advance(s *Store, _ uint64) error {
	return s.Update(context.Background(), func(tx *Tx) error {
		l, err := tx.Log([32]byte{1})
		if err != nil {
			return err
		}
		if l == nil {
			l = sampleLog()
			l.Position = 0
		}
		from := l.Position
		l.Position++
		if _, err := tx.Notify(&Notification{ID: fmt.Sprint(from), Created: noon}); err != nil {
			return err
		}
		return tx.PutLog(l, from)
	})
}

// Two processes, and this one, write at the same time: nothing is lost.
func TestProcesses(t *testing.T) {
	dir := t.TempDir()
	var others []*exec.Cmd
	for range 2 {
		cmd := start(t, dir, "count")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		others = append(others, cmd)
	}
	s := openStore(t, dir)
	if err := countUp(s); err != nil {
		t.Error(err)
	}
	for _, cmd := range others {
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%v: %s", err, cmd.Stderr)
		}
	}
	wantPosition(t, s, 3*counts)
}

// wantPosition wants a position, or any where that is negative, and as many
// notifications.
func wantPosition(t *testing.T, s *Store, want int) uint64 {
	t.Helper()
	var at uint64
	update(t, s, func(tx *Tx) error {
		l, err := tx.Log([32]byte{1})
		if err != nil || l == nil {
			return err
		}
		at = l.Position
		var n uint64
		if err := tx.tx.QueryRow("SELECT count(*) FROM notifications").Scan(&n); err != nil {
			return err
		}
		if n != at || want >= 0 && at != uint64(want) {
			t.Errorf("position %d and %d notifications, want %d of both", at, n, want)
		}
		return nil
	})
	return at
}

func TestHold(t *testing.T) {
	dir := t.TempDir()
	other := startAndWait(t, dir, "hold", 1)
	s := openStore(t, dir)
	_, err := s.Hold(t.Context(), "watch", os.Getpid(), noon)
	var held *HeldError
	if !errors.As(err, &held) || held.PID != other.Process.Pid || !held.Since.Equal(noon) || !strings.Contains(err.Error(), fmt.Sprint(other.Process.Pid)) {
		t.Fatalf("Hold = %v, want that process %d has it", err, other.Process.Pid)
	}
	// The other one is watched while it works.
	reader, err := Read(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := reader.Update(t.Context(), func(tx *Tx) error { return tx.PutLog(sampleLog(), 0) }); err == nil {
		t.Error("what was opened to read can write")
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait()
	release, err := s.Hold(t.Context(), "watch", os.Getpid(), noon)
	if err != nil {
		t.Fatalf("Hold after the other process died: %v", err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
}

// A writer is killed at any moment: what is there is whole, and it goes on.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	last := uint64(0)
	for i := range 10 {
		// Now before it wrote anything, and now afterwards.
		other := startAndWait(t, dir, "write", 1+i%2)
		time.Sleep(time.Duration(5+7*i) * time.Millisecond)
		if err := other.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = other.Wait()
		s := openStore(t, dir)
		at := wantPosition(t, s, -1)
		if at < last {
			t.Errorf("position %d after %d", at, last)
		}
		last = at
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if last == 0 {
		t.Error("nothing was written at all")
	}
}

// The evidence of a certificate is kept once, that of its precertificate too.
func TestEvidence(t *testing.T) {
	s := openStore(t, t.TempDir())
	log := sampleLog()
	update(t, s, func(tx *Tx) error {
		if err := tx.PutLog(log, 0); err != nil {
			return err
		}
		for i, precert := range []bool{true, true, false, false} {
			e := &Entry{Log: log.ID, Number: uint64(i), Identity: [32]byte{1}, Precert: precert, Time: noon, Evidence: []byte{byte(i)}}
			if _, err := tx.AddEntry(e, noon); err != nil {
				return err
			}
		}
		var got [][]byte
		err := tx.EachEntry(func(e *Entry) error { got = append(got, e.Evidence); return nil })
		if d := cmp.Diff([][]byte{{0}, nil, {2}, nil}, got); d != "" {
			t.Error(d)
		}
		return err
	})
	update(t, s, func(tx *Tx) error { return tx.SetWatched([]string{"a.test", "b.test", "b.test"}, noon) })
	update(t, s, func(tx *Tx) error { return tx.SetWatched([]string{".c.test", "b.test"}, noon.Add(time.Hour)) })
	update(t, s, func(tx *Tx) error {
		got, err := tx.Watched()
		if d := cmp.Diff(map[string]time.Time{"b.test": noon, ".c.test": noon.Add(time.Hour)}, got); d != "" {
			t.Error(d)
		}
		return err
	})
}

func TestConfiguration(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	at := time.UnixMilli(1_800_000_000_000).UTC()
	for _, want := range []Configuration{{}, {Taken: at}, {Taken: at, Failed: at.Add(time.Minute), Error: "no"}, {Taken: at.Add(time.Hour)}} {
		var got Configuration
		err := s.Update(t.Context(), func(tx *Tx) (err error) {
			if !want.Taken.IsZero() {
				err = tx.SetConfiguration(want)
			}
			if err == nil {
				got, err = tx.Configuration()
			}
			return err
		})
		if err != nil || got != want {
			t.Errorf("Configuration() = %+v, %v, want %+v", got, err, want)
		}
	}
}
