package sct

import (
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/lab"
)

const policyDay = 24 * time.Hour

func TestPolicies(t *testing.T) {
	const usable, over = true, false
	e := func(log, op string, current bool) vote {
		return vote{log: log, operator: op, embedded: true, current: current}
	}
	tiled := func(log, op string) vote {
		return vote{log: log, operator: op, embedded: true, current: true, tiled: true}
	}
	x := func(log, op string, current bool) vote { return vote{log: log, operator: op, current: current} }
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	old := time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name          string
		begin         time.Time
		days          int
		votes         []vote
		chrome, apple string // a part of what is missing; empty where nothing is
	}{
		{"two logs, two operators, 90 days", now, 90, []vote{e("1", "A", usable), e("2", "B", usable)}, "", ""},
		{"exactly 180 days", now, 180, []vote{e("1", "A", usable), e("2", "B", usable)}, "", ""},
		{"181 days", now, 181, []vote{e("1", "A", usable), e("2", "B", usable)}, "3 different", "3 different"},
		{"three logs for a year", now, 365, []vote{e("1", "A", usable), e("2", "B", usable), e("3", "A", usable)}, "", ""},
		{"one operator", now, 90, []vote{e("1", "A", usable), e("2", "A", usable)}, "two operators", "one operator gives at most 1"},
		{"three of one operator for a year", now, 365, []vote{e("1", "A", usable), e("2", "A", usable), e("3", "A", usable)}, "two operators", "at most 2"},
		{"one log", now, 90, []vote{e("1", "A", usable)}, "2 different", "2 different"},
		{"one log is over", now, 90, []vote{e("1", "A", over), e("2", "B", usable)}, "", ""},
		{"both logs are over", now, 90, []vote{e("1", "A", over), e("2", "B", over)}, "not accepted", "not accepted"},
		{"only tiled logs", now, 90, []vote{tiled("1", "A"), tiled("2", "B")}, "RFC 6962", "RFC 6962"},
		{"one tiled log", now, 90, []vote{tiled("1", "A"), e("2", "B", usable)}, "", ""},
		{"by TLS", now, 365, []vote{x("1", "A", usable), x("2", "B", usable)}, "", ""},
		{"by TLS, of logs that are over", now, 90, []vote{x("1", "A", over), x("2", "B", over)}, "2 different", "2 different"},
		{"by TLS, one operator", now, 90, []vote{x("1", "A", usable), x("2", "A", usable)}, "2 different", ""},
		{"one embedded, one by TLS", now, 365, []vote{e("1", "A", usable), x("2", "B", usable)}, "", ""},
		{"nothing", now, 90, nil, "2 different", "2 different"},
		{"2019, 14 months", old, 420, []vote{e("1", "A", usable), e("2", "A", usable)}, "3 different", ""},
		{"2019, 25 months", old, 760, []vote{e("1", "A", usable), e("2", "A", usable)}, "3 different", "3 different"},
		{"2019, 36 months", old, 1090, []vote{e("1", "A", usable), e("2", "A", usable), e("3", "B", usable)}, "", "4 different"},
		{"2019, 50 months", old, 1520, []vote{e("1", "A", usable), e("2", "A", usable), e("3", "B", usable), e("4", "B", usable)}, "", "5 different"},
	} {
		in := &policyCase{notBefore: c.begin, notAfter: c.begin.Add(time.Duration(c.days) * policyDay), votes: c.votes}
		for name, p := range map[string]struct{ got, want string }{"chrome": {chrome(in), c.chrome}, "apple": {apple(in), c.apple}} {
			want := strings.ReplaceAll(p.want, "not accepted", "none of the logs is accepted")
			if want == "" != (p.got == "") || !strings.Contains(p.got, want) {
				t.Errorf("%s: %s misses %q, want %q", c.name, name, p.got, want)
			}
		}
	}
}

func TestSet(t *testing.T) {
	l := lab.New(lab.Config{})
	early, late := l.At.Add(-29*policyDay), l.At.Add(-28*policyDay)
	ended := testLog{key: logB.key, operator: "B", state: "retired", since: "2026-10-10T00:00:00Z"}
	set := func(when time.Time, known []testLog, in ...testLog) *facts.CT {
		q := input(t, l, issue(t, l, l.LeafTemplate(), when, in...), known...)
		return Set(q, InCertificate(q))
	}
	f := set(early, []testLog{logA, logB}, logA, logB)
	if f.Verified != 2 || f.Bad != 0 || f.Undecided != 0 || f.Logs != 2 || f.Operators != 2 || !f.Earliest.Equal(early) ||
		!f.Latest.Equal(early) || f.Chrome == nil || !*f.Chrome || f.Apple == nil || !*f.Apple || f.ListAge != 31 || f.Due {
		t.Errorf("two good SCTs: %+v", f)
	}
	f = set(early, []testLog{logA}, logA, logB)
	if f.Verified != 1 || f.Undecided != 1 || f.Chrome != nil || f.Apple != nil || f.ChromeReason != "" {
		t.Errorf("an unknown log would decide: %+v", f)
	}
	f = set(early, []testLog{logA}, logA)
	if f.Chrome == nil || *f.Chrome || f.ChromeReason == "" || f.Apple == nil || *f.Apple || f.AppleReason == "" {
		t.Errorf("one SCT: %+v", f)
	}
	// The list is from 1 October: it says nothing of younger logs, and enough of
	// what was signed before by one that it does not have.
	if f = set(early, []testLog{logA}, logB); f.Vouched != nil {
		t.Errorf("a log that is younger than the list: vouched %v", *f.Vouched)
	}
	if f = set(l.At.Add(-33*policyDay), []testLog{logA}, logB); f.Vouched == nil || *f.Vouched {
		t.Errorf("a log that no list has: %+v", f)
	}
	if f = set(early, []testLog{logA}, logA, logB); f.Vouched == nil || !*f.Vouched {
		t.Errorf("a known log beside an unknown one: %+v", f)
	}
	if f = set(early, []testLog{logA}); f.Vouched == nil || *f.Vouched {
		t.Errorf("no SCT: %+v", f)
	}
	// A log that is over counts for what it signed before, with others.
	if f = set(early, []testLog{logA, ended}, logA, ended); f.Chrome == nil || !*f.Chrome {
		t.Errorf("signed before the log's end: %+v", f)
	}
	if f = set(l.At.Add(-policyDay), []testLog{logA, ended}, logA, ended); f.Chrome == nil || *f.Chrome {
		t.Errorf("signed after the log's end: %+v", f)
	}
	// A log that was not accepted yet at the time of judgement may have been
	// in an older list.
	young := testLog{key: logB.key, operator: "B", state: "usable", since: "2027-01-01T00:00:00Z"}
	if f = set(late, []testLog{logA, young}, logA, young); f.Chrome != nil {
		t.Errorf("the list does not reach back: %+v", f)
	}
	if Set(input(t, l, issue(t, l, l.LeafTemplate(), early, logA)), nil) != nil {
		t.Error("Set of unknown SCTs is known")
	}
}
