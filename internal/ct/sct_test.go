package ct

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"
)

func sample() SCT {
	return SCT{
		LogID: [32]byte{1, 2, 3}, Time: time.UnixMilli(1_700_000_000_123).UTC(),
		Extensions: []byte{0, 0, 5, 0, 0, 0, 0, 9}, Hash: 4, Algorithm: 3, Signature: []byte{0x30, 1, 2},
	}
}

func list(elements ...[]byte) []byte {
	var body []byte
	for _, e := range elements {
		body = binary.BigEndian.AppendUint16(body, uint16(len(e)))
		body = append(body, e...)
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(body))), body...)
}

func TestParseSCT(t *testing.T) {
	want := sample()
	got, err := ParseSCT(want.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	if got.LogID != want.LogID || !got.Time.Equal(want.Time) || !bytes.Equal(got.Signature, want.Signature) ||
		!bytes.Equal(got.Extensions, want.Extensions) || got.Hash != 4 || got.Algorithm != 3 {
		t.Errorf("ParseSCT = %+v, want %+v", got, want)
	}
}

func TestParseSCTRefuses(t *testing.T) {
	good := sample()
	whole := good.Append(nil)
	v2 := bytes.Clone(whole)
	v2[0] = 1
	late := bytes.Clone(whole)
	late[33] = 0xff
	noSig := good
	noSig.Signature = nil
	for name, in := range map[string][]byte{
		"left over":     append(bytes.Clone(whole), 0),
		"version 2":     v2,
		"far future":    late,
		"no signature":  noSig.Append(nil),
		"empty":         nil,
		"not even a id": whole[:20],
	} {
		if _, err := ParseSCT(in); err == nil {
			t.Errorf("%s: ParseSCT accepted %x", name, in)
		}
	}
	for n := range whole {
		if _, err := ParseSCT(whole[:n]); err == nil {
			t.Errorf("ParseSCT accepted the first %d of %d bytes", n, len(whole))
		}
	}
}

func TestSplitList(t *testing.T) {
	a, b := []byte("first"), []byte("second")
	got, err := SplitList(list(a, b))
	if err != nil || len(got) != 2 || !bytes.Equal(got[0], a) || !bytes.Equal(got[1], b) {
		t.Errorf("SplitList = %q, %v", got, err)
	}
	many := make([][]byte, maxSCTs+1)
	for i := range many {
		many[i] = []byte{1}
	}
	for name, c := range map[string]struct {
		in   []byte
		want string
	}{
		"short":         {[]byte{0}, "shorter"},
		"empty":         {list(), "empty"},
		"outer too big": {append(list(a), 0), "length field"},
		"empty element": {list(a, nil), "element 2"},
		"too many":      {list(many...), "more than"},
		"element cut":   {[]byte{0, 3, 0, 9, 1}, "element 1"},
	} {
		if _, err := SplitList(c.in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: SplitList error = %v, want one with %q", name, err, c.want)
		}
	}
}

func TestMimic(t *testing.T) {
	if !Mimic(id("b22f7edeb5af6afe503de04081b2d74c12538492fedf2cb2a526503cef53ced2")) || Mimic([32]byte{}) {
		t.Error("Mimic does not know the published log keys, or knows too many")
	}
}

// An SCT that is accepted is written back as the same bytes: nothing in it was
// overlooked.
func FuzzParseSCT(f *testing.F) {
	s := sample()
	f.Add(s.Append(nil))
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := ParseSCT(in)
		if err == nil && !bytes.Equal(s.Append(nil), in) {
			t.Errorf("ParseSCT(%x) is written back as %x", in, s.Append(nil))
		}
	})
}

func FuzzSplitList(f *testing.F) {
	f.Add(list([]byte("a"), []byte("bc")))
	f.Fuzz(func(t *testing.T, in []byte) {
		parts, err := SplitList(in)
		if err == nil && !bytes.Equal(list(parts...), in) {
			t.Errorf("SplitList(%x) is written back as %x", in, list(parts...))
		}
	})
}
