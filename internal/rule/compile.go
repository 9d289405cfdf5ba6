package rule

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// Limits on what a rule may cost. Rules come from the user, and a pack of rules
// from anybody.
const (
	// maxExpression is the length of an expression in characters. A parser
	// recurses, and a person has to read it.
	maxExpression = 4096
	// maxDepth bounds the recursion of the parser and of everything after it.
	maxDepth = 32
	// maxCost is the estimated cost, in CEL's units, up to which an expression
	// runs freely; above, the same number is its limit at run time. A loop of
	// this cost takes a quarter of a second.
	maxCost = 1_000_000
	// maxItems and maxText are the sizes of lists and texts that the estimate
	// assumes. They are chosen so that one pass over a list is always free and a
	// list crossed with another is not: facts above them can make a free
	// expression slower in proportion, and never worse.
	maxItems = 1000
	maxText  = 1024
	// maxRegexp bounds the compiled size of a pattern.
	maxRegexp = 1000
)

// An engine compiles expressions over one vocabulary. It is safe for concurrent
// use.
type engine struct {
	vocab  *vocabulary
	env    *cel.Env
	parser *cel.Env // without macros: the tree is as it was written
}

func newEngine() (*engine, error) {
	v, err := newVocabulary()
	if err != nil {
		return nil, err
	}
	base, err := types.NewRegistry()
	if err != nil {
		return nil, fmt.Errorf("preparing CEL types: %w", err)
	}
	p := provider{base, v}
	opts := []cel.EnvOption{
		cel.CustomTypeProvider(p), cel.CustomTypeAdapter(p), cel.StdLib(), cel.ClearMacros(),
		cel.ParserExpressionSizeLimit(maxExpression), cel.ParserRecursionLimit(maxDepth),
		cel.RegexProgramSizeLimit(maxRegexp),
	}
	for _, f := range v.root.order {
		opts = append(opts, cel.Variable(f.name, f.typ))
	}
	e := &engine{vocab: v}
	if e.parser, err = cel.NewCustomEnv(opts...); err != nil {
		return nil, fmt.Errorf("preparing CEL: %w", err)
	}
	// Not has(): it would answer false where a fact is unknown.
	macros := cel.Macros(cel.AllMacro, cel.ExistsMacro, cel.ExistsOneMacro, cel.MapMacro, cel.MapFilterMacro, cel.FilterMacro)
	if e.env, err = cel.NewCustomEnv(append(opts, macros)...); err != nil {
		return nil, fmt.Errorf("preparing CEL: %w", err)
	}
	return e, nil
}

// A program is one expression that can run.
type program struct {
	src   string
	prg   cel.Program
	quick question // the same without CEL; nil where there is none
	typ   *types.Type
	reads []string // paths of the facts it reads, sorted
	// needs are the facts among them, and the groups around them, that must be
	// known before it runs; order names them, outermost first.
	needs bits
	order []*field
	cost  uint64 // estimated, at most
}

// A fault is one thing wrong in an expression, at a character of it.
type fault struct {
	offset    int
	msg, hint string
}

// compile turns an expression into a program that gives a value of one of the
// wanted kinds, or says everything that is wrong with it.
func (e *engine) compile(src string, want func(*types.Type) string) (*program, []fault) {
	if n := utf8.RuneCountInString(src); n > maxExpression {
		return nil, []fault{{0, fmt.Sprintf("the expression has %d characters, more than %d", n, maxExpression), "make part of it a fact"}}
	}
	parsed, iss := e.parser.Parse(src)
	if iss.Err() != nil {
		return nil, e.issues(src, iss, nil)
	}
	if faults := e.forbidden(src, parsed); faults != nil {
		return nil, faults
	}
	checked, iss := e.env.Compile(src)
	if iss.Err() != nil {
		return nil, e.issues(src, iss, parsed)
	}
	p := &program{src: src, typ: checked.OutputType()}
	if msg := want(p.typ); msg != "" {
		return nil, []fault{{0, msg, ""}}
	}
	if faults := e.operands(src, checked.NativeRep()); faults != nil {
		return nil, faults
	}
	e.derive(p, checked.NativeRep())
	if err := e.finish(p, checked); err != nil {
		return nil, []fault{{0, err.Error(), ""}}
	}
	// What runs under a limit is left to CEL, which counts.
	if p.typ == types.BoolType && p.cost <= maxCost {
		p.quick = e.vocab.lower(checked.NativeRep())
	}
	return p, nil
}

// finish estimates the cost and plans the program.
func (e *engine) finish(p *program, checked *cel.Ast) error {
	est, err := e.env.EstimateCost(checked, sizes{})
	if err != nil {
		return fmt.Errorf("estimating the cost: %w", err)
	}
	p.cost = est.Max
	opts := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if p.cost > maxCost {
		opts = append(opts, cel.CostLimit(maxCost))
	}
	if p.prg, err = e.env.Program(checked, opts...); err != nil {
		return fmt.Errorf("preparing to run it: %w", err)
	}
	return nil
}

// wantBool asks for a truth value.
func wantBool(t *types.Type) string {
	if t.Kind() != types.BoolKind {
		return fmt.Sprintf("want true or false, the expression gives %s", t)
	}
	return ""
}

// wantValue asks for something that can be printed and written as JSON.
func wantValue(t *types.Type) string {
	inner := t
	if t.Kind() == types.ListKind {
		inner = t.Parameters()[0]
	}
	switch inner.Kind() {
	case types.BoolKind, types.IntKind, types.UintKind, types.DoubleKind, types.StringKind, types.TimestampKind, types.DurationKind:
		return ""
	}
	return fmt.Sprintf("want a plain value or a list of such, the expression gives %s", t)
}

// unknownPath gives the path of the unknown fact that an evaluation ran into, or
// "" where it failed for another reason.
func unknownPath(err error) string {
	var u *unknownFact
	if errors.As(err, &u) {
		return u.path
	}
	return ""
}
