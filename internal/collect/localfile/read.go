package localfile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/collect/capture"
	"github.com/certassay/certassay/internal/collect/sensorlog"
	"github.com/certassay/certassay/internal/evidence"
)

// Limits on what is read.
const (
	// MaxFile is the largest file in bytes: an endless device or pipe would
	// fill the memory.
	MaxFile = 64 << 20
	// MaxCertificate is the largest certificate in bytes.
	MaxCertificate = 1 << 20
	// MaxCertificates is the most certificates of one file; the largest public
	// collections have some ten thousand.
	MaxCertificates = 100_000
	// MaxFiles is the most files of one directory and those below it: a whole
	// disk named by mistake would keep the program busy for hours.
	MaxFiles = 100_000
	// MaxDepth is how deep directories are followed.
	MaxDepth = 32
	// MaxChain is the number of certificates up to which a file is always one
	// chain; see the package comment.
	MaxChain = 10
)

// Stdin is the path that means standard input.
const Stdin = "-"

// Options say where certificates go.
type Options struct {
	// Emit is called with each subject in order, as soon as it is read.
	Emit func(*evidence.Subject)
	// Beside is called, behind the subjects of a file, with one for each further
	// certificate of a server that stands in its chains and is no part of them.
	// It may be nil, for callers that want each certificate once.
	Beside func(*evidence.Subject)
	// Stdin is read for the path "-"; without it that path fails.
	Stdin io.Reader
	// Note is called with what was left out on purpose: private keys, other
	// blocks, trust settings, files of a directory that hold no certificate.
	// It may be nil. The texts hold nothing of the contents.
	Note func(path, text string)
	// Warn is called with what a person has to know beside what was read, such
	// as a key store whose integrity could not be checked. It may be nil.
	Warn func(Warning)
	// Stores says how key stores are read.
	Stores Stores
	// Divert is shown each file before it is read. It may peek at the start,
	// and takes the file by returning true, having read it. It may be nil. It
	// is how evidence bundles are told from certificates.
	Divert func(path string, r *bufio.Reader) (taken bool, err error)
}

// Read reads a file, a directory with all below it, or standard input. What
// cannot be opened or decoded becomes a subject with a failure. The error is
// that of the context or of Divert; the path "" is an error, too.
func Read(ctx context.Context, path string, o Options) error {
	if path == "" {
		return errors.New("reading certificates: the path is empty")
	}
	if o.Note == nil {
		o.Note = func(string, string) {}
	}
	if o.Warn == nil {
		o.Warn = func(Warning) {}
	}
	r := reader{Options: o, ctx: ctx, seen: map[string]bool{}}
	if path == Stdin {
		if o.Stdin == nil {
			r.failed(path, errors.New("standard input is not available"))
			return nil
		}
		return r.stream(path, o.Stdin)
	}
	info, err := os.Stat(path)
	if err != nil {
		r.failed(path, err)
		return nil
	}
	if !info.IsDir() {
		return r.file(path)
	}
	r.walking = true
	if r.root, err = resolve(path); err != nil {
		r.failed(path, err)
		return nil
	}
	if err := r.dir(path, 0); err != nil && !errors.Is(err, errFiles) {
		return err
	}
	if !r.emitted {
		r.emit(&evidence.Subject{ID: filepath.ToSlash(path), Target: filepath.ToSlash(path), Kind: evidence.Chain,
			Failures: []evidence.Failure{{Stage: evidence.StageDecode, Error: printable(path) + ": there is no certificate in this directory",
				Hint: "name the files, or another directory"}}})
	}
	return nil
}

type reader struct {
	Options
	ctx     context.Context
	walking bool            // within a directory
	root    string          // of the walk, symbolic links resolved
	seen    map[string]bool // targets of symbolic links read so far
	files   int
	emitted bool
}

func (r *reader) emit(s *evidence.Subject) {
	r.emitted = true
	r.Emit(s)
}

// failed emits a subject for what could not be read.
func (r *reader) failed(path string, err error) {
	slash := filepath.ToSlash(path)
	f := evidence.Failure{Stage: evidence.StageRead, Error: "reading " + printable(slash) + ": " + reason(err)}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.Hint = "check the name; a host is audited with \"certassay scan\""
	case errors.Is(err, fs.ErrPermission):
		f.Hint = "run as a user who may read it"
	}
	r.emit(&evidence.Subject{ID: slash, Target: slash, Kind: evidence.Chain, Failures: []evidence.Failure{f}})
}

// reason is the error without the operation and path that it repeats.
func reason(err error) string {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err.Error()
	}
	return err.Error()
}

func (r *reader) file(path string) error {
	f, err := open(r.ctx, path)
	if err != nil {
		if ended := r.ctx.Err(); ended != nil {
			return fmt.Errorf("reading %s: %w", printable(path), ended)
		}
		r.failed(path, err)
		return nil
	}
	defer f.Close()
	return r.stream(path, f)
}

func (r *reader) stream(path string, file io.Reader) error {
	if err := r.ctx.Err(); err != nil {
		return fmt.Errorf("reading %s: %w", printable(path), err)
	}
	buffered := bufio.NewReader(file)
	if r.Divert != nil {
		taken, err := r.Divert(path, buffered)
		if err != nil {
			return fmt.Errorf("reading %s: %w", printable(path), err)
		}
		if taken {
			r.emitted = true
			return nil
		}
	}
	in, err := unpacked(buffered)
	if err != nil {
		r.failed(path, err)
		return nil
	}
	if _, err := in.Peek(1); err != nil && r.ctx.Err() != nil {
		return fmt.Errorf("reading %s: %w", printable(path), r.ctx.Err())
	}
	if head, _ := in.Peek(capture.Prefix); capture.Is(head) {
		return capture.Read(r.ctx, filepath.ToSlash(path), in, r.emit)
	}
	if head, _ := in.Peek(sensorlog.Prefix); sensorlog.Kind(head) != sensorlog.None {
		return sensorlog.Read(r.ctx, sensorlog.Kind(head), filepath.ToSlash(path), in, beside(path), r.emit)
	}
	data, err := io.ReadAll(io.LimitReader(in, MaxFile+1))
	if err != nil && r.ctx.Err() != nil {
		return fmt.Errorf("reading %s: %w", printable(path), r.ctx.Err())
	}
	if err == nil && len(data) > MaxFile {
		err = fmt.Errorf("it is larger than %d MiB", MaxFile>>20)
	}
	if err != nil {
		r.failed(path, err)
		return nil
	}
	r.data(path, data)
	return nil
}

// unpacked gives what is in a gzip file, and any other as it is. What is read of
// it is bounded by its readers.
func unpacked(in *bufio.Reader) (*bufio.Reader, error) {
	if head, _ := in.Peek(2); string(head) != "\x1f\x8b" {
		return in, nil
	}
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	return bufio.NewReader(z), nil
}

// beside opens files of the directory that a file is in; there are none beside
// standard input.
func beside(path string) func(string) (io.ReadCloser, error) {
	if path == Stdin {
		return nil
	}
	return func(name string) (io.ReadCloser, error) {
		f, err := os.Open(filepath.Join(filepath.Dir(path), name))
		if err != nil {
			return nil, err
		}
		in, err := unpacked(bufio.NewReader(f))
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return struct {
			io.Reader
			io.Closer
		}{in, f}, nil
	}
}

// Taken is when the evidence was taken of a file that begins with head: the time
// of a capture's first packet, or of a log's first record. It is zero for files that do not say.
func Taken(head []byte) time.Time {
	in, err := unpacked(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		return time.Time{}
	}
	if start, _ := in.Peek(capture.Prefix); capture.Is(start) {
		return capture.Began(in)
	}
	text, _ := io.ReadAll(io.LimitReader(in, int64(4*len(head)))) // of a part of a gzip file there is a part
	return sensorlog.Began(text)
}

func (r *reader) data(path string, data []byte) {
	c := decode(filepath.ToSlash(path), data, r.Stores)
	for _, text := range c.notes {
		r.Note(path, text)
	}
	for _, w := range c.warnings {
		r.Warn(w)
	}
	// A README or a key beside certificates is no failed audit.
	if r.walking && c.empty() && !c.store && (c.other || !named(path)) {
		r.Note(path, "there is no certificate in it: skipped")
		return
	}
	subjects := c.subjects()
	for _, s := range subjects {
		r.emit(s)
	}
	if r.Beside != nil {
		for _, s := range c.beside(len(subjects)) {
			r.Beside(s)
		}
	}
}

// named says whether a file's name promises a certificate.
func named(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".pem", ".crt", ".cer", ".cert", ".der", ".p7b", ".p7c", ".p7s", ".p12", ".pfx", ".jks", ".jceks":
		return true
	}
	return false
}
