package rule

import (
	"maps"
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
)

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
