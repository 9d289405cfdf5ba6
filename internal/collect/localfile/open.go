package localfile

import (
	"context"
	"io"
	"os"
	"time"
)

// open opens a file until ctx ends. A named pipe cannot be opened before another
// program writes to it, which may be never, and may be silent afterwards.
func open(ctx context.Context, path string) (io.ReadCloser, error) {
	if info, err := os.Stat(path); err != nil || info.Mode().IsRegular() {
		return os.Open(path)
	}
	type opened struct {
		file *os.File
		err  error
	}
	done := make(chan opened, 1)
	go func() { // left behind where nobody comes: the process ends
		f, err := os.Open(path)
		done <- opened{f, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case o := <-done:
		if o.err != nil {
			return nil, o.err
		}
		p := &patient{ctx: ctx, File: o.file}
		p.stop = context.AfterFunc(ctx, func() { _ = p.SetReadDeadline(time.Unix(1, 0)) }) // of files that know none, a read goes on
		return p, nil
	}
}

// A patient file is read until its context ends.
type patient struct {
	*os.File
	ctx  context.Context
	stop func() bool
}

// Read gives the error of the context once that ended.
func (p *patient) Read(b []byte) (int, error) {
	n, err := p.File.Read(b)
	if err != nil && p.ctx.Err() != nil {
		err = p.ctx.Err()
	}
	return n, err
}

// Close forgets the context, too.
func (p *patient) Close() error {
	p.stop()
	return p.File.Close()
}
