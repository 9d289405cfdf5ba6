package ctlog

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
)

type entryJSON struct {
	Leaf  []byte `json:"leaf_input"`
	Extra []byte `json:"extra_data"`
}

// decodePage reads the answer to get-entries. Nearly all logs write it in one
// way, which is read without encoding/json: that took most of the time of a
// search. Whatever is written in another way goes there, and nothing else is
// ever accepted or refused than there.
func decodePage(b []byte) ([]entryJSON, error) {
	if entries, ok := quickPage(b); ok {
		return entries, nil
	}
	var answer struct{ Entries []entryJSON }
	if err := json.Unmarshal(b, &answer); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return answer.Entries, nil
}

// quickPage reads {"entries":[{"leaf_input":"…","extra_data":"…"},…]} without
// white space, escapes or other members.
func quickPage(b []byte) ([]entryJSON, bool) {
	b, ok := bytes.CutPrefix(bytes.TrimSpace(b), []byte(`{"entries":[`))
	if !ok {
		return nil, false
	}
	// One allocation for all that is decoded: three quarters of the text.
	space := make([]byte, 0, len(b)/4*3)
	var out []entryJSON
	for {
		var e entryJSON
		if e.Leaf, b, space, ok = quickMember(b, `{"leaf_input":"`, space); !ok {
			return nil, false
		}
		if e.Extra, b, space, ok = quickMember(b, `,"extra_data":"`, space); !ok {
			return nil, false
		}
		out = append(out, e)
		switch {
		case bytes.HasPrefix(b, []byte("},")):
			b = b[2:]
		default:
			return out, string(b) == "}]}"
		}
	}
}

// quickMember decodes one member in base64 into space.
func quickMember(b []byte, key string, space []byte) (value, rest, left []byte, ok bool) {
	if !bytes.HasPrefix(b, []byte(key)) {
		return nil, nil, nil, false
	}
	b = b[len(key):]
	end := bytes.IndexByte(b, '"')
	// Go's decoder passes over line ends, which JSON has no place for.
	if end < 0 || bytes.IndexByte(b[:end], '\n') >= 0 || bytes.IndexByte(b[:end], '\r') >= 0 {
		return nil, nil, nil, false
	}
	start := len(space)
	space, err := base64.StdEncoding.AppendDecode(space, b[:end])
	if err != nil {
		return nil, nil, nil, false
	}
	return space[start:len(space):len(space)], b[end+1:], space, true
}
