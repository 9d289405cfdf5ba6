package ct

import (
	"testing"
	"time"
)

func TestCompare(t *testing.T) {
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	log := func(name string, state State, since time.Time) *Log {
		l := NewLog(name, []byte(name), false, "", "")
		l.States = []Change{{state, since}}
		return l
	}
	then := now.AddDate(-1, 0, 0)
	old := NewList([]*Log{log("a", Usable, then), log("b", Usable, then), log("c", Retired, then), log("d", Usable, then)})
	newer := NewList([]*Log{log("e", Qualified, then), log("b", ReadOnly, now.Add(-time.Hour)), log("a", Usable, then), log("d", Retired, now.Add(time.Hour))})
	names := func(logs []*Log) (s string) {
		for _, l := range logs {
			s += l.Name
		}
		return s
	}
	c := old.Compare(newer, now, nil)
	if names(c.Added) != "e" || names(c.Removed) != "c" || len(c.Changed) != 2 {
		t.Errorf("changes = %+v", c)
	}
	if got := c.Changed[0]; got.Log.Name != "b" || got.From != Usable || got.To != ReadOnly {
		t.Errorf("change = %+v", got)
	}
	if c := old.Compare(newer, now, func(l *Log) bool { return !l.StateAt(now).Over() }); len(c.Removed) != 0 {
		t.Errorf("a retired log is missed: %v", c.Removed)
	}
	if c := (*LogList)(nil).Compare(newer, now, nil); len(c.Added) != 4 {
		t.Errorf("against no list: %+v", c)
	}
}
