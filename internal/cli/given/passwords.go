package given

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/collect/keystore"
)

// maxPasswordFile stops a mistaken path from being read into memory.
const maxPasswordFile = 64 << 10

// Passwords reads the passwords of key stores, one a line. No error repeats
// anything of a file.
func Passwords(paths []string) ([]string, error) {
	var out []string
	var errs []error
	for _, path := range paths {
		text, err := readPasswordFile(path)
		if err != nil {
			errs = append(errs, fmt.Errorf("reading passwords: %w", err))
		}
		for line := range bytes.Lines(text) {
			// Blanks may be part of a password, line ends are not.
			if line := strings.TrimRight(string(line), "\r\n"); line != "" {
				out = append(out, line)
			}
		}
	}
	if len(out) > keystore.MaxPasswords {
		errs = append(errs, hint.With(fmt.Errorf("reading passwords: %d are more than the %d that are tried", len(out), keystore.MaxPasswords),
			"a file holds passwords, one a line, and nothing else"))
	}
	return out, errors.Join(errs...)
}

func readPasswordFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxPasswordFile+1))
	if len(text) > maxPasswordFile {
		text, err = nil, errors.Join(err, fmt.Errorf("%s is larger than %d KiB", path, maxPasswordFile>>10))
	}
	return text, errors.Join(err, f.Close())
}
