package target

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
)

// MaxListErrors is the number of bad lines that are shown; the rest is
// counted. It stops a binary file from filling the screen.
const MaxListErrors = 20

// List reads targets one a line. Blank lines, "#" comments (at the start or
// after a space), CRLF and a byte order mark are understood. It yields either
// a target or an error that begins with "NAME:LINE: "; after a bad line it
// goes on with the next, after a read error it ends. It holds one line at a
// time.
func List(r io.Reader, name string, d Defaults) iter.Seq2[Spec, error] {
	return func(yield func(Spec, error) bool) {
		lines := bufio.NewReaderSize(r, 2*MaxLength)
		for number := 1; ; number++ {
			line, tooLong, err := readLine(lines)
			if err != nil && !errors.Is(err, io.EOF) {
				yield(Spec{}, fmt.Errorf("%s:%d: reading targets: %w", name, number, err))
				return
			}
			if number == 1 && isUTF16(line) {
				yield(Spec{}, fmt.Errorf("%s:1: is UTF-16; save the list as UTF-8", name))
				return
			}
			if !yieldLine(line, tooLong, fmt.Sprintf("%s:%d", name, number), d, yield) || err != nil {
				return
			}
		}
	}
}

func yieldLine(line []byte, tooLong bool, origin string, d Defaults, yield func(Spec, error) bool) bool {
	if tooLong {
		return yield(Spec{}, fmt.Errorf("%s: line is longer than %d bytes", origin, MaxLength))
	}
	text := withoutComment(string(bytes.TrimPrefix(line, []byte("\ufeff"))))
	if text == "" {
		return true
	}
	spec, err := Parse(text, d)
	if err != nil {
		return yield(Spec{}, fmt.Errorf("%s: %w", origin, err))
	}
	spec.target.Origin = origin
	return yield(spec, nil)
}

// readLine reads one line without its end. What is over the limit is skipped
// up to the end of the line. The slice holds until the next call.
func readLine(r *bufio.Reader) (line []byte, tooLong bool, err error) {
	line, err = r.ReadSlice('\n')
	for errors.Is(err, bufio.ErrBufferFull) {
		tooLong = true
		_, err = r.ReadSlice('\n')
	}
	return bytes.TrimRight(line, "\r\n"), tooLong || len(line) > MaxLength+2, err
}

func withoutComment(s string) string {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "#") {
		return ""
	}
	if i := strings.IndexAny(s, " \t"); i >= 0 && strings.HasPrefix(strings.TrimLeft(s[i:], " \t"), "#") {
		return s[:i]
	}
	return s
}

func isUTF16(line []byte) bool {
	return bytes.HasPrefix(line, []byte{0xff, 0xfe}) || bytes.HasPrefix(line, []byte{0xfe, 0xff})
}
