package cli

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/expect/pinform"
)

// An export is one form in which pins are written.
type export struct {
	format pinform.Format
	path   string // empty for standard output
}

func (l *lesson) readExports() error {
	var errs []error
	stdout := 0
	for _, text := range l.exportText {
		name, path, _ := strings.Cut(text, "=")
		f, err := pinform.ParseFormat(name)
		if err != nil {
			errs = append(errs, fmt.Errorf("--export: %w", err))
			continue
		}
		if path == "-" {
			path = ""
		}
		if path == "" {
			stdout++
		} else if _, err := os.Stat(path); err == nil && !l.write {
			errs = append(errs, hint.With(fmt.Errorf("--export %s: the file is there already", text), "to write it anew: --write"))
		}
		l.exports = append(l.exports, export{f, path})
	}
	if stdout > 1 {
		errs = append(errs, hint.With(errors.New("several forms of pins would go to standard output"), "name files: --export FORMAT=FILE"))
	}
	return errors.Join(errs...)
}

// readBackups reads keys in reserve: pins, or files of pins, keys and
// certificates.
func (l *lesson) readBackups() error {
	var errs []error
	for _, text := range l.backupText {
		if p, err := expect.ParsePin(text); err == nil {
			p.Note = "in reserve"
			l.backups = append(l.backups, pinform.Pin{Pin: p})
			continue
		}
		_, f, err := readPins("", text, nil)
		if err != nil {
			errs = append(errs, fmt.Errorf("--backup: %w", err))
			continue
		}
		for _, set := range f.Sets {
			for _, p := range set.Pins {
				if p.Note == "" {
					p.Note = "in reserve"
				}
				l.backups = append(l.backups, p)
			}
		}
	}
	for _, p := range l.backups {
		if l.pin == pinIssuer && (p.Of != expect.SPKI || p.Hash != expect.SHA256) {
			errs = append(errs, fmt.Errorf("--backup %s: an issuer is pinned by the SHA-256 of its key", p.Pin))
		}
	}
	return errors.Join(errs...)
}

// readImport reads the file of pins.
func (l *lesson) readImport(stdin io.Reader) error {
	if l.importText == "" {
		return nil
	}
	format, path := pinform.Format(""), l.importText
	if name, rest, ok := strings.Cut(path, "="); ok {
		if f, err := pinform.ParseFormat(name); err == nil {
			format, path = f, rest
		}
	}
	_, f, err := readPins(format, path, stdin)
	if err != nil {
		return fmt.Errorf("--import: %w", err)
	}
	if l.imported, l.importedFrom = f, path; path == "-" {
		l.importedFrom = "standard input"
	}
	return nil
}

// readPins reads a file of pins. Without a format it is found.
func readPins(format pinform.Format, path string, stdin io.Reader) (pinform.Format, *pinform.File, error) {
	in := stdin
	if path != "-" || stdin == nil {
		file, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return "", nil, hint.With(fmt.Errorf("%q is no pin, and no file of that name is there", path), "a pin is sha256/ and 44 characters of base64")
		}
		if err != nil {
			return "", nil, fmt.Errorf("reading pins: %w", err)
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, pinform.MaxInput+1))
	if err != nil {
		return "", nil, fmt.Errorf("reading pins: %w", err)
	}
	if format == "" {
		if format, err = pinform.Detect(data); err != nil {
			return "", nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	f, err := pinform.Parse(format, data)
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", path, err)
	}
	return format, f, nil
}

// parsePEM reads the one certificate of a report.
func parsePEM(text string) *cert.Certificate {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil
	}
	return cert.Parse(block.Bytes)
}

// errChanged is for an inventory that somebody else wrote meanwhile.
var errChanged = errors.New("it was changed since it was read; nothing was written")

// replaceFile writes a file whole or not at all, where it still holds what it
// held. old is nil for one that must not be there.
func replaceFile(path string, old, text []byte) error {
	mode := fs.FileMode(0o644)
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // a link stays a link
	}
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer os.Remove(f.Name()) // gone already where it was renamed
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	now, err := os.ReadFile(path)
	switch {
	case old == nil && errors.Is(err, fs.ErrNotExist):
		// A link fails where somebody was faster.
		if err := os.Link(f.Name(), path); err == nil {
			return nil
		} else if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("writing %s: %w", path, errChanged)
		}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("writing %s: %w", path, err)
	case err != nil || old == nil || !bytes.Equal(now, old):
		return fmt.Errorf("writing %s: %w", path, errChanged)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
