package exit

import (
	"errors"
	"fmt"
	"testing"
)

func TestError(t *testing.T) {
	cause := errors.New("no such file")
	for _, x := range []struct {
		name string
		err  error
		code int
		text string
	}{
		{"usage", Usage(cause), 2, "no such file"},
		{"failed", Failed(cause), 4, "no such file"},
		{"nothing more to say", With(Incomplete, nil), 3, "exit code 3"},
		{"wrapped", fmt.Errorf("reading: %w", With(Findings, cause)), 1, "reading: no such file"},
	} {
		t.Run(x.name, func(t *testing.T) {
			var e *Error
			if !errors.As(x.err, &e) || e.Code != x.code {
				t.Errorf("code = %v, want %d", e, x.code)
			}
			if x.err.Error() != x.text {
				t.Errorf("text = %q, want %q", x.err, x.text)
			}
			if e.Err != nil && !errors.Is(x.err, cause) {
				t.Errorf("%v does not lead to its cause", x.err)
			}
		})
	}
}
