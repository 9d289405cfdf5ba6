package evidence

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/zstd"
)

// A Writer writes a bundle as its subjects come, in memory that does not grow
// with their number. The same subjects in the same order give the same bytes.
// It is not for use by several goroutines at once.
type Writer struct {
	out     *sealer
	zw      *zstd.Encoder
	content hash.Hash // over the lines so far
	length  int64     // of the lines so far
	known   *memory
	buf     bytes.Buffer
	trailer wireTrailer
	limits  limits
	err     error // of the first write that failed; the bundle is lost then
}

// NewWriter starts a bundle on w. Nothing can be read from it before
// [Writer.Close].
func NewWriter(w io.Writer) *Writer { return newWriter(w, bundleLimits()) }

func newWriter(w io.Writer, lim limits) *Writer {
	out := &sealer{w: w, hash: sha256.New()}
	zw, err := zstd.NewWriter(out,
		zstd.WithEncoderConcurrency(1), // no goroutines: output depends on input alone
		zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithWindowSize(zstdWindow),
		zstd.WithEncoderCRC(true))
	if err != nil {
		panic("evidence: zstd refuses fixed options: " + err.Error())
	}
	b := &Writer{out: out, zw: zw, content: sha256.New(), known: newMemory(lim.remembered), limits: lim}
	if _, err := out.Write(bundleHead()); err != nil {
		b.err = fmt.Errorf("writing evidence bundle: %w", err)
	}
	if err := encodeLine(&b.buf, &wireLine{Format: BundleFormat}); err != nil {
		panic("evidence: cannot encode a constant: " + err.Error())
	}
	b.flush()
	return b
}

// Add writes one subject. A subject that is larger than a reader would accept is
// refused and leaves the bundle as it was; after any other error the bundle is
// lost and every later call gives the same error.
func (b *Writer) Add(s *Subject) error {
	if b.err != nil {
		return b.err
	}
	b.known.trim()
	subject, ders := toWire(s)
	fresh := b.fresh(ders)
	if err := b.encode(subject, fresh); err != nil {
		b.buf.Reset()
		return &BundleError{Problem: fmt.Sprintf("subject %.200q does not fit", s.ID), Err: err,
			Advice: "split the run, or leave this target out"}
	}
	for _, c := range fresh {
		b.known.add(c.SHA256, nil, len(c.DER))
	}
	b.trailer.Certificates += int64(len(fresh))
	b.trailer.Subjects++
	b.flush()
	return b.err
}

// fresh gives the certificates that have to be written before the subject.
func (b *Writer) fresh(ders []DER) []wireCertificate {
	var out []wireCertificate
	here := map[certSHA256]bool{}
	for _, der := range ders {
		hash := certSHA256(der.SHA256())
		if !b.known.has(hash) && !here[hash] {
			here[hash] = true
			out = append(out, wireCertificate{hash, der})
		}
	}
	return out
}

// encode puts the lines of one subject into the buffer.
func (b *Writer) encode(subject *wireSubject, fresh []wireCertificate) error {
	size := 0
	for i := range fresh {
		if size += len(fresh[i].DER) + perCertificate; size > b.limits.fresh {
			return fmt.Errorf("more than %d bytes of certificates", b.limits.fresh)
		}
		if err := b.line(&wireLine{Certificate: &fresh[i]}); err != nil {
			return err
		}
	}
	if err := b.line(&wireLine{Subject: subject}); err != nil {
		return err
	}
	// One line has to stay free for the trailer.
	if limit := b.limits.content - int64(b.limits.line); b.length+int64(b.buf.Len()) > limit {
		return fmt.Errorf("the bundle would hold more than %d bytes", limit)
	}
	return nil
}

// line puts one line into the buffer.
func (b *Writer) line(l *wireLine) error {
	start := b.buf.Len()
	if err := encodeLine(&b.buf, l); err != nil {
		return err
	}
	if n := b.buf.Len() - start; n > b.limits.line {
		return fmt.Errorf("line of %d bytes, the limit is %d", n, b.limits.line)
	}
	return nil
}

// flush compresses what is in the buffer.
func (b *Writer) flush() {
	defer b.buf.Reset()
	if b.err != nil {
		return
	}
	b.content.Write(b.buf.Bytes())
	b.length += int64(b.buf.Len())
	if _, err := b.zw.Write(b.buf.Bytes()); err != nil {
		b.err = fmt.Errorf("writing evidence bundle: %w", err)
	}
}

// Close ends the bundle with what the run was and seals it. A run that was
// interrupted is closed alike, with Complete false. Close does not close the
// file below; a bundle that was never closed is refused by every reader.
func (b *Writer) Close(run Run) error {
	if b.err != nil {
		return b.err
	}
	b.trailer.Run = run.toUTC()
	b.trailer.SHA256 = certSHA256(b.content.Sum(nil))
	if err := b.line(&wireLine{Trailer: &b.trailer}); err != nil {
		b.err = fmt.Errorf("writing trailer of evidence bundle: %w", err)
		return b.err
	}
	b.flush()
	if err := b.zw.Close(); b.err == nil && err != nil {
		b.err = fmt.Errorf("writing evidence bundle: %w", err)
	}
	if b.err == nil {
		b.err = b.out.seal()
	}
	if b.err != nil {
		return b.err
	}
	b.err = errClosed
	if b.length > b.limits.unpacked(b.out.size) {
		return &BundleError{Problem: fmt.Sprintf("%d bytes in a file of %d", b.length, b.out.size),
			Advice: "a reader would take this for a decompression bomb; split the run"}
	}
	return nil
}

var errClosed = errors.New("writing evidence bundle: it is closed")

// A sealer passes bytes on, and keeps their hash for the seal.
type sealer struct {
	w    io.Writer
	hash hash.Hash
	size int64
}

func (s *sealer) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.hash.Write(p[:n])
	s.size += int64(n)
	return n, err
}

func (s *sealer) seal() error {
	if _, err := s.Write(skippable(s.hash.Sum(nil))); err != nil {
		return fmt.Errorf("sealing evidence bundle: %w", err)
	}
	return nil
}
