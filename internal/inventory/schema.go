package inventory

import (
	_ "embed"
	"slices"
)

//go:embed schema.json
var schema []byte

// Schema gives the JSON Schema (draft 2020-12) of an inventory. It says all that
// is a matter of form; what refers to another place, such as the name of a trust
// set, or needs more than a pattern, such as a target, only [Load] can tell.
func Schema() []byte { return slices.Clone(schema) }
