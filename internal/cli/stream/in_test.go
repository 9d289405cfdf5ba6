package stream

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestIn(t *testing.T) {
	text := strings.Repeat("0123456789", 20_000)
	for name, r := range map[string]io.Reader{
		"whole": strings.NewReader(text), "byte by byte": iotest.OneByteReader(strings.NewReader(text)), "end with the last bytes": iotest.DataErrReader(strings.NewReader(text)),
	} {
		got, err := io.ReadAll(NewIn(t.Context(), r))
		if err != nil || string(got) != text {
			t.Errorf("%s: read %d bytes of %d, error %v", name, len(got), len(text), err)
		}
	}
	got, err := io.ReadAll(NewIn(t.Context(), iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(text)))))
	if err == nil || len(got) != 1 {
		t.Errorf("a failing read gave %d bytes and error %v", len(got), err)
	}
}
