package ctlog

import (
	"bytes"
	"encoding/json"
	"fmt"
)

type entryJSON struct {
	Leaf  []byte `json:"leaf_input"`
	Extra []byte `json:"extra_data"`
}

// A page is an answer to get-entries and the space it was read with, which the
// next page is read with again: a page has a megabyte, and fresh memory for each
// cost more than reading it. The zero value is empty.
type page struct {
	answer   []byte // as it came
	unpacked []byte // where it was packed
	space    []byte // what was decoded
	entries  []entryJSON
	chains   knownChains
}

func newPage() *page { return new(page) }

// decode reads the answer to get-entries. Nearly all logs write it in one
// way, which is read without encoding/json: that took most of the time of a
// search. Whatever is written in another way goes there, and nothing else is
// ever accepted or refused than there.
func (p *page) decode(b []byte) error {
	if p.quick(b) {
		return nil
	}
	var answer struct{ Entries []entryJSON }
	if err := json.Unmarshal(b, &answer); err != nil {
		p.entries = p.entries[:0]
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	p.entries = answer.Entries
	return nil
}

// quick reads {"entries":[{"leaf_input":"…","extra_data":"…"},…]} without
// white space, escapes or other members.
func (p *page) quick(b []byte) bool {
	b, ok := bytes.CutPrefix(bytes.TrimSpace(b), []byte(`{"entries":[`))
	if !ok {
		return false
	}
	// One allocation for all that is decoded: three quarters of the text.
	if need := len(b)/4*3 + 16; cap(p.space) < need {
		p.space = make([]byte, 0, need)
	}
	space, out := p.space[:0], p.entries[:0]
	for {
		var e entryJSON
		var text []byte
		if text, b, ok = quickMember(b, `{"leaf_input":"`); !ok {
			return false
		}
		start := len(space)
		if space, ok = decode64(space, text); !ok {
			return false
		}
		e.Leaf = space[start:len(space):len(space)]
		if text, b, ok = quickMember(b, `,"extra_data":"`); !ok {
			return false
		}
		start = len(space)
		if space, ok = p.chains.decode(space, text, e.Leaf); !ok {
			return false
		}
		e.Extra = space[start:len(space):len(space)]
		out = append(out, e)
		if !bytes.HasPrefix(b, []byte("},")) {
			p.entries = out
			return string(b) == "}]}"
		}
		b = b[2:]
	}
}

// quickMember takes the text of one member.
func quickMember(b []byte, key string) (text, rest []byte, ok bool) {
	if !bytes.HasPrefix(b, []byte(key)) {
		return nil, nil, false
	}
	b = b[len(key):]
	end := bytes.IndexByte(b, '"')
	if end < 0 {
		return nil, nil, false
	}
	return b[:end], b[end+1:], true
}
