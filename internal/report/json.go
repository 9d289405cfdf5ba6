package report

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/certassay/certassay/internal/evidence"
)

// A jsonWriter writes one JSON document: each subject and each certificate on a
// line of its own.
type jsonWriter struct {
	out          io.Writer
	o            Options
	tool         Tool
	subjects     spool
	certificates spool
	rules        map[string]Rule
	seen         map[[32]byte]struct{} // hashes of certificates already written
}

func (j *jsonWriter) Begin(tool Tool, _ evidence.Run) error {
	j.tool = tool
	return nil
}

func (j *jsonWriter) Subject(s *Subject, certs []Certificate) error {
	s.fillLists()
	explain(s, j.o.Rule, j.rules)
	line, err := marshal(s)
	if err != nil {
		return fmt.Errorf("writing subject %q: %w", s.ID, err)
	}
	if err := element(&j.subjects, "", line); err != nil {
		return err
	}
	for i := range certs {
		if err := j.certificate(&certs[i]); err != nil {
			return fmt.Errorf("writing certificate %q: %w", certs[i].Hash, err)
		}
	}
	return nil
}

func (j *jsonWriter) certificate(c *Certificate) error {
	sum, err := parseHash(c.Hash)
	if err != nil {
		return err
	}
	if _, ok := j.seen[sum]; ok {
		return nil
	}
	j.seen[sum] = struct{}{}
	line, err := marshal(c.filled())
	if err != nil {
		return err
	}
	return element(&j.certificates, c.Hash, line)
}

// filled gives the certificate with a list where the contract wants one.
func (c Certificate) filled() *Certificate {
	if c.DNSNames == nil {
		c.DNSNames = []string{}
	}
	return &c
}

// element appends an element of a list, or with a key a member of an object.
func element(s *spool, key string, value []byte) error {
	var b bytes.Buffer
	if s.file != nil || s.buf.Len() > 0 {
		b.WriteByte(',')
	}
	b.WriteString("\n  ")
	if key != "" {
		fmt.Fprintf(&b, "%q: ", key)
	}
	b.Write(value)
	_, err := s.Write(b.Bytes())
	return err
}

func (j *jsonWriter) End(e Ending) error {
	defer j.subjects.close()
	defer j.certificates.close()
	e.explain(j.o.Rule, j.rules)
	rules := spool{limit: maxInMemory}
	for _, id := range sortedKeys(j.rules) {
		line, err := marshal(j.rules[id])
		if err != nil {
			return fmt.Errorf("writing rule %q: %w", id, err)
		}
		if err := element(&rules, id, line); err != nil {
			return err
		}
	}
	w := bufio.NewWriterSize(j.out, 64<<10)
	head, err := header(j.tool, e.Run, e.Summary)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "{%s,\n \"subjects\": [", head)
	for _, part := range []struct {
		content *spool
		next    string
	}{
		{&j.subjects, "],\n \"certificates\": {"},
		{&j.certificates, "},\n \"rules\": {"},
		{&rules, "},\n \"warnings\": "},
	} {
		if err := part.content.copyTo(w); err != nil {
			return err
		}
		_, _ = w.WriteString(part.next) // Flush says what went wrong
	}
	last, err := e.rest("\n ")
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s}\n", last)
	return w.Flush()
}

// explain collects the rules of findings that are resolved.
func (e *Ending) explain(lookup func(string) (Rule, bool), into map[string]Rule) {
	if e.Baseline == nil {
		return
	}
	for i := range e.Baseline.Resolved {
		explainRule(e.Baseline.Resolved[i].Finding.Rule, lookup, into)
	}
}

// rest writes the warnings and, behind a comma and space, what else comes after
// them.
func (e *Ending) rest(space string) (string, error) {
	warnings, err := marshal(append([]Warning{}, e.Warnings...))
	if err != nil {
		return "", fmt.Errorf("writing warnings: %w", err)
	}
	if e.Baseline == nil {
		return string(warnings), nil
	}
	baseline, err := marshal(e.Baseline.filled())
	if err != nil {
		return "", fmt.Errorf("writing comparison with the baseline: %w", err)
	}
	return fmt.Sprintf("%s,%s\"baseline\": %s", warnings, space, baseline), nil
}

// header writes what comes before the subjects, without the braces.
func header(tool Tool, run evidence.Run, summary Summary) (string, error) {
	run.Started, run.Finished, run.At = run.Started.UTC(), run.Finished.UTC(), run.At.UTC()
	if run.Contacted == nil {
		run.Contacted = []string{}
	}
	if tool.Data == nil {
		tool.Data = map[string]string{}
	}
	var parts []string
	for _, p := range []struct {
		key   string
		value any
	}{{"schema", SchemaName}, {"tool", tool}, {"run", run}, {"summary", summary}} {
		line, err := marshal(p.value)
		if err != nil {
			return "", fmt.Errorf("writing %s of report: %w", p.key, err)
		}
		parts = append(parts, fmt.Sprintf("%q: %s", p.key, line))
	}
	return strings.Join(parts, ",\n "), nil
}

// A jsonlWriter writes a line for each subject as it comes, complete in itself,
// and a last line about the run.
type jsonlWriter struct {
	out  io.Writer
	o    Options
	tool Tool
}

// jsonlSubject is the line of one subject.
type jsonlSubject struct {
	*Subject
	Certificates map[string]*Certificate `json:"certificates"`
	Rules        map[string]Rule         `json:"rules"`
}

func (j *jsonlWriter) Begin(tool Tool, _ evidence.Run) error {
	j.tool = tool
	return nil
}

func (j *jsonlWriter) Subject(s *Subject, certs []Certificate) error {
	s.fillLists()
	l := jsonlSubject{s, map[string]*Certificate{}, map[string]Rule{}}
	for i := range certs {
		l.Certificates[certs[i].Hash] = certs[i].filled()
	}
	explain(s, j.o.Rule, l.Rules)
	line, err := marshal(l)
	if err != nil {
		return fmt.Errorf("writing subject %q: %w", s.ID, err)
	}
	_, err = j.out.Write(append(line, '\n'))
	return err
}

func (j *jsonlWriter) End(e Ending) error {
	head, err := header(j.tool, e.Run, e.Summary)
	if err != nil {
		return err
	}
	last, err := e.rest(" ")
	if err != nil {
		return err
	}
	rules := map[string]Rule{}
	e.explain(j.o.Rule, rules)
	explained := ""
	if len(rules) > 0 {
		line, err := marshal(rules)
		if err != nil {
			return err
		}
		explained = fmt.Sprintf(", \"rules\": %s", line)
	}
	_, err = fmt.Fprintf(j.out, "{%s%s, \"warnings\": %s}\n", strings.ReplaceAll(head, "\n", ""), explained, last)
	return err
}

// marshal gives JSON on one line in which every character that [Escape] would
// show as an escape is a JSON escape: the value is the same, and printing it on
// a terminal does no harm.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	// A "#" can only be within a string, and never after a lone backslash. Logs
	// of CI jobs obey "##[" and "##vso[" wherever they meet them.
	raw := bytes.ReplaceAll(bytes.TrimSuffix(b.Bytes(), []byte("\n")), []byte("##"), []byte(`#\u0023`))
	for i := 0; ; i++ {
		if i == len(raw) {
			return raw, nil
		}
		if raw[i] >= 0x7f {
			break
		}
	}
	out := make([]byte, 0, len(raw)+64)
	for len(raw) > 0 {
		r, n := utf8.DecodeRune(raw)
		switch {
		case r < 0x7f || visible(r):
			out = append(out, raw[:n]...)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		raw = raw[n:]
	}
	return out, nil
}

// parseHash reads "sha256:" and 64 hexadecimal digits.
func parseHash(s string) (sum [32]byte, err error) {
	digits, ok := strings.CutPrefix(s, "sha256:")
	b, err := hex.DecodeString(digits)
	if !ok || err != nil || len(b) != len(sum) || digits != strings.ToLower(digits) {
		return sum, fmt.Errorf("%.80q is not the hash of a certificate", s)
	}
	return [32]byte(b), nil
}
