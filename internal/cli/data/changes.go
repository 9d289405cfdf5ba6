package data

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/cli/given"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/report"
)

// logFaults say what speaks against a newer list of logs. minds says which logs may
// not be lost; known that the older list is the program's, which has logs of every
// program there ever was, so that its length says nothing.
func logFaults(old, list *ct.LogList, now time.Time, minds func(*ct.Log) bool, known bool) (faults []string) {
	switch {
	case list.Date.IsZero():
		faults = append(faults, "it does not say of when it is")
	case list.Date.After(now.Add(ahead)):
		faults = append(faults, fmt.Sprintf("it is of %s, which is to come", given.LogListDate(list)))
	case list.Date.Before(old.Date):
		faults = append(faults, fmt.Sprintf("it is of %s, and the one in use of %s", given.LogListDate(list), given.LogListDate(old)))
	}
	if lost := old.Compare(list, now, minds).Removed; len(lost) > 0 {
		faults = append(faults, fmt.Sprintf("it lost %d logs that are not over: %s", len(lost), logNames(lost)))
	}
	if was, is := len(old.Logs()), len(list.Logs()); !known && was-is > was/shrinkShare {
		faults = append(faults, fmt.Sprintf("it shrank from %d logs to %d", was, is))
	}
	return faults
}

// maxNamed is how many logs are named before the rest is counted.
const maxNamed = 50

func logNames(logs []*ct.Log) string {
	var names []string
	for i, l := range logs {
		if i == maxNamed {
			names = append(names, fmt.Sprintf("and %d more", len(logs)-i))
			break
		}
		names = append(names, report.Escape(l.Name))
	}
	return strings.Join(names, ", ")
}

// printLogChanges says what a newer list says otherwise. Logs that only the
// program's own list has stay known, and are not called removed.
func printLogChanges(w io.Writer, old, list *ct.LogList, now time.Time, known bool) {
	fmt.Fprintf(w, "logs: %d of %s, before: %d of %s\n", len(list.Logs()), given.LogListDate(list), len(old.Logs()), given.LogListDate(old))
	c := old.Compare(list, now, func(*ct.Log) bool { return !known })
	n := 0
	line := func(what, text string) {
		if n++; n <= maxNamed {
			fmt.Fprintf(w, "  %-8s %s\n", what, text)
		}
	}
	for _, l := range c.Added {
		line("added", fmt.Sprintf("%s (%s), %s", report.Escape(l.Name), report.Escape(l.Operator()), l.StateAt(now)))
	}
	for _, l := range c.Removed {
		line("removed", fmt.Sprintf("%s (%s), %s", report.Escape(l.Name), report.Escape(l.Operator()), l.StateAt(now)))
	}
	for _, s := range c.Changed {
		line("changed", fmt.Sprintf("%s: %s -> %s", report.Escape(s.Log.Name), state(s.From), state(s.To)))
	}
	switch {
	case n == 0:
		fmt.Fprintln(w, "  nothing changed")
	case n > maxNamed:
		fmt.Fprintf(w, "  and %d more\n", n-maxNamed)
	}
}

func state(s ct.State) string {
	if s == "" {
		return "none"
	}
	return report.Escape(string(s))
}

func printCAChanges(w io.Writer, all, added, lost int, now time.Time) {
	fmt.Fprintf(w, "ca-data: %d CA certificates of %s: %d added, %d no longer there\n", all, now.UTC().Format(time.DateOnly), added, lost)
}
