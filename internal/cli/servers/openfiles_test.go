package servers

import "testing"

// A run keeps within the sockets that the system grants, and always goes on.
func TestWithin(t *testing.T) {
	for _, c := range []struct {
		concurrency int
		files       uint64
		want        int
	}{
		{64, 0, 64}, {64, 256, 64}, {1000, 256, 96}, {10_000, 1024, 480}, {10_000, 1 << 62, 10_000}, {64, 65, 1}, {64, 10, 1}, {1, 1024, 1},
	} {
		if got := within(c.concurrency, c.files); got != c.want {
			t.Errorf("within(%d, %d) = %d, want %d", c.concurrency, c.files, got, c.want)
		}
	}
}
