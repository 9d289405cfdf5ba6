// Package call is one call of the program, and all that a command knows of the world
// outside by it: the standard streams, the environment, the clock, and the SSH servers
// that it dials from. A command that is given another call runs elsewhere, as in a
// test.
package call

import (
	"io"
	"os"
	"time"

	"github.com/certassay/certassay/internal/audit"
	"github.com/certassay/certassay/internal/config"
)

// Streams are the standard streams a command works on.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// Hangup has signals to read the configuration again come through a channel,
	// until what it gives is called. Nil has none come.
	Hangup func() (<-chan os.Signal, func())
}

// A Call is what all commands share. Make one with [New].
type Call struct {
	Streams Streams
	// Env is the environment; see package config, which alone reads it.
	Env config.Env
	// Around wraps standard output where a progress line shares the terminal.
	Around func(io.Writer) io.Writer
	// Jumps are the SSH servers that the run dials from. Who made the call closes
	// them.
	Jumps Jumps
	// Now is the clock of commands that judge nothing.
	Now func() time.Time
}

// New gives a call with these streams, this process's environment and the true time.
func New(streams Streams) *Call {
	return &Call{Streams: streams, Env: config.Environment, Around: func(w io.Writer) io.Writer { return w }, Now: audit.Now}
}
