package rule

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/operators"
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

// issues maps what CEL complains about, with hints where a name is nearly right.
// Parsed may be nil.
func (e *engine) issues(src string, iss *cel.Issues, parsed *cel.Ast) []fault {
	var out []fault
	for _, err := range iss.Errors() {
		f := fault{offset: offset(src, err.Location.Line(), err.Location.Column()), msg: err.Message}
		if parsed != nil {
			f.hint = e.hint(parsed.NativeRep(), err.ExprID)
		}
		out = append(out, f)
	}
	return out
}

// hint suggests a name for the expression that CEL does not know.
func (e *engine) hint(parsed *ast.AST, id int64) string {
	var found ast.Expr
	ast.PreOrderVisit(parsed.Expr(), ast.NewExprVisitor(func(x ast.Expr) {
		if x.ID() == id {
			found = x
		}
	}))
	switch {
	case found == nil:
		return ""
	case found.Kind() == ast.IdentKind:
		return suggest(found.AsIdent(), e.vocab.root.names())
	case found.Kind() == ast.SelectKind:
		name := found.AsSelect().FieldName()
		if r := e.resolve(found.AsSelect().Operand()); r != nil {
			if s := suggest(name, r.names()); s != "" {
				return s
			}
			return "known there are " + strings.Join(r.names(), ", ")
		}
		var all []string
		for _, f := range e.vocab.all() {
			all = append(all, f.name)
		}
		return suggest(name, all)
	}
	return ""
}

// resolve gives the group that a path such as cert.serial names, or nil.
func (e *engine) resolve(x ast.Expr) *record {
	var r *record
	var name string
	switch x.Kind() {
	case ast.IdentKind:
		r, name = e.vocab.root, x.AsIdent()
	case ast.SelectKind:
		r, name = e.resolve(x.AsSelect().Operand()), x.AsSelect().FieldName()
	}
	if r == nil || r.fields[name] == nil {
		return nil
	}
	return r.fields[name].group
}

// forbidden reports what the language allows and rules do not.
func (e *engine) forbidden(src string, parsed *cel.Ast) (out []fault) {
	info := parsed.NativeRep().SourceInfo()
	report := func(x ast.Expr, msg, hint string) {
		loc := info.GetStartLocation(x.ID())
		out = append(out, fault{offset(src, loc.Line(), loc.Column()), msg, hint})
	}
	ast.PreOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(x ast.Expr) {
		switch x.Kind() {
		case ast.StructKind:
			report(x, errNoFacts.Error(), "")
		case ast.CallKind:
			switch name := x.AsCall().FunctionName(); {
			case name == "has":
				report(x, "has() is not used in rules: it answers false where a fact is unknown",
					"leave it out; a rule that reads an unknown fact is inconclusive by itself")
			case name == "dyn":
				report(x, "dyn() is not used in rules: it hides types from the checks", "")
			case slices.Contains(loops, name) && x.AsCall().IsMemberFunction() && len(x.AsCall().Args()) > 1:
				v := x.AsCall().Args()[0]
				if v.Kind() == ast.IdentKind && e.vocab.root.fields[v.AsIdent()] != nil {
					report(v, fmt.Sprintf("the variable %s hides the fact of that name", v.AsIdent()), "choose another name")
				}
			}
		}
	}))
	return out
}

// loops are the macros that bind a variable.
var loops = []string{"all", "exists", "exists_one", "map", "filter"}

// operands reports groups of facts that are compared as a whole.
func (e *engine) operands(src string, checked *ast.AST) (out []fault) {
	ast.PreOrderVisit(checked.Expr(), ast.NewExprVisitor(func(x ast.Expr) {
		if x.Kind() != ast.CallKind {
			return
		}
		switch x.AsCall().FunctionName() {
		case operators.Equals, operators.NotEquals, operators.In:
			for _, arg := range x.AsCall().Args() {
				if holdsGroup(checked.GetType(arg.ID())) {
					loc := checked.SourceInfo().GetStartLocation(arg.ID())
					out = append(out, fault{offset(src, loc.Line(), loc.Column()),
						"a group of facts cannot be compared", "compare one of its facts"})
				}
			}
		}
	}))
	return out
}

func holdsGroup(t *types.Type) bool {
	return t.Kind() == types.StructKind || slices.ContainsFunc(t.Parameters(), holdsGroup)
}

// derive finds the facts that the checked expression reads.
func (e *engine) derive(p *program, checked *ast.AST) {
	paths := map[string]*field{}
	ast.PreOrderVisit(checked.Expr(), ast.NewExprVisitor(func(x ast.Expr) {
		switch x.Kind() {
		case ast.IdentKind:
			if f := e.vocab.root.fields[x.AsIdent()]; f != nil {
				paths[f.path] = f
			}
		case ast.SelectKind:
			if r := e.vocab.records[checked.GetType(x.AsSelect().Operand().ID()).TypeName()]; r != nil {
				if f := r.fields[x.AsSelect().FieldName()]; f != nil {
					paths[f.path] = f
				}
			}
		}
	}))
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		f := paths[path]
		if f.group == nil {
			p.reads = append(p.reads, path)
		}
		p.need(f)
	}
}

// need adds a fact and the groups around it.
func (p *program) need(f *field) {
	if f.parent != nil {
		p.need(f.parent)
	}
	if f.bit >= 0 && !p.needs.has(f.bit) {
		p.needs.set(f.bit)
		p.order = append(p.order, f)
	}
}

// sizes declares how large facts are taken to be when a cost is estimated.
type sizes struct{}

// EstimateSize implements cost.Estimator.
func (sizes) EstimateSize(n cost.AstNode) *cost.SizeEstimate {
	var size cost.SizeEstimate
	switch n.Type().Kind() {
	case types.ListKind, types.MapKind:
		size = cost.RangedSizeEstimate(0, maxItems)
	case types.StringKind, types.BytesKind:
		size = cost.RangedSizeEstimate(0, maxText)
	default:
		return nil
	}
	return &size
}

// EstimateCallCost implements cost.Estimator: the standard costs hold.
func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

// offset turns CEL's line (from 1) and column (from 0) into a number of
// characters from the start.
func offset(src string, line, col int) int {
	n := 0
	for _, l := range strings.SplitAfter(src, "\n") {
		if line <= 1 {
			break
		}
		line--
		n += utf8.RuneCountInString(l)
	}
	return n + max(col, 0)
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
