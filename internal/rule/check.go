package rule

import (
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"cel.dev/cel-go/common/types"

	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/finding"
)

// maxTitle keeps a title on one line of a report.
const maxTitle = 100

var (
	idForm    = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)+$`)
	sinceForm = regexp.MustCompile(`^v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$`)
	tagForm   = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	showForm  = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

// check turns what was written into what can run. It reports everything wrong
// and gives nil if anything is.
func (s *source) check(e *engine, f *File, place place) *Rule {
	s.required(f)
	r := &Rule{
		ID: f.ID, Version: f.Version, Status: Status(f.Status), Since: f.Since, Aliases: f.Aliases,
		Title: f.Title, Summary: prose(f.Summary), Why: prose(f.Why), Class: finding.Class(f.Class),
		Confidence: finding.Confidence(f.Confidence), Tags: f.Tags, References: f.References,
		Remediation: prose(f.Remediation), Subject: Subject(f.Subject),
		Applies: strings.TrimSpace(f.Applies), When: strings.TrimSpace(f.When), Message: prose(f.Message),
		Path: s.path, file: f,
	}
	for _, b := range f.Benign {
		r.Benign = append(r.Benign, prose(b))
	}
	s.identity(r, place)
	s.words(f, r)
	s.texts(f)
	s.expressions(e, f, r)
	s.cases(f, r)
	if len(s.errs) > 0 {
		return nil
	}
	r.setScope()
	return r
}

// prose undoes the line breaks of YAML's folded texts.
func prose(s string) string { return strings.TrimSpace(s) }

// required reports missing and empty keys. What is wrong with one key never
// hides what is wrong with another, so the checks after it ask [source.sound].
func (s *source) required(f *File) {
	var missing []string
	v := reflect.ValueOf(f).Elem()
	for i := range v.NumField() {
		sf := v.Type().Field(i)
		name := tagName(sf, "yaml")
		fv := v.Field(i)
		switch {
		case sf.Tag.Get("need") == "no":
		case s.nodes[name] == nil:
			missing = append(missing, name)
		case !s.sound[name]:
		case fv.Kind() == reflect.String && strings.TrimSpace(fv.String()) == "",
			fv.Kind() == reflect.Slice && fv.Len() == 0:
			s.key(name, sf.Tag.Get("doc"), "%s is empty", name)
			s.sound[name] = false
		}
	}
	if len(missing) > 0 {
		s.at(1, 1, `"certassay schema rule" explains each; "certassay rules new ID" writes a whole rule`,
			"missing: %s", strings.Join(missing, ", "))
	}
}

// identity checks the id against its form, its family and its place.
func (s *source) identity(r *Rule, p place) {
	family := r.Family()
	switch {
	case !s.sound["id"]:
	case !idForm.MatchString(r.ID):
		s.key("id", "lower-case words and digits joined by hyphens, the family first: sct-signature-invalid", "id %q is malformed", r.ID)
	case !slices.Contains(Families, family):
		s.key("id", hintOr(didYouMean(family, Families), "families are "+strings.Join(Families, ", ")), "id %q begins with %q, which is no family", r.ID, family)
	case p.base != r.ID+".yaml":
		s.key("id", "name the file "+r.ID+".yaml", "id %q does not fit the name of the file", r.ID)
	case p.dir != "" && p.dir != family:
		s.key("id", "move the file to "+family+"/"+r.ID+".yaml", "id %q does not fit the directory %q", r.ID, p.dir)
	}
	seen := map[string]bool{r.ID: true}
	for i, a := range r.Aliases {
		key := fmt.Sprintf("aliases[%d]", i)
		if !idForm.MatchString(a) {
			s.key(key, "an alias is an id that the rule once had", "alias %q is malformed", a)
		}
		if seen[a] {
			s.key(key, "", "alias %q is given twice or is the id itself", a)
		}
		seen[a] = true
	}
}

func hintOr(hint, otherwise string) string {
	if hint != "" {
		return hint
	}
	return otherwise
}

// words checks the keys whose values come from a list or have a form.
func (s *source) words(f *File, r *Rule) {
	if s.sound["version"] && f.Version < 1 {
		s.key("version", "the first version is 1", "version %d is below 1", f.Version)
	}
	oneOf(s, "status", Status(f.Status), Statuses)
	if s.sound["since"] && !sinceForm.MatchString(f.Since) {
		s.key("since", "the release that brings the rule, such as v0.1.0", "since %q is not a version", f.Since)
	}
	oneOf(s, "class", finding.Class(f.Class), finding.Classes)
	oneOf(s, "confidence", finding.Confidence(f.Confidence), finding.Confidences)
	oneOf(s, "subject", Subject(f.Subject), Subjects)
	var err error
	if r.Severity, err = finding.ParseSeverity(f.Severity); s.sound["severity"] && err != nil {
		s.key("severity", "", "%v", err)
	}
	for i, t := range f.Tags {
		if !tagForm.MatchString(t) {
			s.key(fmt.Sprintf("tags[%d]", i), "lower-case words and digits joined by hyphens", "tag %q is malformed", t)
		}
	}
	for i, ref := range f.References {
		if u, err := url.Parse(ref); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
			s.key(fmt.Sprintf("references[%d]", i), "give the https address of a primary source", "reference %q is not an https link", ref)
		}
	}
}

func oneOf[T ~string](s *source, key string, v T, all []T) {
	if !s.sound[key] || slices.Contains(all, v) {
		return
	}
	words := make([]string, len(all))
	for i, a := range all {
		words[i] = string(a)
	}
	s.key(key, didYouMean(string(v), words), "unknown %s %q (want %s)", key, v, strings.Join(words, ", "))
}

// texts refuses texts that are empty or could steer what prints them.
func (s *source) texts(f *File) {
	if n := utf8.RuneCountInString(f.Title); n > maxTitle || strings.Contains(f.Title, "\n") {
		s.key("title", "", "the title has %d characters; want one line of at most %d", n, maxTitle)
	}
	texts := map[string]string{"title": f.Title, "summary": f.Summary, "why": f.Why, "remediation": f.Remediation, "message": f.Message}
	for i, b := range f.Benign {
		texts[fmt.Sprintf("benign[%d]", i)] = b
		if s.sound["benign"] && strings.TrimSpace(b) == "" {
			s.key(fmt.Sprintf("benign[%d]", i), "", "an empty explanation")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		t := texts[key]
		if strings.IndexFunc(t, func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) }) >= 0 {
			s.key(key, "", "%s holds a character that does not print", key)
		}
	}
}

// expressions compiles applies, when and show, and checks the message.
func (s *source) expressions(e *engine, f *File, r *Rule) {
	if s.sound["when"] {
		r.when = s.compile(e, "when", f.When, wantBool)
	}
	if r.Applies != "" {
		r.applies = s.compile(e, "applies", f.Applies, wantBool)
	}
	for _, key := range []string{"when", "applies"} {
		if p := map[string]*program{"when": r.when, "applies": r.applies}[key]; p != nil && p.literal() {
			s.key(key, "a condition joins facts; see \"certassay schema facts\"", "%s reads no fact", key)
		}
	}
	if s.keys["show"] != nil && !s.sound["show"] {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(f.Show)) {
		if !showForm.MatchString(name) {
			s.node(s.keys["show."+name], "lower-case letters, digits and underscores", "the name %q in show is malformed", name)
			continue
		}
		r.show = append(r.show, shown{name, s.compile(e, "show."+name, f.Show[name], wantValue)})
	}
	for _, name := range r.setMessage(r.Message) {
		s.key("message", hintOr(didYouMean(name, slices.Collect(maps.Keys(f.Show))), "add it to show"),
			"the message uses {{%s}}, which show does not have", name)
	}
	for _, p := range r.message {
		if strings.Contains(p.text, "{{") || strings.Contains(p.text, "}}") {
			s.key("message", "write {{name}} with a name from show", "the message has braces that belong to no placeholder")
		}
	}
}

// compile compiles the expression at a key and reports its faults where they are
// in the file.
func (s *source) compile(e *engine, key, src string, want func(*types.Type) string) *program {
	prog, faults := e.compile(strings.TrimRight(src, " \n"), want)
	for _, f := range faults {
		n := s.nodes[key]
		line, col := s.inside(n, f.offset)
		s.at(line, col, f.hint, "%s: %s", key, f.msg)
	}
	return prog
}

// cases checks the examples and reads their facts.
func (s *source) cases(f *File, r *Rule) {
	if !s.sound["tests"] {
		return
	}
	names := map[string]bool{}
	seen := map[finding.Outcome]bool{}
	for i, c := range f.Tests {
		key := fmt.Sprintf("tests[%d]", i)
		if strings.TrimSpace(c.Name) == "" {
			s.key(key, "say what the example shows", "a test without a name")
		} else if names[c.Name] {
			s.key(key+".name", "", "a second test named %q", c.Name)
		}
		names[c.Name] = true
		want, err := finding.ParseOutcome(c.Want)
		if err != nil {
			s.key(hasKey(s, key, "want"), "", "%v", err)
			continue
		}
		seen[want] = true
		n := s.nodes[key+".facts"]
		if n == nil {
			s.key(key, "facts: {} says that nothing is known", "test %q has no facts", c.Name)
			continue
		}
		ex := example{name: c.Name, want: want, facts: new(facts.Facts), line: s.nodes[key].Line}
		s.decode(n, reflect.ValueOf(ex.facts).Elem(), factTag, "")
		r.examples = append(r.examples, ex)
	}
	for _, o := range []finding.Outcome{finding.Found, finding.Pass, finding.Inconclusive} {
		if !seen[o] {
			s.key("tests", "", "no test wants the outcome %s", o)
		}
	}
	if r.Applies != "" && !seen[finding.NotApplicable] {
		s.key("tests", "", "no test wants the outcome %s, though the rule has applies", finding.NotApplicable)
	}
}

// hasKey gives the path of an inner key where it was written, else of the outer.
func hasKey(s *source, outer, inner string) string {
	if s.nodes[outer+"."+inner] != nil {
		return outer + "." + inner
	}
	return outer
}
