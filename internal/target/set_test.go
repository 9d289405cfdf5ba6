package target

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func collect(t *testing.T, s *Set) []string {
	t.Helper()
	seq, err := s.Targets()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for target := range seq {
		got = append(got, target.Origin+" "+target.String())
	}
	return got
}

func TestList(t *testing.T) {
	const list = "\ufeffa.example # the first\r\n" +
		"\r\n" +
		"# a comment\n" +
		"  b.example:25\t# another\n" +
		"HTTPS://A.example/\n" +
		"192.0.2.0/31"
	var s Set
	if err := s.AddList(strings.NewReader(list), "hosts.txt", Defaults{}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"hosts.txt:1 https://a.example:443",
		"hosts.txt:4 tls://b.example:25",
		"hosts.txt:6 https://192.0.2.0:443",
		"hosts.txt:6 https://192.0.2.1:443",
	}
	if diff := cmp.Diff(want, collect(t, &s)); diff != "" {
		t.Errorf("targets differ (-want +got):\n%s", diff)
	}
}

func TestListReportsEveryBadLine(t *testing.T) {
	list := "good.example\na b\n" + strings.Repeat("x", 3*MaxLength) + "\nhttp://c\nlast.example"
	var s Set
	err := s.AddList(strings.NewReader(list), "l", Defaults{})
	if err == nil {
		t.Fatal("AddList succeeded")
	}
	lines := strings.Split(err.Error(), "\n")
	for i, want := range []string{"l:2: ", "l:3: line is longer", "l:4: "} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Errorf("error line %d of %q does not begin with %q", i, lines, want)
		}
	}
	if got := len(collect(t, &s)); got != 2 {
		t.Errorf("%d targets are left of a list with two good lines", got)
	}
}

func TestListShowsOnlySomeErrors(t *testing.T) {
	err := new(Set).AddList(strings.NewReader(strings.Repeat("a b\n", 50)), "l", Defaults{})
	lines := strings.Split(fmt.Sprint(err), "\n")
	if len(lines) != MaxListErrors+1 || lines[MaxListErrors] != "and 30 more" {
		t.Errorf("%d lines, the last %q, want %d and a count", len(lines), lines[len(lines)-1], MaxListErrors+1)
	}
}

func TestListReadError(t *testing.T) {
	broken := errors.New("disk on fire")
	err := new(Set).AddList(iotest.ErrReader(broken), "l", Defaults{})
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "l:1: ") {
		t.Errorf("AddList = %v, want l:1 and the read error", err)
	}
}

func TestListUTF16(t *testing.T) {
	err := new(Set).AddList(strings.NewReader("\xff\xfea\x00"), "l", Defaults{})
	if err == nil || !strings.Contains(err.Error(), "UTF-16") {
		t.Errorf("AddList = %v, want a word about UTF-16", err)
	}
}

func TestSetMergesDuplicates(t *testing.T) {
	var s Set
	args := []string{
		"192.0.2.1", "tls://192.0.2.1:443", "192.0.2.0/30", "192.0.2.2/31",
		"https://192.0.2.3", "tls://192.0.2.3:444", "smtp://192.0.2.3:443", "A.example", "a.EXAMPLE.",
	}
	if err := s.AddArgs(args, Defaults{}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		" https://192.0.2.1:443",
		" https://192.0.2.0:443", " https://192.0.2.2:443", " https://192.0.2.3:443",
		" tls://192.0.2.3:444", " smtp://192.0.2.3:443", " https://a.example:443",
	}
	for range 2 {
		if diff := cmp.Diff(want, collect(t, &s)); diff != "" {
			t.Fatalf("targets differ (-want +got):\n%s", diff)
		}
	}
	if got := s.Len(); got < len(want) {
		t.Errorf("Len() = %d, want at least %d", got, len(want))
	}
}

func TestAddArgsJoinsErrors(t *testing.T) {
	err := new(Set).AddArgs([]string{"a b", "fine", "http://x"}, Defaults{})
	if err == nil || len(strings.Split(err.Error(), "\n")) != 2 {
		t.Errorf("AddArgs = %v, want two errors", err)
	}
}

func TestSetMemory(t *testing.T) {
	const n, perTarget = 100_000, 400
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, "host%d.example.org\n", i)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var s Set
	if err := s.AddList(strings.NewReader(list.String()), "list", Defaults{}); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if got := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / n; got > perTarget {
		t.Errorf("a target costs %d bytes, want at most %d", got, perTarget)
	}
	seq, err := s.Targets()
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for range seq {
		count++
	}
	if count != n {
		t.Errorf("%d targets, want %d", count, n)
	}
	runtime.KeepAlive(list.String())
}
