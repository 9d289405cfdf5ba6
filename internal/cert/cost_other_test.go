//go:build !unix

package cert

import "time"

var started = time.Now()

// processorTime is the time that passed: there is no other here.
func processorTime() time.Duration { return time.Since(started) }
