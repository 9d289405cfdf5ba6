package suggest

import "strings"

// YAML is what to do about a message of the YAML library that was met in a line, of
// which only the text is known. It always has something to say: a parser names the
// place where it gave up, which is often behind the mistake.
func YAML(message, line string) string {
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	for _, m := range []struct {
		is   bool
		hint string
	}{
		{strings.Contains(indent, "\t"), "YAML takes no tabs to indent: write spaces"},
		{strings.Contains(message, "anchor"), "anchors and aliases are not used here; text that begins with * or & belongs in quotes"},
		{strings.Contains(message, "UTF-8") || strings.Contains(message, "control characters"), "save the file as plain text in UTF-8"},
		{strings.Contains(message, "max depth"), "nothing here nests that deeply: look for a bracket or brace that is never closed"},
		{strings.Contains(message, "end of stream") || strings.Contains(message, "end of document"), "a quote, bracket or brace further up is not closed"},
		{strings.Contains(message, "mapping values"), "a colon and a space begin a value: put text that holds them in quotes"},
		{strings.Contains(message, "cannot start any token"), "put text that begins with @, ` or % in quotes"},
	} {
		if m.is {
			return m.hint
		}
	}
	return "look at the indentation of this line and of those above it, and for quotes and brackets that are not closed"
}
