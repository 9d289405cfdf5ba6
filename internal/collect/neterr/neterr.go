// Package neterr sorts what the sockets of a system say went wrong, by what follows
// from it. On Windows they speak of it in numbers of Winsock: the constants that
// package syscall has there under the names of Unix are invented, and no socket
// gives one.
package neterr

import (
	"errors"
	"slices"
	"syscall"
)

// A table is which errors of a system mean what.
type table struct {
	dropped, exhausted, refused, unroutable, timeout []syscall.Errno
	exceeded                                         []syscall.Errno // among unroutable
}

// Winsock's numbers (https://learn.microsoft.com/windows/win32/winsock/windows-sockets-error-codes-2).
// They stand here for every system, so that every system tests them; package windows
// of golang.org/x/sys has the same.
const (
	wsaEMFILE        syscall.Errno = 10024
	wsaEADDRINUSE    syscall.Errno = 10048
	wsaEADDRNOTAVAIL syscall.Errno = 10049
	wsaENETDOWN      syscall.Errno = 10050
	wsaENETUNREACH   syscall.Errno = 10051
	wsaENETRESET     syscall.Errno = 10052
	wsaECONNABORTED  syscall.Errno = 10053
	wsaECONNRESET    syscall.Errno = 10054
	wsaENOBUFS       syscall.Errno = 10055
	wsaESHUTDOWN     syscall.Errno = 10058
	wsaETIMEDOUT     syscall.Errno = 10060
	wsaECONNREFUSED  syscall.Errno = 10061
	wsaEHOSTDOWN     syscall.Errno = 10064
	wsaEHOSTUNREACH  syscall.Errno = 10065
	// What Windows says of a pipe or a connection whose other end is gone.
	errorBrokenPipe     syscall.Errno = 109
	errorNetnameDeleted syscall.Errno = 64
)

// winsock is the table of Windows.
func winsock() table {
	return table{
		dropped:    []syscall.Errno{wsaECONNRESET, wsaECONNABORTED, wsaENETRESET, wsaESHUTDOWN, errorBrokenPipe, errorNetnameDeleted},
		exhausted:  []syscall.Errno{wsaEMFILE, wsaEADDRNOTAVAIL, wsaEADDRINUSE, wsaENOBUFS},
		refused:    []syscall.Errno{wsaECONNREFUSED},
		unroutable: []syscall.Errno{wsaEHOSTUNREACH, wsaENETUNREACH, wsaEHOSTDOWN, wsaENETDOWN},
		timeout:    []syscall.Errno{wsaETIMEDOUT},
		exceeded:   []syscall.Errno{wsaEHOSTUNREACH},
	}
}

// unix is the table of all other systems.
func unix() table {
	return table{
		dropped:    []syscall.Errno{syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED},
		exhausted:  []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.EADDRINUSE, syscall.ENOBUFS},
		refused:    []syscall.Errno{syscall.ECONNREFUSED},
		unroutable: []syscall.Errno{syscall.EHOSTUNREACH, syscall.ENETUNREACH},
		timeout:    []syscall.Errno{syscall.ETIMEDOUT},
		exceeded:   []syscall.Errno{syscall.EHOSTUNREACH},
	}
}

func among(err error, list []syscall.Errno) bool {
	return slices.ContainsFunc(list, func(e syscall.Errno) bool { return errors.Is(err, e) })
}

// Dropped says that a connection that stood was cut.
func Dropped(err error) bool { return among(err, system().dropped) }

// Exhausted says that this machine has no socket, port or buffer left.
func Exhausted(err error) bool { return among(err, system().exhausted) }

// Refused says that somebody answered that nobody listens there.
func Refused(err error) bool { return among(err, system().refused) }

// Unroutable says that no way leads there.
func Unroutable(err error) bool { return among(err, system().unroutable) }

// TimeExceeded says that packets came to the end of how far they may go: what systems
// make of that message (RFC 792, RFC 4443 section 3.3) is an unreachable host.
func TimeExceeded(err error) bool { return among(err, system().exceeded) }

// Timeout says that the system gave up waiting, which Windows does not tell by the
// method of that name.
func Timeout(err error) bool { return among(err, system().timeout) }
