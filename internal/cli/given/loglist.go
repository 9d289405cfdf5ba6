package given

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/ct"
)

// LogList reads the list of logs that the user names, and puts it before the
// embedded one; without a path it is the embedded one. Where a detached
// signature lies beside it, FILE.sig as Google publishes it, that has to be
// Google's.
func LogList(path string) (*ct.LogList, error) {
	if path == "" {
		return ct.Known(), nil
	}
	text, err := Bounded(path, ct.MaxListSize)
	if err != nil {
		return nil, fmt.Errorf("reading log list: %w", err)
	}
	signature, err := Bounded(path+".sig", maxListSignature)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("reading signature of log list: %w", err)
	default:
		if err := ct.CheckListSignature(text, signature, ""); err != nil {
			return nil, hint.With(fmt.Errorf("%s: %w", path, err), "the signature beside the list is not Google's for these bytes: fetch both again, or remove "+path+".sig if the list is your own")
		}
	}
	list, err := ct.ParseList(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(list.Logs()) == 0 {
		return nil, hint.With(fmt.Errorf("%s: reading log list: it names no log", path), "leave out --log-list to judge by the embedded list")
	}
	return ct.Join(list, ct.Known()), nil
}

// maxListSignature bounds FILE.sig; an RSA signature of 4096 bits has 512 bytes.
const maxListSignature = 4096

// Bounded reads a file of at most limit bytes: a device or a pipe without
// end must not fill memory.
func Bounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return b, err
}

// LogListDate is the list's date as reports state it.
func LogListDate(l *ct.LogList) string {
	if l == nil || l.Date.IsZero() {
		return "-"
	}
	return l.Date.UTC().Format(time.DateOnly)
}
