package evidence

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"

	"github.com/klauspost/compress/zstd"
)

// A Reader gives the subjects of a bundle whose every byte has been verified.
// It is not for use by several goroutines at once.
type Reader struct {
	file    io.ReadSeeker
	size    int64
	trailer wireTrailer
	limits  limits
}

// NewReader verifies a whole bundle before it gives anything of it: the seal, the
// decompression and its limits, every line, that each hash is that of its
// certificate and each reference resolves, the counts and the digest. Any fault
// is a [*BundleError]; there is no partial result. It reads file from its start
// to its end, wherever it stood; file has to stay as it is while the Reader is in
// use.
func NewReader(file io.ReadSeeker) (*Reader, error) { return newReader(file, bundleLimits()) }

func newReader(file io.ReadSeeker, lim limits) (*Reader, error) {
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("finding the end of evidence bundle: %w", err)
	}
	if err := verifySeal(file, size); err != nil {
		return nil, err
	}
	r := &Reader{file: file, size: size, limits: lim}
	trailer, err := r.scan(func(*Subject) bool { return true })
	if err != nil {
		return nil, err
	}
	r.trailer = *trailer
	return r, nil
}

// Run gives what the collection was. Complete is false where it was interrupted.
func (r *Reader) Run() Run { return r.trailer.Run }

// Len gives the number of subjects.
func (r *Reader) Len() int { return int(r.trailer.Subjects) }

// Digest names the evidence: the SHA-256 of the lines before the trailer.
func (r *Reader) Digest() string { return Hash(r.trailer.SHA256) }

// Subjects gives the subjects in the order written. An error ends it, with a nil
// subject: the file was changed or became unreadable after [NewReader] verified
// it, so that nothing given before can be relied on. Subjects share the bytes of
// certificates; they must not be changed.
func (r *Reader) Subjects() iter.Seq2[*Subject, error] {
	return func(yield func(*Subject, error) bool) {
		trailer, err := r.scan(func(s *Subject) bool { return yield(s, nil) })
		switch {
		case errors.Is(err, errStopped):
		case err != nil:
			yield(nil, err)
		case trailer.SHA256 != r.trailer.SHA256:
			yield(nil, damaged("the file was changed while it was read"))
		}
	}
}

// verifySeal compares the file with the hash at its end.
func verifySeal(file io.ReadSeeker, size int64) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("reading evidence bundle: %w", err)
	}
	prefix := make([]byte, min(size, int64(BundlePrefix)))
	if _, err := io.ReadFull(file, prefix); err != nil {
		return fmt.Errorf("reading evidence bundle: %w", err)
	}
	head := bundleHead()
	switch {
	case size < int64(len(head)+sealSize) && bytes.HasPrefix(head, prefix):
		return damaged("the file ends after %d bytes", size)
	case !IsBundle(prefix):
		return &BundleError{Problem: "the file does not start like one",
			Advice: `bundles are written with "certassay scan --evidence FILE"`}
	case !bytes.Equal(prefix, head):
		return &BundleError{Problem: fmt.Sprintf("it is of another version than %s", BundleFormat),
			Advice: "use the certassay that wrote it, or a newer one"}
	}
	sum := sha256.New()
	sum.Write(prefix)
	if _, err := io.CopyN(sum, file, size-int64(len(head))-sealSize); err != nil {
		return fmt.Errorf("reading evidence bundle: %w", err)
	}
	seal := make([]byte, sealSize)
	if _, err := io.ReadFull(file, seal); err != nil {
		return fmt.Errorf("reading seal of evidence bundle: %w", err)
	}
	if !bytes.Equal(seal, skippable(sum.Sum(nil))) {
		return damaged("the file was cut short or changed: its bytes do not match the seal at its end")
	}
	return nil
}

// scan reads everything between head and seal and gives each subject to visit,
// until that returns false.
func (r *Reader) scan(visit func(*Subject) bool) (*wireTrailer, error) {
	head := int64(len(bundleHead()))
	if _, err := r.file.Seek(head, io.SeekStart); err != nil {
		return nil, fmt.Errorf("reading evidence bundle: %w", err)
	}
	zr, err := zstd.NewReader(io.LimitReader(r.file, r.size-head-sealSize),
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(zstdWindow))
	if err != nil {
		return nil, damaged("%v", err)
	}
	defer zr.Close()
	limit := r.limits.unpacked(r.size)
	s := &scanner{
		lines:   bufio.NewReaderSize(&io.LimitedReader{R: zr, N: limit + 1}, 64<<10),
		limits:  r.limits,
		limit:   limit,
		content: sha256.New(),
		known:   newMemory(r.limits.remembered),
	}
	return s.run(visit)
}

// errStopped says that visit wanted no more.
var errStopped = errors.New("stopped")

// A scanner is one pass over the lines of a bundle.
type scanner struct {
	lines   *bufio.Reader
	limits  limits
	limit   int64 // of the lines together
	length  int64 // of the lines so far
	number  int64 // of the current line
	buf     []byte
	scratch bytes.Buffer
	content hash.Hash // over the lines before the current one
	known   *memory
	// fresh are the certificates that the next subject has to name, in order.
	fresh     []certSHA256
	freshSize int
	counted   wireTrailer
}

// run reads all lines: format, certificates and subjects, trailer, and nothing
// after it.
func (s *scanner) run(visit func(*Subject) bool) (*wireTrailer, error) {
	for {
		l, err := s.next()
		if err != nil {
			return nil, err
		}
		if (s.number == 1) != (l.Format != "") {
			return nil, foreign(s.number, errors.New("the format line is missing or misplaced"))
		}
		switch {
		case l.Format != "":
			if l.Format != BundleFormat {
				err = fmt.Errorf("format is %.80q, want %q", l.Format, BundleFormat)
			}
		case l.Certificate != nil:
			err = s.certificate(l.Certificate)
		case l.Subject != nil:
			err = s.subject(l.Subject, visit)
		case l.Trailer != nil:
			return l.Trailer, s.end(l.Trailer)
		}
		if errors.Is(err, errStopped) {
			return nil, err
		}
		if err != nil {
			return nil, foreign(s.number, err)
		}
		s.content.Write(s.buf)
	}
}

// next reads one line, whole, into s.buf.
func (s *scanner) next() (*wireLine, error) {
	s.number++
	s.buf = s.buf[:0]
	for {
		part, err := s.lines.ReadSlice('\n')
		s.buf = append(s.buf, part...)
		s.length += int64(len(part))
		switch {
		case s.length > s.limit:
			return nil, foreign(s.number, fmt.Errorf("more than %d bytes unpacked, which is out of proportion to the file", s.limit))
		case len(s.buf) > s.limits.line:
			return nil, foreign(s.number, fmt.Errorf("longer than %d bytes", s.limits.line))
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			return nil, damaged("line %d: the contents end without a trailer", s.number)
		case err != nil:
			return nil, damaged("line %d: unpacking: %v", s.number, err)
		}
		l, err := decodeLine(s.buf, &s.scratch)
		if err != nil {
			return nil, foreign(s.number, err)
		}
		if !l.single() {
			return nil, foreign(s.number, errors.New("a line says one thing, this one does not"))
		}
		return l, nil
	}
}

// single says whether exactly one field is set.
func (l *wireLine) single() bool {
	n := 0
	for _, set := range []bool{l.Format != "", l.Certificate != nil, l.Subject != nil, l.Trailer != nil} {
		if set {
			n++
		}
	}
	return n == 1
}

func (s *scanner) certificate(c *wireCertificate) error {
	if got := certSHA256(sha256.Sum256(c.DER)); got != c.SHA256 {
		return fmt.Errorf("certificate is %s, said to be %s", Hash(got), Hash(c.SHA256))
	}
	if s.known.has(c.SHA256) {
		return fmt.Errorf("certificate %s was given before", Hash(c.SHA256))
	}
	if s.freshSize += len(c.DER) + perCertificate; s.freshSize > s.limits.fresh {
		return fmt.Errorf("more than %d bytes of certificates before a subject", s.limits.fresh)
	}
	s.known.add(c.SHA256, DER(c.DER), len(c.DER))
	s.fresh = append(s.fresh, c.SHA256)
	s.counted.Certificates++
	return nil
}

func (s *scanner) subject(w *wireSubject, visit func(*Subject) bool) error {
	subject, err := fromWire(w, s.lookup)
	if err != nil {
		return err
	}
	if len(s.fresh) > 0 {
		return fmt.Errorf("certificate %s stands before a subject that does not have it", Hash(s.fresh[0]))
	}
	s.freshSize = 0
	s.counted.Subjects++
	s.known.trim()
	if !visit(subject) {
		return errStopped
	}
	return nil
}

// lookup resolves a reference, and ticks it off if it is the next fresh one.
func (s *scanner) lookup(hash certSHA256) (DER, error) {
	der, ok := s.known.held[hash]
	if !ok {
		return nil, fmt.Errorf("certificate %s is named but was not given", Hash(hash))
	}
	if len(s.fresh) > 0 && s.fresh[0] == hash {
		s.fresh = s.fresh[1:]
	}
	return der, nil
}

// end checks the trailer and that nothing follows it.
func (s *scanner) end(t *wireTrailer) error {
	var sum certSHA256
	s.content.Sum(sum[:0])
	switch {
	case len(s.fresh) > 0:
		return foreign(s.number, fmt.Errorf("certificate %s belongs to no subject", Hash(s.fresh[0])))
	case t.Subjects != s.counted.Subjects || t.Certificates != s.counted.Certificates:
		return foreign(s.number, fmt.Errorf("%d subjects and %d certificates are announced, %d and %d are there",
			t.Subjects, t.Certificates, s.counted.Subjects, s.counted.Certificates))
	case t.SHA256 != sum:
		return foreign(s.number, errors.New("the digest of the contents does not match"))
	}
	switch _, err := s.lines.ReadByte(); {
	case err == nil:
		return foreign(s.number, errors.New("something follows the trailer"))
	case !errors.Is(err, io.EOF):
		return damaged("unpacking after the trailer: %v", err)
	}
	return nil
}
