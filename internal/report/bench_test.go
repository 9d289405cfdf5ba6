package report

import (
	"runtime"
	"testing"
)

// heapMiB reports the heap in use while a report is being written.
func heapMiB(b *testing.B) {
	b.StopTimer()
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapInuse)/(1<<20), "heap-MiB")
	b.StartTimer()
}
