package notify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/store"
)

// Command is a program that is started for each notification.
type Command struct {
	// Args are the program and its arguments, as they are: no shell reads them,
	// and nothing is put into them.
	Args []string
	// Timeout is the time after which the program is killed. Default 30 s.
	Timeout time.Duration
}

type command struct {
	Command
	name, path string
}

// maxOutput is what is kept of a program's output for the error message.
const maxOutput = 2000

// NewCommand checks c. The program gets the notification as one line of JSON on
// standard input, its id in the variable CERTASSAY_NOTIFICATION and its kind in
// CERTASSAY_KIND; exit status 0 means that it was taken. What it writes is not
// kept unless it fails.
func NewCommand(c Command) (Receiver, error) {
	if len(c.Args) == 0 || c.Args[0] == "" {
		return nil, errors.New("a command has to name a program")
	}
	path, err := exec.LookPath(c.Args[0])
	if err != nil {
		return nil, fmt.Errorf("looking for the program to notify: %w", err)
	}
	if c.Timeout <= 0 {
		c.Timeout = 30 * time.Second
	}
	sum := sha256.Sum256([]byte(strings.Join(c.Args, "\x00")))
	return &command{Command: c, path: path, name: fmt.Sprintf("exec %s (%x)", filepath.Base(path), sum[:4])}, nil
}

func (c *command) Name() string { return c.name }
func (c *command) most() int    { return 1 }

func (c *command) deliver(ctx context.Context, offset int64, batch []store.Delivery) (int, int64, error) {
	if err := c.run(ctx, &batch[0]); err != nil {
		return 0, offset, err
	}
	return 1, offset, nil
}

func (c *command) run(ctx context.Context, d *store.Delivery) error {
	timed, cancel := context.WithTimeoutCause(ctx, c.Timeout, fmt.Errorf("killed after %s", c.Timeout))
	defer cancel()
	cmd := exec.CommandContext(timed, c.path, c.Args[1:]...)
	cmd.Stdin = strings.NewReader(string(d.Body) + "\n")
	// Both are of our own letters: nothing of a certificate gets into them.
	cmd.Env = append(cmd.Environ(), "CERTASSAY_NOTIFICATION="+d.ID, "CERTASSAY_KIND="+d.Kind)
	var output bounded
	cmd.Stdout, cmd.Stderr = &output, &output
	// A child of the program that keeps the output open must not keep us.
	cmd.WaitDelay = 2 * time.Second
	err := cmd.Run()
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay): // it ended with 0, its child did not
		return nil
	case timed.Err() != nil:
		err = context.Cause(timed)
	}
	if output.text.Len() > 0 {
		return fmt.Errorf("%w: %s", err, strconv.Quote(output.text.String()))
	}
	return err
}

// A bounded buffer takes everything and keeps the beginning.
type bounded struct{ text bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if room := maxOutput - b.text.Len(); room > 0 {
		b.text.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
