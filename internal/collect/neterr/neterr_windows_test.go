package neterr

import (
	"syscall"
	"testing"

	"golang.org/x/sys/windows"
)

// The numbers are those of the system.
func TestNumbers(t *testing.T) {
	for own, theirs := range map[syscall.Errno]syscall.Errno{
		wsaEMFILE: windows.WSAEMFILE, wsaEADDRINUSE: windows.WSAEADDRINUSE, wsaEADDRNOTAVAIL: windows.WSAEADDRNOTAVAIL, wsaENETDOWN: windows.WSAENETDOWN,
		wsaENETUNREACH: windows.WSAENETUNREACH, wsaENETRESET: windows.WSAENETRESET, wsaECONNABORTED: windows.WSAECONNABORTED, wsaECONNRESET: windows.WSAECONNRESET,
		wsaENOBUFS: windows.WSAENOBUFS, wsaESHUTDOWN: windows.WSAESHUTDOWN, wsaETIMEDOUT: windows.WSAETIMEDOUT, wsaECONNREFUSED: windows.WSAECONNREFUSED,
		wsaEHOSTDOWN: windows.WSAEHOSTDOWN, wsaEHOSTUNREACH: windows.WSAEHOSTUNREACH, errorBrokenPipe: windows.ERROR_BROKEN_PIPE, errorNetnameDeleted: windows.ERROR_NETNAME_DELETED,
	} {
		if own != theirs {
			t.Errorf("%d, want %d", int(own), int(theirs))
		}
	}
}
