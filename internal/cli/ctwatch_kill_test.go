package cli

import (
	"testing"
	"time"

	"github.com/certassay/certassay/internal/lab/kill"
)

// The ten kills of every test run; internal/lab/e2e has a hundred.
func TestWatchKilled(t *testing.T) {
	kill.Watch(t, "certassay", 10, time.Second)
}
