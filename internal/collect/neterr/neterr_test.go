package neterr

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
)

// dialled is an error as package net gives it.
func dialled(e syscall.Errno) error {
	return fmt.Errorf("dialling: %w", &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", e)})
}

// Both systems tell every kind by at least one error, and none by two.
func TestTables(t *testing.T) {
	for name, table := range map[string]table{"winsock": winsock(), "unix": unix()} {
		kinds := [][]syscall.Errno{table.dropped, table.exhausted, table.refused, table.unroutable, table.timeout}
		for i, kind := range kinds {
			if len(kind) == 0 {
				t.Errorf("%s: kind %d is told by nothing", name, i)
			}
			for _, e := range kind {
				for j, other := range kinds {
					if got := among(dialled(e), other); got != (i == j) {
						t.Errorf("%s: %d of kind %d is of kind %d: %t", name, int(e), i, j, got)
					}
				}
			}
		}
		if len(table.exceeded) == 0 || slices.ContainsFunc(table.exceeded, func(e syscall.Errno) bool { return !slices.Contains(table.unroutable, e) }) {
			t.Errorf("%s: %v is not among what no way leads to", name, table.exceeded)
		}
	}
}

// What each number of Winsock means, by its number.
func TestWinsock(t *testing.T) {
	table := winsock()
	for number, kind := range map[syscall.Errno][]syscall.Errno{
		10054: table.dropped, 10053: table.dropped, 10061: table.refused, 10065: table.unroutable, 10051: table.unroutable,
		10024: table.exhausted, 10049: table.exhausted, 10048: table.exhausted, 10055: table.exhausted, 10060: table.timeout,
	} {
		if !slices.Contains(kind, number) {
			t.Errorf("%d is not of its kind %v", int(number), kind)
		}
	}
}

// A connection to a port that nobody listens on is refused on every system.
func TestRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = net.Dial("tcp", address)
	if !Refused(err) || Dropped(err) || Exhausted(err) || Unroutable(err) || Timeout(err) {
		t.Errorf("%v is not told to be refused, or to be something else", err)
	}
	if Refused(nil) || Refused(errors.New("refused")) {
		t.Error("no error of a socket is told to be refused")
	}
}
