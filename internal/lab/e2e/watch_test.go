package e2e

import (
	"testing"
	"time"

	"github.com/certassay/certassay/internal/lab/kill"
)

// TestWatchKilled: no certificate is lost and none told twice, wherever "ct watch"
// is killed.
func TestWatchKilled(t *testing.T) {
	need(t)
	kill.Watch(t, binary, 100, 600*time.Millisecond)
}
