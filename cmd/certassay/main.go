// A negative serial number is a sign of some forging tools. Without this,
// crypto/x509 refuses such a certificate, and crypto/tls the handshake that
// delivers it.
//go:debug x509negativeserial=1

// Command certassay finds forged TLS certificates. See the README, or run it
// with --help.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/certassay/certassay/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks for the partial report, a second one kills.
	context.AfterFunc(ctx, stop)
	code := cli.Run(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Hangup: hangup})
	stop()
	os.Exit(code)
}

// hangup has SIGHUP no longer end the program, which is for daemons alone.
func hangup() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}
