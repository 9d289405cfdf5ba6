//go:build unix

package servers

import "syscall"

// openFiles is how many files and sockets the system lets this process have open;
// 0 where it does not say.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	return uint64(limit.Cur) //nolint:unconvert // signed on some systems
}
