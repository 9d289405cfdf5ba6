package cert

import "time"

// cpuLimit is the most that one certificate may cost, all parsers together: some
// times the 30 ms that the dearest takes on a fast machine, for slow ones, and for
// those whose caches others use. What is not guarded takes seconds.
func cpuLimit() time.Duration {
	if raceEnabled {
		return 10 * time.Second
	}
	return 250 * time.Millisecond
}

// cost is the processor time that f takes, as other programs use the machine, too:
// the least of some runs, as the collector of garbage runs when it likes.
func cost(f func()) time.Duration {
	least := time.Hour
	for range 5 {
		start := processorTime()
		f()
		least = min(least, processorTime()-start)
		if least < cpuLimit()/2 {
			break
		}
	}
	return least
}
