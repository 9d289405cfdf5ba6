package rule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/parser"
)

// A Survivor is a change of a rule's condition that none of its tests notices:
// either a test is missing, or the term is not needed.
type Survivor struct {
	Rule    *Rule
	Key     string // "when" or "applies"
	Change  string // what was taken away
	Mutated string // the condition without it
}

// Error says what is missing.
func (s Survivor) Error() string {
	return fmt.Sprintf("%s: no test of %s notices %s without %s: %s", s.Rule.Path, s.Rule.ID, s.Key, s.Change, s.Mutated)
}

// Mutate changes the conditions of every rule that was loaded, one thing at a
// time - an operand of && or || left out, a ! left out, the whole of applies
// left out - and gives the changes under which every test still passes. Rules
// whose tests fail as they stand are passed over; see [Test].
func Mutate(s *Set) ([]Survivor, error) {
	survivors := make([][]Survivor, len(s.all))
	errs := make([]error, len(s.all))
	parallel(len(s.all), func(i int) { survivors[i], errs[i] = s.engine.mutate(s.all[i]) })
	return slices.Concat(survivors...), cmp.Or(errs...)
}

func (e *engine) mutate(r *Rule) (out []Survivor, err error) {
	if !e.passes(r) {
		return nil, nil
	}
	if r.applies != nil {
		without := *r
		without.applies = nil
		if e.passes(&without) {
			out = append(out, Survivor{r, "applies", "all of it", ""})
		}
	}
	for _, c := range []struct {
		key  string
		prog func(*Rule) **program
	}{
		{"applies", func(r *Rule) **program { return &r.applies }},
		{"when", func(r *Rule) **program { return &r.when }},
	} {
		p := *c.prog(r)
		if p == nil {
			continue
		}
		mutants, err := e.mutants(p.src)
		if err != nil {
			return nil, fmt.Errorf("changing %s of %s: %w", c.key, r.ID, err)
		}
		for _, m := range mutants {
			changed := *r
			prog, faults := e.compile(m.src, wantBool)
			if faults != nil {
				return nil, fmt.Errorf("changing %s of %s: %q does not compile: %s", c.key, r.ID, m.src, faults[0].msg)
			}
			*c.prog(&changed) = prog
			if e.passes(&changed) {
				out = append(out, Survivor{r, c.key, m.change, m.src})
			}
		}
	}
	return out, nil
}

type mutant struct{ change, src string }

// mutants gives every change of an expression as source text. It works on the
// tree as written, before macros are expanded, so that the && and || inside an
// expanded loop are no targets.
func (e *engine) mutants(src string) ([]mutant, error) {
	var out []mutant
	for site := 0; ; site++ {
		// A tree of its own for each: changes are made in place.
		parsed, iss := e.parser.Parse(src)
		if err := iss.Err(); err != nil {
			return nil, err
		}
		tree := parsed.NativeRep()
		target, operand := nth(tree.Expr(), site)
		if target == nil {
			return out, nil
		}
		change, err := parser.Unparse(operand, tree.SourceInfo())
		if err != nil {
			return nil, err
		}
		if target.AsCall().FunctionName() == operators.LogicalNot {
			change = "the ! before " + change
			target.SetKindCase(operand)
		} else {
			rest := slices.DeleteFunc(flat(target, target.AsCall().FunctionName()), func(x ast.Expr) bool { return x == operand })
			target.SetKindCase(chain(target.AsCall().FunctionName(), rest))
		}
		text, err := parser.Unparse(tree.Expr(), tree.SourceInfo())
		if err != nil {
			return nil, err
		}
		out = append(out, mutant{strings.TrimSpace(change), text})
	}
}

// nth gives the n-th thing to take away, counted from the root: the expression
// to change, and its operand. Both are nil behind the last.
func nth(root ast.Expr, n int) (target, operand ast.Expr) {
	inner := map[int64]bool{} // && below && and || below ||: counted with the outermost
	ast.PreOrderVisit(root, ast.NewExprVisitor(func(x ast.Expr) {
		if x.Kind() != ast.CallKind || operand != nil {
			return
		}
		var operands []ast.Expr
		switch name := x.AsCall().FunctionName(); name {
		case operators.LogicalNot:
			operands = x.AsCall().Args()
		case operators.LogicalAnd, operators.LogicalOr:
			for _, arg := range x.AsCall().Args() {
				if arg.Kind() == ast.CallKind && arg.AsCall().FunctionName() == name {
					inner[arg.ID()] = true
				}
			}
			if inner[x.ID()] {
				return
			}
			operands = flat(x, name)
		}
		if n < len(operands) {
			target, operand = x, operands[max(n, 0)]
		}
		n -= len(operands)
	}))
	return target, operand
}

// flat gives the operands of a chain of one operator.
func flat(x ast.Expr, name string) []ast.Expr {
	if x.Kind() != ast.CallKind || x.AsCall().FunctionName() != name {
		return []ast.Expr{x}
	}
	var out []ast.Expr
	for _, arg := range x.AsCall().Args() {
		out = append(out, flat(arg, name)...)
	}
	return out
}

// chain joins operands by an operator.
func chain(name string, operands []ast.Expr) ast.Expr {
	factory := ast.NewExprFactory()
	x := operands[0]
	for _, o := range operands[1:] {
		x = factory.NewCall(0, name, x, o)
	}
	return x
}
