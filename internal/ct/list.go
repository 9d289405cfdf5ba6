package ct

import "time"

// A LogList is logs by their id. It never changes once made and is safe for
// concurrent use. A nil list is one without logs.
type LogList struct {
	// Date is when the list was made; zero where it does not say.
	Date time.Time
	// Version is what the list calls itself; empty where it does not.
	Version  string
	logs     map[[32]byte]*Log
	order    []*Log
	unusable []error
	own      int    // how many of order the owner named
	private  []*Log // the owner's, where they are none but the owner's own
}

// Log gives the log with this id, nil where the list has none.
func (l *LogList) Log(id [32]byte) *Log {
	if l == nil {
		return nil
	}
	return l.logs[id]
}

// Logs lists the logs in the order of the list. The slice must not be changed.
func (l *LogList) Logs() []*Log {
	if l == nil {
		return nil
	}
	return l.order
}

// Unusable lists the logs that were left out because their keys cannot be used,
// and why.
func (l *LogList) Unusable() []error {
	if l == nil {
		return nil
	}
	return l.unusable
}

// Own is how many of the logs an owner named, see [Join]; they come first.
func (l *LogList) Own() int {
	if l == nil {
		return 0
	}
	return l.own
}

func (l *LogList) add(log *Log) {
	if l.logs == nil {
		l.logs = map[[32]byte]*Log{}
	}
	l.logs[log.ID] = log
	l.order = append(l.order, log)
}

// Join puts an owner's list before another one: what the owner says of a log
// holds, and the logs that only the other names stay known, because a list for
// today's browsers leaves out the logs of yesterday's certificates. Date and
// Version are the owner's.
//
// Where none of the owner's logs is in the other list, they are logs of the
// owner's own: see [LogList.Due].
func Join(owner, known *LogList) *LogList {
	out := &LogList{Date: owner.Date, Version: owner.Version, unusable: owner.unusable}
	disjoint := true
	for _, log := range owner.Logs() {
		out.add(log)
		disjoint = disjoint && known.Log(log.ID) == nil
	}
	out.own = len(out.order)
	for _, log := range known.Logs() {
		if out.logs[log.ID] == nil {
			out.add(log)
		}
	}
	if disjoint {
		out.private = owner.Logs()
	}
	return out
}

// Due says whether a certificate of the owner's with this validity was to be
// logged in the owner's own logs: the list names such logs, and one of them was
// accepted when the certificate began and takes certificates that end then.
//
// A list that names even one public log says nothing: public logs take only
// what chains to public roots, so that such a list is no statement on the
// owner's own CAs.
func (l *LogList) Due(notBefore, notAfter time.Time) bool {
	if l == nil {
		return false
	}
	for _, log := range l.private {
		within, known := log.Accepts(notAfter)
		if state := log.StateAt(notBefore); (within || !known) && (state == Qualified || state == Usable) {
			return true
		}
	}
	return false
}
