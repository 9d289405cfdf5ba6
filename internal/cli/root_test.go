package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/cli/exit"
)

// What people name and what others say is escaped wherever an error shows it.
func TestErrorsEscaped(t *testing.T) {
	const evil = "no\x1b[31msuch\u202e"
	for _, args := range [][]string{
		{"scan", "-l", evil}, {"check", evil}, {"check", "x", "--roots", evil}, {"check", "x", "--rules", evil}, {"check", "x", "--waivers", evil},
		{"check", "x", "--baseline", evil}, {"check", "x", "--known-keys", evil}, {"check", "x", "--log-list", evil}, {"check", "x", "-c", evil},
		{"check", "x", "-o", evil + "/x"}, {"report", "show", evil}, {"report", "diff", evil, evil}, {evil}, {"scan", "--" + evil}, {"scan", evil},
		{"scan", "x", "--at", evil}, {"scan", "x", "--via", evil}, {"scan", "x", "--resolve", evil}, {"scan", "x", "--name", evil}, {"scan", "x", "--timeout", evil},
		{"rules", "explain", evil}, {"rules", "new", evil}, {"audit", "-c", evil}, {"schema", evil}, {"completion", evil}, {"scan", "x", "--rule", evil},
	} {
		var out, errs bytes.Buffer
		code := Run(t.Context(), args, Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
		if code == exit.OK || strings.ContainsAny(out.String()+errs.String(), "\x1b\u202e") {
			t.Errorf("%q: exit code %d, %q", args, code, out.String()+errs.String())
		}
	}
}
