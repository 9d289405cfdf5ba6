package report

import (
	_ "embed"
	"slices"
)

// The schema is made from the types of this package and their comments; the
// test that makes it also fails where it is not current.
//
//go:generate env UPDATE=1 go test -run ^TestSchemaIsCurrent$ .
//go:embed schema.json
var schema []byte

// Schema gives the JSON Schema (draft 2020-12) of a report in the format json.
// It allows fields that it does not know, because fields are only ever added.
func Schema() []byte { return slices.Clone(schema) }
