package tlsdial

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/certassay/certassay/internal/evidence"
)

// errno is what a socket of this system says.
func errno(unix, winsock syscall.Errno) error {
	if runtime.GOOS == "windows" {
		return winsock
	}
	return unix
}

func opError(err error) error {
	return fmt.Errorf("dialling: %w", &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", err)})
}

func TestDialFailures(t *testing.T) {
	tests := []struct {
		name      string
		err       error
		transient bool
		stage     string
		hint      string
	}{
		{"refused", opError(errno(syscall.ECONNREFUSED, 10061)), false, evidence.StageDial, "nothing listens"},
		{"reset", opError(errno(syscall.ECONNRESET, 10054)), true, evidence.StageDial, ""},
		{"timeout", opError(errno(syscall.ETIMEDOUT, 10060)), true, evidence.StageDial, "no answer in time"},
		{"deadline", fmt.Errorf("x: %w", os.ErrDeadlineExceeded), true, evidence.StageDial, "no answer in time"},
		{"no route", opError(errno(syscall.EHOSTUNREACH, 10065)), false, evidence.StageDial, "no route"},
		{"no ports left", opError(errno(syscall.EADDRNOTAVAIL, 10049)), true, evidence.StageDial, "ran out of sockets"},
		{"no files left", opError(errno(syscall.EMFILE, 10024)), true, evidence.StageDial, "ran out of sockets"},
		{"interrupt", fmt.Errorf("x: %w", context.Canceled), false, evidence.StageCollect, "interrupted"},
		{"no turn", fmt.Errorf("%w: x", errWaiting), false, evidence.StageCollect, "--concurrency"},
		{"time used up", errTotal, false, evidence.StageCollect, "--timeout"},
		{"proxy wants a password", proxyRefusal(407), false, evidence.StageDial, "credentials"},
		{"proxy will not", proxyRefusal(403), false, evidence.StageDial, "would not"},
		{"proxy could not", proxyRefusal(503), true, evidence.StageDial, "would not"},
	}
	for _, tt := range tests {
		if got := transientDial(tt.err); got != tt.transient {
			t.Errorf("transientDial(%s) = %v, want %v", tt.name, got, tt.transient)
		}
		f := dialFailure(tt.err)
		if f.Stage != tt.stage || !strings.Contains(f.Hint, tt.hint) || f.Error == "" {
			t.Errorf("dialFailure(%s) = %+v, want stage %s and hint %q", tt.name, f, tt.stage, tt.hint)
		}
	}
}

func TestTroubleOf(t *testing.T) {
	for want, errs := range map[trouble][]error{
		fine:    {nil},
		flooded: {fmt.Errorf("x: %w", errFlood)},
		notTLS:  {errNotTLS, tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}},
		tooSlow: {os.ErrDeadlineExceeded},
		closed:  {io.EOF, io.ErrUnexpectedEOF, opError(errno(syscall.ECONNRESET, 10054)), opError(errno(syscall.EPIPE, 109))},
		refused: {errors.New("tls: anything else"), alertError{2, 40}, errUnproven},
	} {
		for _, err := range errs {
			if got := troubleOf(err); got != want {
				t.Errorf("troubleOf(%v) = %d, want %d", err, got, want)
			}
		}
	}
}

// The choice of the next profile, in all the ways an attempt can end.
func TestNextProfile(t *testing.T) {
	proven := evidence.Handshake{Possession: true}
	done := evidence.Handshake{Possession: true, Completed: true}
	silent := evidence.Handshake{Reset: true}
	tests := []struct {
		profile string
		attempt attempt
		want    string
	}{
		{profileFast, attempt{Handshake: proven}, ""},
		{profileFast, attempt{trouble: refused}, profileDefault},
		{profileFast, attempt{Handshake: silent, trouble: closed}, profileDefault},
		{profileFast, attempt{trouble: flooded}, ""},
		{profileDefault, attempt{Handshake: done}, ""},
		{profileDefault, attempt{Handshake: silent, trouble: closed}, profileClassical},
		{profileDefault, attempt{Handshake: silent, trouble: tooSlow}, profileClassical},
		{profileDefault, attempt{trouble: tooSlow}, ""},
		{profileDefault, attempt{trouble: closed}, profileLegacy},
		{profileDefault, attempt{trouble: refused}, profileLegacy},
		{profileDefault, attempt{trouble: notTLS}, ""},
		{profileDefault, attempt{trouble: flooded}, ""},
		{profileDefault, attempt{trouble: cancelled}, ""},
		{profileClassical, attempt{Handshake: done}, ""},
		{profileClassical, attempt{Handshake: silent, trouble: closed}, profileLegacy},
		{profileClassical, attempt{Handshake: silent, trouble: tooSlow}, ""},
		{profileClassical, attempt{trouble: refused}, profileLegacy},
		{profileLegacy, attempt{trouble: refused}, ""},
		{profileLegacy, attempt{trouble: refused, worth: true}, profileZcrypto},
		{profileZcrypto, attempt{trouble: refused, worth: true}, ""},
	}
	for _, tt := range tests {
		tt.attempt.Profile = tt.profile
		if got := tt.attempt.next(); got != tt.want {
			t.Errorf("after %s with %+v comes %q, want %q", tt.profile, tt.attempt, got, tt.want)
		}
	}
}
