// Package dest is where a command writes what it found: standard output, or a file that
// appears under its name when it is complete.
package dest

import (
	"bufio"
	"errors"
	"fmt"

	"github.com/certassay/certassay/internal/cli/call"
	"github.com/certassay/certassay/internal/cli/wholefile"
)

// A Dest is a destination that was opened. Either [Dest.Close] or [Dest.Discard] ends
// it.
type Dest struct {
	*bufio.Writer
	file *wholefile.File // nil for standard output
}

// Open opens a file, or standard output for "-".
func Open(c *call.Call, path string) (*Dest, error) {
	if path == "-" {
		return &Dest{Writer: bufio.NewWriter(c.Around(c.Streams.Out))}, nil
	}
	file, err := wholefile.Create(path)
	if err != nil {
		return nil, fmt.Errorf("writing report: %w", err)
	}
	return &Dest{bufio.NewWriter(file), file}, nil
}

// Show flushes what goes to standard output, where people wait for it.
func (d *Dest) Show() error {
	if d.file != nil {
		return nil
	}
	return d.Flush()
}

// Close writes what is left and gives a file its name. Standard output stays open.
func (d *Dest) Close() error {
	err := d.Flush()
	if d.file != nil {
		err = errors.Join(err, d.file.Complete())
	}
	return err
}

// Discard removes a file that was begun. What is wrong is being reported, so that it
// gives no error.
func (d *Dest) Discard() {
	if d.file != nil {
		_ = d.file.Abandon()
	}
}
