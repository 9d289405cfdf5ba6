package rule

import (
	"errors"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/certassay/certassay/internal/facts"
)

// An unknownFact is the error of reading a fact that is not known. It is never a
// value: CEL carries it to the result unless the rest decides without it.
type unknownFact struct{ path string }

func (e *unknownFact) Error() string { return "unknown: " + e.path }

// provider tells CEL the types of facts.
type provider struct {
	types.Provider
	*vocabulary
}

var errNoFacts = errors.New("an expression cannot make facts")

// FindStructType implements types.Provider.
func (p provider) FindStructType(name string) (*types.Type, bool) {
	if r, ok := p.records[name]; ok {
		return types.NewTypeTypeWithParam(r.typ), true
	}
	return nil, false
}

// FindStructFieldNames implements types.Provider.
func (p provider) FindStructFieldNames(name string) ([]string, bool) {
	if r, ok := p.records[name]; ok {
		return r.names(), true
	}
	return nil, false
}

// FindStructFieldType implements types.Provider.
func (p provider) FindStructFieldType(name, fieldName string) (*types.FieldType, bool) {
	if r, ok := p.records[name]; ok {
		if f, ok := r.fields[fieldName]; ok {
			return f.cel, true
		}
	}
	return nil, false
}

// NewValue implements types.Provider.
func (p provider) NewValue(string, map[string]ref.Val) ref.Val { return types.WrapErr(errNoFacts) }

// NativeToValue implements types.Adapter. Facts come as CEL values already.
func (p provider) NativeToValue(v any) ref.Val {
	if val, ok := v.(ref.Val); ok {
		return val
	}
	return p.adapter.NativeToValue(v)
}

// An object is a group of facts as a CEL value: a pointer to its struct.
type object struct {
	ptr any
	rec *record
}

// ConvertToNative implements ref.Val.
func (o *object) ConvertToNative(reflect.Type) (any, error) { return nil, errWholeGroup }

// ConvertToType implements ref.Val.
func (o *object) ConvertToType(ref.Type) ref.Val { return types.WrapErr(errWholeGroup) }

// Equal implements ref.Val. Groups are refused as operands when a rule is
// loaded; where one slips through, there is no answer rather than a wrong one.
func (o *object) Equal(ref.Val) ref.Val { return types.WrapErr(errWholeGroup) }

// Type implements ref.Val.
func (o *object) Type() ref.Type { return o.rec.typ }

// Value implements ref.Val: what the getters of the record's fields take.
func (o *object) Value() any { return o.ptr }

var errWholeGroup = errors.New("a group of facts has no value of its own")

// newList wraps a []struct without copying the structs.
func newList(v *vocabulary, s reflect.Value, elem *record) ref.Val {
	objects := make([]object, s.Len())
	vals := make([]ref.Val, s.Len())
	for i := range objects {
		objects[i] = object{s.Index(i).Addr().Interface(), elem}
		vals[i] = &objects[i]
	}
	return types.NewRefValList(v.adapter, vals)
}

// An activation binds the names of one subject's facts. Values are made when
// they are first read and kept for the rules that follow: it serves one
// goroutine.
type activation struct {
	vocab *vocabulary
	facts *facts.Facts
	cache []any
}

func (v *vocabulary) activate(f *facts.Facts) *activation {
	return &activation{vocab: v, facts: f, cache: make([]any, len(v.root.order))}
}

// ResolveName implements cel.Activation.
func (a *activation) ResolveName(name string) (any, bool) {
	f, ok := a.vocab.root.fields[name]
	if !ok {
		return nil, false
	}
	if a.cache[f.position] == nil {
		val, err := f.cel.GetFrom(a.facts)
		if err != nil {
			val = types.WrapErr(err)
		}
		a.cache[f.position] = val
	}
	return a.cache[f.position], true
}

// Parent implements cel.Activation.
func (a *activation) Parent() cel.Activation { return nil }
