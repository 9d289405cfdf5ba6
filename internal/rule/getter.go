package rule

import (
	"reflect"
	"time"

	"cel.dev/cel-go/common/types"
)

// getter gives the function that CEL reads the fact with. It is built once; the
// argument is a pointer to the struct that the fact stands in.
func (f *field) getter(v *vocabulary) func(any) (any, error) {
	value := f.valuer(v)
	return func(target any) (any, error) {
		s := reflect.ValueOf(target)
		if s.Kind() != reflect.Pointer || s.IsNil() {
			return nil, f.unknown
		}
		fv := s.Elem().Field(f.index)
		if f.nilable {
			if fv.IsNil() {
				return nil, f.unknown
			}
			if fv.Kind() == reflect.Pointer && f.group == nil {
				fv = fv.Elem()
			}
		}
		return value(fv), nil
	}
}

func (f *field) valuer(v *vocabulary) func(reflect.Value) any {
	switch {
	case f.group != nil:
		return func(fv reflect.Value) any {
			if fv.Kind() != reflect.Pointer {
				fv = fv.Addr()
			}
			return &object{fv.Interface(), f.group}
		}
	case f.elem != nil:
		return func(fv reflect.Value) any { return newList(v, fv, f.elem) }
	}
	switch f.typ.Kind() {
	case types.BoolKind:
		return func(fv reflect.Value) any { return types.Bool(fv.Bool()) }
	case types.IntKind:
		return func(fv reflect.Value) any { return types.Int(fv.Int()) }
	case types.DoubleKind:
		return func(fv reflect.Value) any { return types.Double(fv.Float()) }
	case types.StringKind:
		return func(fv reflect.Value) any { return types.String(fv.String()) }
	case types.TimestampKind:
		return func(fv reflect.Value) any { return types.Timestamp{Time: fv.Interface().(time.Time)} }
	}
	return func(fv reflect.Value) any { return v.adapter.NativeToValue(fv.Interface()) } // lists of scalars
}
