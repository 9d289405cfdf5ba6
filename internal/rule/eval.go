package rule

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/certassay/certassay/internal/facts"
	"github.com/certassay/certassay/internal/finding"
)

// A Result is what one rule says of one subject.
type Result struct {
	Rule    *Rule
	Outcome finding.Outcome
	// Reason says why the outcome is inconclusive; else it is empty.
	Reason string
	// Message and Details are set for findings only. Details holds plain JSON
	// values; one that rests on an unknown fact is missing.
	Message string
	Details map[string]any
}

// Gap gives an inconclusive result in the form of reports.
func (r *Result) Gap() finding.Gap {
	return finding.Gap{Rule: r.Rule.ID, Reason: r.Reason, Needed: r.Rule.Needed()}
}

// Finding gives a result of outcome finding in the form of reports, without
// what depends on the subject: certificate, fingerprint, status and waiver.
func (r *Result) Finding() finding.Finding {
	return finding.Finding{
		Rule: r.Rule.ID, Version: r.Rule.Version, Class: r.Rule.Class, Severity: r.Rule.Severity,
		Confidence: r.Rule.Confidence, Title: r.Rule.Title, Message: r.Message, Details: r.Details, Status: finding.New,
	}
}

// Eval appends the outcome of every running rule of one scope, by id, to dst. It
// only reads f and is safe for concurrent use. It never panics: a rule that
// does, or that exceeds its cost, is inconclusive.
func (s *Set) Eval(dst []Result, scope Scope, f *facts.Facts) []Result {
	rules := s.byScope[scope]
	if len(rules) == 0 {
		return dst
	}
	run := s.newRun(f)
	dst = slices.Grow(dst, len(rules))
	for _, r := range rules {
		dst = append(dst, run.rule(r))
	}
	return dst
}

// Notable is [Set.Eval] without the outcomes that say nothing: only findings and
// what is inconclusive.
func (s *Set) Notable(dst []Result, scope Scope, f *facts.Facts) []Result {
	rules := s.byScope[scope]
	if len(rules) == 0 {
		return dst
	}
	run := s.newRun(f)
	for _, r := range rules {
		if res := run.rule(r); res.Outcome == finding.Found || res.Outcome == finding.Inconclusive {
			dst = append(dst, res)
		}
	}
	return dst
}

// Silent says that no rule of these scopes objects: none that heeds names finds
// anything, and none that the verdict rests on is undecided, but for facts that are
// unknown for the reason excused. Rules that heeds does not name, and on which no
// verdict rests, are not asked.
func (s *Set) Silent(f *facts.Facts, heeds func(*Rule) bool, excused string, scopes ...Scope) bool {
	run := s.newRun(f)
	run.excused = excused
	for _, scope := range scopes {
		for _, r := range s.byScope[scope] {
			heeded, needed := heeds(r), r.Needed()
			if !heeded && !needed {
				continue
			}
			switch res := run.rule(r); res.Outcome {
			case finding.Found:
				if heeded {
					return false
				}
			case finding.Inconclusive:
				if needed && res.Reason != excused {
					return false
				}
			}
		}
	}
	return true
}

// Interpreted gives the same rules without the quick way: every condition is
// asked of CEL. The answers are the same, in ten times the time; it is what tests
// compare with.
func (s *Set) Interpreted() *Set {
	out := *s
	out.interpreted = true
	return &out
}

func (s *Set) newRun(f *facts.Facts) *run {
	run := s.engine.newRun(f)
	run.interpreted = s.interpreted
	return run
}

// A run is the evaluation of rules over one subject's facts.
type run struct {
	engine      *engine
	facts       *facts.Facts
	unknown     bits
	frame       frame
	act         *activation // nil until CEL is asked
	interpreted bool
	// excused is the reason of an unknown fact that is given alone, without the
	// fact: of no interest to who asks.
	excused string
}

func (e *engine) newRun(f *facts.Facts) *run {
	return &run{engine: e, facts: f, unknown: e.vocab.unknownBits(f), frame: newFrame(f)}
}

// ask has CEL evaluate an expression.
func (n *run) ask(p *program) (ref.Val, error) {
	if n.act == nil {
		n.act = n.engine.vocab.activate(n.facts)
	}
	val, _, err := p.prg.Eval(n.act)
	return val, err
}

func (n *run) rule(r *Rule) (res Result) {
	res.Rule = r
	defer func() {
		if p := recover(); p != nil {
			res = Result{Rule: r, Reason: fmt.Sprintf("rule %s failed: %v", r.ID, p)}
		}
	}()
	if r.applies != nil {
		applies, reason := n.truth(r.applies)
		if reason != "" {
			res.Reason = reason
			return res
		}
		if !applies {
			res.Outcome = finding.NotApplicable
			return res
		}
	}
	switch found, reason := n.truth(r.when); {
	case reason != "":
		res.Reason = reason
	case found:
		res.Outcome = finding.Found
		n.explain(r, &res)
	default:
		res.Outcome = finding.Pass
	}
	return res
}

// truth evaluates a condition. It gives a reason where there is no answer.
func (n *run) truth(p *program) (value bool, reason string) {
	if n.unknown.meets(&p.needs) {
		for _, f := range p.order {
			if n.unknown.has(f.bit) {
				return false, n.why(f.path)
			}
		}
	}
	if p.quick != nil && !n.interpreted {
		if answer := p.quick(&n.frame); answer != failed {
			return answer == yes, ""
		}
	}
	val, err := n.ask(p)
	if err != nil {
		if path := unknownPath(err); path != "" {
			return false, n.why(path)
		}
		return false, "evaluating the rule: " + err.Error()
	}
	b, ok := val.(types.Bool)
	if !ok {
		return false, fmt.Sprintf("evaluating the rule: the result is %v, not true or false", val.Type())
	}
	return bool(b), ""
}

// why gives the reason that the probe left for a fact or a group around it.
func (n *run) why(path string) string {
	for p := path; p != ""; {
		if reason := n.facts.Reasons[p]; reason != "" {
			if reason == n.excused {
				return reason
			}
			return "unknown: " + path + ": " + reason
		}
		if trimmed, ok := strings.CutSuffix(p, "[]"); ok {
			p = trimmed
			continue
		}
		p = p[:max(strings.LastIndexByte(p, '.'), 0)]
	}
	return "unknown: " + path
}

// explain fills in what is printed with a finding.
func (n *run) explain(r *Rule, res *Result) {
	if len(r.show) == 0 {
		res.Message = r.Message
		return
	}
	texts := make([]string, len(r.show))
	size := len(r.Message)
	for i, s := range r.show {
		texts[i] = "(unknown)"
		if n.unknown.meets(&s.prog.needs) {
			continue
		}
		val, err := n.ask(s.prog)
		if err != nil {
			continue
		}
		if plain := native(val); plain != nil {
			if res.Details == nil {
				res.Details = make(map[string]any, len(r.show))
			}
			res.Details[s.name] = plain
			texts[i] = text(plain)
		}
		size += len(texts[i])
	}
	var b strings.Builder
	b.Grow(size)
	for _, p := range r.message {
		if p.value < 0 {
			b.WriteString(p.text)
			continue
		}
		b.WriteString(texts[p.value])
	}
	res.Message = b.String()
}

// native gives a CEL value as JSON takes it, or nil.
func native(v ref.Val) any {
	switch v := v.(type) {
	case types.Bool:
		return bool(v)
	case types.Int:
		return int64(v)
	case types.Uint:
		return uint64(v)
	case types.Double:
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil // JSON has no word for it
		}
		return float64(v)
	case types.String:
		return string(v)
	case types.Timestamp:
		return v.UTC().Format(time.RFC3339)
	case types.Duration:
		return v.Duration.String()
	case traits.Lister:
		list := []any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			if e := native(it.Next()); e != nil {
				list = append(list, e)
			}
		}
		return list
	}
	return nil
}

// maxListed is how many entries of a list a message names: a certificate may
// hold thousands of names, and the details have them all.
const maxListed = 5

func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	}
	list, ok := v.([]any)
	if !ok {
		return fmt.Sprint(v)
	}
	var words []string
	for _, e := range list[:min(len(list), maxListed)] {
		words = append(words, fmt.Sprint(e))
	}
	if more := len(list) - len(words); more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}
