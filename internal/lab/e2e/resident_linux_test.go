package e2e

import (
	"os"
	"syscall"
)

// resident is the most memory that a program had, in KiB.
func resident(p *os.ProcessState) int64 {
	if usage, ok := p.SysUsage().(*syscall.Rusage); ok {
		return usage.Maxrss
	}
	return 0
}
