//go:build unix

package localfile

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/evidence"
)

// An interrupt ends the wait for who writes to a named pipe, and for what he writes.
func TestInterruptedPipe(t *testing.T) {
	for _, tt := range []struct {
		name   string
		writes bool // somebody opens it, and says nothing
	}{{"nobody", false}, {"somebody silent", true}} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "pipe")
			if err := syscall.Mkfifo(path, 0o600); err != nil {
				t.Skipf("no named pipes here: %v", err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			if tt.writes {
				go func() {
					f, err := os.OpenFile(path, os.O_WRONLY, 0)
					if err != nil {
						t.Error(err)
						return
					}
					cancel() // the reader is there
					<-ctx.Done()
					<-t.Context().Done()
					f.Close()
				}()
			} else {
				time.AfterFunc(20*time.Millisecond, cancel)
			}
			ended := make(chan error, 1)
			go func() {
				ended <- Read(ctx, path, Options{Emit: func(s *evidence.Subject) { t.Errorf("emitted %+v", s) }})
			}()
			select {
			case err := <-ended:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("Read = %v, want the interrupt", err)
				}
			case <-time.After(2 * time.Minute):
				t.Fatal("an interrupt does not end it")
			}
		})
	}
}

// What comes through a named pipe is read whole.
func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	go func() {
		if err := os.WriteFile(path, []byte("whatever"), 0); err != nil {
			t.Error(err)
		}
	}()
	f, err := open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(f); err != nil || string(got) != "whatever" {
		t.Errorf("read %q, %v", got, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
