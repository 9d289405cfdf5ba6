package starttls

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/certassay/certassay/internal/evidence"
)

// What is read of a server before TLS. Honest preambles stay a factor of ten
// below; a server that goes on without end is cut off.
const (
	// maxTotal bounds all bytes of one preamble.
	maxTotal = 64 << 10
	// maxLine bounds a line with its end: RFC 5321 has 512, RFC 9051 8192.
	maxLine = 8 << 10
	// maxLines bounds the lines of one preamble: banners and capabilities of
	// one byte each would otherwise cost a check for every two bytes.
	maxLines = 512
	// maxSaid bounds what is kept of what the server said.
	maxSaid = 512
	// maxQuoted bounds what an error quotes of one answer.
	maxQuoted = 120
)

// A conversation reads what a server says in the clear, within the limits.
type conversation struct {
	rw    io.ReadWriter
	host  string
	buf   []byte // received and not yet taken
	total int    // bytes received
	lines int    // lines taken
	said  []byte // the first bytes that were taken
}

func (c *conversation) send(what string) error {
	if _, err := io.WriteString(c.rw, what); err != nil {
		return fmt.Errorf("asking for TLS: %w", err)
	}
	return nil
}

// fill waits for at least one more byte.
func (c *conversation) fill() error {
	if c.total == maxTotal {
		return tooLong("the server sent over %d bytes before TLS", maxTotal)
	}
	chunk := make([]byte, min(1024, maxTotal-c.total))
	n, err := io.ReadAtLeast(c.rw, chunk, 1)
	c.buf = append(c.buf, chunk[:n]...)
	c.total += n
	if n > 0 {
		return nil // an error comes again with the next read
	}
	return fmt.Errorf("waiting for the server's answer: %w", err)
}

// take gives the next n bytes.
func (c *conversation) take(n int) ([]byte, error) {
	if n > maxTotal {
		return nil, tooLong("the server announced a message of %d bytes; the limit is %d", n, maxTotal)
	}
	for len(c.buf) < n {
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
	taken := c.buf[:n:n]
	c.buf = c.buf[n:]
	c.said = append(c.said, taken[:min(n, maxSaid-len(c.said))]...)
	return taken, nil
}

// ReadByte implements io.ByteReader.
func (c *conversation) ReadByte() (byte, error) {
	b, err := c.take(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// line gives the next line without its end, which may be a bare line feed.
func (c *conversation) line() (string, error) {
	if c.lines++; c.lines > maxLines {
		return "", tooLong("the server sent over %d lines before TLS", maxLines)
	}
	for {
		end := bytes.IndexByte(c.buf[:min(len(c.buf), maxLine)], '\n')
		if end >= 0 {
			b, err := c.take(end + 1)
			return strings.TrimRight(string(b), "\r\n"), err
		}
		if len(c.buf) >= maxLine {
			return "", tooLong("the server sent a line of over %d bytes, which begins %s", maxLine, quote(string(c.buf)))
		}
		if err := c.fill(); err != nil {
			return "", err
		}
	}
}

// transcript is what the server said, escaped.
func (c *conversation) transcript() string {
	said := strconv.Quote(string(c.said))
	return said[1 : len(said)-1]
}

// quote shortens and escapes what a server sent.
func quote(s string) string {
	if len(s) > maxQuoted {
		return strconv.Quote(s[:maxQuoted]) + "..."
	}
	return strconv.Quote(s)
}

func missing(format string, args ...any) error {
	return &Error{evidence.PreambleMissing, fmt.Sprintf(format, args...)}
}

func refused(format string, args ...any) error {
	return &Error{evidence.PreambleRefused, fmt.Sprintf(format, args...)}
}

func malformed(format string, args ...any) error {
	return &Error{evidence.PreambleMalformed, fmt.Sprintf(format, args...)}
}

func tooLong(format string, args ...any) error {
	return &Error{evidence.PreambleTooLong, fmt.Sprintf(format, args...)}
}
