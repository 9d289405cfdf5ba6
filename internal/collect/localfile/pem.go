package localfile

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
)

// A block is one armoured block of a PEM file (RFC 7468), or what is left of
// one.
type block struct {
	number int // from 1
	line   int // of its BEGIN line, from 1
	label  string
	bytes  []byte
	err    error
}

var (
	beginMark = []byte("-----BEGIN ")
	endMark   = []byte("-----END ")
	markEnd   = []byte("-----")
)

// blocks finds all blocks. It is laxer than encoding/pem: marks may be indented,
// a BEGIN may follow an END on its line, padding and the empty line after
// headers may be missing, and a block that is broken has an error instead of
// being left out.
func blocks(data []byte) (out []block) {
	var open *block
	var body [][]byte
	done := func(err error) {
		if open == nil {
			return
		}
		open.number = len(out) + 1
		if open.err = err; err == nil {
			open.bytes, open.err = decodeBody(body)
		}
		out, open = append(out, *open), nil
	}
	for number := 1; len(data) > 0; number++ {
		var line []byte
		line, data, _ = bytes.Cut(data, []byte("\n"))
		line = bytes.TrimSpace(line)
		if label, rest, ok := mark(line, endMark); ok {
			switch {
			case open == nil:
			case label != open.label:
				done(errors.New("it ends as another kind of block"))
			default:
				done(nil)
			}
			line = rest
		}
		if label, _, ok := mark(line, beginMark); ok {
			done(errors.New("it does not end before the next one begins"))
			open, body = &block{line: number, label: label}, nil
			continue
		}
		if open != nil {
			body = append(body, line)
		}
	}
	done(errors.New("it does not end"))
	return out
}

// mark reads a BEGIN or END line. Only what RFC 7468 allows is a label, so that
// a header or a line of text is not taken for a mark.
func mark(line, prefix []byte) (label string, rest []byte, ok bool) {
	text, ok := bytes.CutPrefix(line, prefix)
	if !ok {
		return "", nil, false
	}
	name, rest, ok := bytes.Cut(text, markEnd)
	if !ok || len(name) > 64 || bytes.ContainsFunc(name, notInLabel) {
		return "", nil, false
	}
	return string(name), rest, true
}

func notInLabel(r rune) bool {
	return !('A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == ' ' || r == '#' || r == '.' || r == '_')
}

func decodeBody(lines [][]byte) ([]byte, error) {
	// Headers (RFC 1421) end with an empty line; base64 has no colon.
	for len(lines) > 0 && bytes.IndexByte(lines[0], ':') >= 0 {
		lines = lines[1:]
	}
	return decodeBase64(bytes.Join(lines, nil))
}

func decodeBase64(text []byte) ([]byte, error) {
	clean := strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' || r == '\r' || r == '\n' {
			return -1
		}
		return r
	}, string(text))
	out, err := base64.StdEncoding.DecodeString(clean)
	if err != nil {
		out, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(clean, "="))
	}
	if err != nil {
		return nil, errors.New("it is not base64")
	}
	if len(out) == 0 {
		return nil, errors.New("it is empty")
	}
	return out, nil
}
