package rule

import (
	"strings"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// A tri is the outcome of a lowered condition: CEL's truth values with its errors
// as the third. What the error is only CEL says: see [lowering].
type tri uint8

const (
	no tri = iota
	yes
	failed
)

func truthOf(b bool) tri {
	if b {
		return yes
	}
	return no
}

// The forms of lowered expressions. The second result is false where CEL would
// give an error, such as for an unknown fact.
type (
	question          func(*frame) tri
	evaluation[T any] func(*frame) (T, bool)
)

// A lowering turns the checked tree of a condition into Go closures over the
// facts' own types, which answer in a tenth of the time that CEL takes. It knows
// the part of the language that conditions are written in, and gives up where it
// meets anything else; then the rule runs on CEL. Where a closure meets what is an
// error in CEL, and neither && nor || nor a loop makes it vanish, the whole
// expression is asked of CEL once more, so that what is said of unknown facts has
// one source. Tests compare both on every rule, its examples, and facts made up.
type lowering struct {
	vocab *vocabulary
	tree  *ast.AST
	loops []loop
}

// A loop is an iteration variable that is in sight; its slot in the frame is one
// more than its index.
type loop struct {
	name   string
	record *record // of the elements; nil where they are texts
}

// lower gives the closure for a condition, or nil.
func (v *vocabulary) lower(tree *ast.AST) question {
	l := &lowering{vocab: v, tree: tree}
	return l.condition(tree.Expr())
}

func (l *lowering) kind(e ast.Expr) types.Kind { return l.tree.GetType(e.ID()).Kind() }

// spot finds a fact, or a group.
func (l *lowering) spot(e ast.Expr) (spot, *field, bool) {
	switch e.Kind() {
	case ast.IdentKind:
		if _, ok := l.loop(e); ok {
			break
		}
		if f := l.vocab.root.fields[e.AsIdent()]; f != nil {
			return spot{}.in(f), f, true
		}
	case ast.SelectKind:
		s := e.AsSelect()
		from, record, ok := l.group(s.Operand())
		if !ok || s.IsTestOnly() || record.fields[s.FieldName()] == nil {
			break
		}
		f := record.fields[s.FieldName()]
		return from.in(f), f, true
	}
	return spot{}, nil, false
}

// group finds a group of facts, or the element that a loop is at.
func (l *lowering) group(e ast.Expr) (spot, *record, bool) {
	if at, ok := l.loop(e); ok {
		r := l.loops[at].record
		return spot{base: at + 1}, r, r != nil
	}
	if s, f, ok := l.spot(e); ok && f.group != nil {
		return s, f.group, true
	}
	return spot{}, nil, false
}

func (l *lowering) loop(e ast.Expr) (int, bool) {
	if e.Kind() == ast.IdentKind {
		for i := len(l.loops) - 1; i >= 0; i-- {
			if l.loops[i].name == e.AsIdent() {
				return i, true
			}
		}
	}
	return 0, false
}

func (l *lowering) condition(e ast.Expr) question {
	switch e.Kind() {
	case ast.LiteralKind:
		if b, ok := e.AsLiteral().(types.Bool); ok {
			answer := truthOf(bool(b))
			return func(*frame) tri { return answer }
		}
	case ast.IdentKind, ast.SelectKind:
		if s, f, ok := l.spot(e); ok && f.typ == types.BoolType {
			return func(fr *frame) tri {
				b, ok := s.bool(fr)
				if !ok {
					return failed
				}
				return truthOf(b)
			}
		}
	case ast.ComprehensionKind:
		return l.quantifier(e.AsComprehension())
	case ast.CallKind:
		return l.call(e.AsCall())
	}
	return nil
}

func (l *lowering) call(c ast.CallExpr) question {
	args := c.Args()
	if c.IsMemberFunction() {
		return l.textual(c)
	}
	switch name := c.FunctionName(); name {
	case operators.LogicalNot:
		if inner := l.condition(args[0]); inner != nil {
			return func(fr *frame) tri { return [...]tri{no: yes, yes: no, failed: failed}[inner(fr)] }
		}
	case operators.LogicalAnd, operators.LogicalOr:
		// One decides alone, whichever side it stands on; else an error stays.
		decides := truthOf(name == operators.LogicalOr)
		a, b := l.condition(args[0]), l.condition(args[1])
		if a == nil || b == nil {
			return nil
		}
		return func(fr *frame) tri {
			first := a(fr)
			if first == decides {
				return decides
			}
			if second := b(fr); second == decides || first != failed {
				return second
			}
			return failed
		}
	case operators.In:
		return l.contained(args[0], args[1])
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return l.compare(name, args[0], args[1])
	}
	return nil
}

// textual lowers questions about parts of texts.
func (l *lowering) textual(c ast.CallExpr) question {
	var ask func(s, part string) bool
	switch c.FunctionName() {
	case overloads.StartsWith:
		ask = strings.HasPrefix
	case overloads.EndsWith:
		ask = strings.HasSuffix
	case overloads.Contains:
		ask = strings.Contains
	default:
		return nil
	}
	a, b := l.text(c.Target()), l.text(c.Args()[0])
	if a == nil || b == nil {
		return nil
	}
	return func(fr *frame) tri {
		s, ok := a(fr)
		part, ok2 := b(fr)
		if !ok || !ok2 {
			return failed
		}
		return truthOf(ask(s, part))
	}
}

func (l *lowering) contained(x, list ast.Expr) question {
	a, all := l.text(x), l.list(list)
	if a == nil || all == nil {
		return nil
	}
	return func(fr *frame) tri {
		s, ok := a(fr)
		texts, ok2 := all(fr)
		if !ok || !ok2 {
			return failed
		}
		for i := range texts {
			if texts[i] == s {
				return yes
			}
		}
		return no
	}
}

func (l *lowering) compare(name string, x, y ast.Expr) question {
	kind := l.kind(x)
	if kind != l.kind(y) {
		return nil
	}
	switch kind {
	case types.StringKind:
		return comparison(name, l.text(x), l.text(y), strings.Compare)
	case types.IntKind:
		return comparison(name, l.int(x), l.int(y), compareInts)
	case types.TimestampKind:
		return comparison(name, l.time(x), l.time(y), time.Time.Compare)
	case types.DurationKind:
		return comparison(name, l.duration(x), l.duration(y), compareInts)
	}
	return nil
}

func compareInts[T int64 | time.Duration](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func comparison[T any](name string, a, b evaluation[T], compare func(a, b T) int) question {
	if a == nil || b == nil {
		return nil
	}
	// Which of below, equal and above is true.
	want := map[string][3]tri{
		operators.Equals: {no, yes, no}, operators.NotEquals: {yes, no, yes},
		operators.Less: {yes, no, no}, operators.LessEquals: {yes, yes, no},
		operators.Greater: {no, no, yes}, operators.GreaterEquals: {no, yes, yes},
	}[name]
	return func(fr *frame) tri {
		x, ok := a(fr)
		y, ok2 := b(fr)
		if !ok || !ok2 {
			return failed
		}
		return want[compare(x, y)+1]
	}
}

func constant[T any](v T) evaluation[T] { return func(*frame) (T, bool) { return v, true } }

func (l *lowering) text(e ast.Expr) evaluation[string] {
	if e.Kind() == ast.LiteralKind {
		if s, ok := e.AsLiteral().(types.String); ok {
			return constant(string(s))
		}
		return nil
	}
	if at, ok := l.loop(e); ok && l.loops[at].record == nil {
		return func(fr *frame) (string, bool) { return fr.texts[at+1], true }
	}
	if s, f, ok := l.spot(e); ok && f.typ == types.StringType {
		return s.text
	}
	return nil
}

func (l *lowering) int(e ast.Expr) evaluation[int64] {
	switch e.Kind() {
	case ast.LiteralKind:
		if v, ok := e.AsLiteral().(types.Int); ok {
			return constant(int64(v))
		}
	case ast.IdentKind, ast.SelectKind:
		if s, f, ok := l.spot(e); ok && f.typ == types.IntType {
			return s.int
		}
	case ast.CallKind:
		c := e.AsCall()
		switch c.FunctionName() {
		case overloads.Size:
			operand := c.Target()
			if !c.IsMemberFunction() {
				operand = c.Args()[0]
			}
			return l.size(operand)
		case operators.Modulo:
			return modulo(l.int(c.Args()[0]), l.int(c.Args()[1]))
		}
	}
	return nil
}

func modulo(a, b evaluation[int64]) evaluation[int64] {
	if a == nil || b == nil {
		return nil
	}
	return func(fr *frame) (int64, bool) {
		x, ok := a(fr)
		y, ok2 := b(fr)
		// By zero is an error in CEL, by -1 can be one.
		if !ok || !ok2 || y == 0 || y == -1 {
			return 0, false
		}
		return x % y, true
	}
}

// size is that of a list; of texts CEL counts the characters.
func (l *lowering) size(e ast.Expr) evaluation[int64] {
	if list := l.list(e); list != nil {
		return func(fr *frame) (int64, bool) {
			texts, ok := list(fr)
			return int64(len(texts)), ok
		}
	}
	if s, f, ok := l.spot(e); ok && f.elem != nil {
		return func(fr *frame) (int64, bool) {
			v, ok := s.elements(fr)
			return int64(v.length), ok
		}
	}
	return nil
}

func (l *lowering) time(e ast.Expr) evaluation[time.Time] {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == overloads.TypeConvertTimestamp {
		v, ok := converted(e, types.TimestampType).(types.Timestamp)
		if !ok {
			return nil
		}
		return constant(v.Time)
	}
	if s, f, ok := l.spot(e); ok && f.typ == types.TimestampType {
		return s.time
	}
	return nil
}

func (l *lowering) duration(e ast.Expr) evaluation[time.Duration] {
	if e.Kind() != ast.CallKind {
		return nil
	}
	c := e.AsCall()
	switch c.FunctionName() {
	case overloads.TypeConvertDuration:
		if v, ok := converted(e, types.DurationType).(types.Duration); ok {
			return constant(v.Duration)
		}
	case operators.Subtract:
		return between(l.time(c.Args()[0]), l.time(c.Args()[1]))
	}
	return nil
}

// between is the difference of two times; one that no duration holds is an error
// in CEL.
func between(a, b evaluation[time.Time]) evaluation[time.Duration] {
	if a == nil || b == nil {
		return nil
	}
	return func(fr *frame) (time.Duration, bool) {
		x, ok := a(fr)
		y, ok2 := b(fr)
		d := x.Sub(y)
		return d, ok && ok2 && y.Add(d).Equal(x)
	}
}

// converted is a text in the rule, turned into another type by CEL itself.
func converted(e ast.Expr, to *types.Type) any {
	args := e.AsCall().Args()
	if len(args) != 1 || args[0].Kind() != ast.LiteralKind {
		return nil
	}
	s, ok := args[0].AsLiteral().(types.String)
	if !ok {
		return nil
	}
	return s.ConvertToType(to)
}

// list lowers lists of texts.
func (l *lowering) list(e ast.Expr) evaluation[[]string] {
	if e.Kind() == ast.ListKind {
		var texts []string
		for _, x := range e.AsList().Elements() {
			if x.Kind() != ast.LiteralKind {
				return nil
			}
			s, ok := x.AsLiteral().(types.String)
			if !ok {
				return nil
			}
			texts = append(texts, string(s))
		}
		return constant(texts)
	}
	if s, f, ok := l.spot(e); ok && f.typ.Kind() == types.ListKind && f.elem == nil && f.typ.Parameters()[0] == types.StringType {
		return s.list
	}
	return nil
}

// quantifier lowers exists and all, which the parser has written as loops.
func (l *lowering) quantifier(c ast.ComprehensionExpr) question {
	step := c.LoopStep()
	if len(l.loops) == maxLoops || c.HasIterVar2() || step.Kind() != ast.CallKind || !isIdent(c.Result(), c.AccuVar()) ||
		c.AccuInit().Kind() != ast.LiteralKind || !isIdent(step.AsCall().Args()[0], c.AccuVar()) {
		return nil
	}
	var decides tri
	switch name, begin := step.AsCall().FunctionName(), c.AccuInit().AsLiteral(); {
	case name == operators.LogicalOr && begin == types.False:
		decides = yes
	case name == operators.LogicalAnd && begin == types.True:
		decides = no
	default:
		return nil
	}
	slot := len(l.loops) + 1
	if texts := l.list(c.IterRange()); texts != nil {
		if body := l.body(c, nil); body != nil {
			return overTexts(slot, texts, body, decides)
		}
		return nil
	}
	s, f, ok := l.spot(c.IterRange())
	if !ok || f.elem == nil {
		return nil
	}
	if body := l.body(c, f.elem); body != nil {
		return overElements(slot, s, f.elem.size, body, decides)
	}
	return nil
}

func isIdent(e ast.Expr, name string) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == name }

// body lowers what is asked of each element.
func (l *lowering) body(c ast.ComprehensionExpr, elements *record) question {
	l.loops = append(l.loops, loop{c.IterVar(), elements})
	defer func() { l.loops = l.loops[:len(l.loops)-1] }()
	return l.condition(c.LoopStep().AsCall().Args()[1])
}

func overTexts(slot int, list evaluation[[]string], body question, decides tri) question {
	return func(fr *frame) tri {
		texts, ok := list(fr)
		if !ok {
			return failed
		}
		answer := 1 - decides // of no and yes the other
		for i := range texts {
			fr.texts[slot] = texts[i]
			switch body(fr) {
			case decides:
				return decides
			case failed:
				answer = failed
			}
		}
		return answer
	}
}

func overElements(slot int, at spot, size uintptr, body question, decides tri) question {
	return func(fr *frame) tri {
		list, ok := at.elements(fr)
		if !ok {
			return failed
		}
		answer := 1 - decides
		for i := range list.length {
			fr.base[slot] = list.element(i, size)
			switch body(fr) {
			case decides:
				return decides
			case failed:
				answer = failed
			}
		}
		return answer
	}
}
