package suggest

import (
	"strings"
	"testing"
)

func TestYAML(t *testing.T) {
	for _, tt := range []struct{ name, message, line, want string }{
		{"tab", "found character that cannot start any token", "  \t- a.example", "tabs"},
		{"a tab behind text is none", "found character that cannot start any token", "a:\t@x", "in quotes"},
		{"alias", "unknown anchor 'nope' referenced", "groups: *nope", "anchors"},
		{"other encoding", "invalid leading UTF-8 octet", "x", "UTF-8"},
		{"open quote", "found unexpected end of stream", "", "not closed"},
		{"deep", "exceeded max depth of 10000", "[[[[", "never closed"},
		{"colon", "mapping values are not allowed in this context", "a: b: c", "in quotes"},
		{"anything else", "did not find expected '-' indicator", "   targets: []", "indentation"},
		{"nothing known", "", "", "indentation"},
	} {
		if got := YAML(tt.message, tt.line); !strings.Contains(got, tt.want) {
			t.Errorf("%s: YAML(%q, %q) = %q, want something of %q", tt.name, tt.message, tt.line, got, tt.want)
		}
	}
}
