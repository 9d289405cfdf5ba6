package ct

import (
	"slices"
	"time"
)

// Changes are what a newer list says otherwise than an older one.
type Changes struct {
	// Added and Removed are logs that only the newer or only the older has.
	Added, Removed []*Log
	// Changed are logs that have another state now.
	Changed []StateChange
}

// A StateChange is a log with what two lists call it.
type StateChange struct {
	Log      *Log
	From, To State
}

// Compare tells what changed from l to newer, by the time now, in the order of the
// lists. Logs of l that mind does not ask about may be absent; nil asks about all.
func (l *LogList) Compare(newer *LogList, now time.Time, mind func(*Log) bool) (c Changes) {
	for _, old := range l.Logs() {
		log := newer.Log(old.ID)
		switch {
		case log != nil:
			if from, to := old.StateAt(now), log.StateAt(now); from != to {
				c.Changed = append(c.Changed, StateChange{log, from, to})
			}
		case mind == nil || mind(old):
			c.Removed = append(c.Removed, old)
		}
	}
	c.Added = slices.DeleteFunc(slices.Clone(newer.Logs()), func(log *Log) bool { return l.Log(log.ID) != nil })
	return c
}
