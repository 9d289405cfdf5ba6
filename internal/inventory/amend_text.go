package inventory

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/certassay/certassay/internal/expect"
)

// A learnt is one list of expectations as it is written.
type learnt struct {
	key   string
	items []item
}

// An item is one pin of it.
type item struct {
	pin     string // canonical
	text    string // as YAML, on one line
	comment string // behind it, where the list is a block
}

func (i item) line() string {
	if i.comment == "" {
		return i.text
	}
	return i.text + " # " + i.comment
}

func (c *Change) lists() []*learnt {
	keys, issuers := &learnt{key: "keys"}, &learnt{key: "issuers"}
	for _, p := range c.Keys {
		keys.items = append(keys.items, item{pin: p.String(), text: pinText(p)})
	}
	for _, i := range c.Issuers {
		out := item{pin: i.String(), text: strconv.Quote(i.String()), comment: oneLine(c.Notes[i.String()])}
		if i.CA != "" {
			out.text = "{ca: " + out.text + "}"
		}
		issuers.items = append(issuers.items, out)
	}
	return []*learnt{keys, issuers}
}

// pinText writes a pin on one line.
func pinText(p expect.Pin) string {
	text := strconv.Quote(p.String())
	if p.Until.IsZero() && p.Note == "" {
		return text
	}
	text = "{pin: " + text
	if !p.Until.IsZero() {
		// The last day on which it counts.
		text += ", until: " + p.Until.UTC().Add(-time.Nanosecond).Format(time.DateOnly)
	}
	if p.Note != "" {
		text += ", note: " + strconv.Quote(oneLine(p.Note))
	}
	return text + "}"
}

func (l *learnt) flow() string {
	var items []string
	for _, i := range l.items {
		items = append(items, i.text)
	}
	return "[" + strings.Join(items, ", ") + "]"
}

func (l *learnt) block(in string) []string {
	out := []string{in + l.key + ":"}
	for _, i := range l.items {
		out = append(out, in+"  - "+i.line())
	}
	return out
}

func (c *Change) flowExpect() string {
	var parts []string
	for _, l := range c.lists() {
		if len(l.items) > 0 {
			parts = append(parts, l.key+": "+l.flow())
		}
	}
	return "expect: {" + strings.Join(parts, ", ") + "}"
}

func (c *Change) flowTarget() string {
	if len(c.Keys)+len(c.Issuers) == 0 {
		return scalar(c.Target)
	}
	return "{target: " + scalar(c.Target) + ", " + c.flowExpect() + "}"
}

func (c *Change) blockExpect(in string) (out []string) {
	if text := oneLine(c.Comment); text != "" {
		out = append(out, in+"# "+text)
	}
	out = append(out, in+"expect:")
	for _, l := range c.lists() {
		if len(l.items) > 0 {
			out = append(out, l.block(in+"  ")...)
		}
	}
	return out
}

// plainForm is text that YAML reads as text without quotes, in lists with brackets,
// too.
var plainForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9 ]*([.:/_-]+[A-Za-z0-9]+)*$`)

// scalar writes text that may be taken for something else in quotes.
func scalar(s string) string {
	var words = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
	if plainForm.MatchString(s) && !strings.HasSuffix(s, " ") && !slices.Contains(words, strings.ToLower(s)) {
		return s
	}
	return strconv.Quote(s)
}

func quoted(in []string) (out []string) {
	for _, s := range in {
		out = append(out, scalar(s))
	}
	return out
}

// oneLine makes text of others fit for a comment or note.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(printable(s)), " ")
	for len(s) > maxText {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
