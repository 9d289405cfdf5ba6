package rule

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

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
		return didYouMean(found.AsIdent(), e.vocab.root.names())
	case found.Kind() == ast.SelectKind:
		name := found.AsSelect().FieldName()
		if r := e.resolve(found.AsSelect().Operand()); r != nil {
			if s := didYouMean(name, r.names()); s != "" {
				return s
			}
			return "known there are " + strings.Join(r.names(), ", ")
		}
		var all []string
		for _, f := range e.vocab.all() {
			all = append(all, f.name)
		}
		return didYouMean(name, all)
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
