// Package rules carries the rule files that the program ships with. It holds
// bytes only: internal/rule reads, checks and runs them.
package rules

import "embed"

//go:generate go run github.com/certassay/certassay/internal/rule/generate

// FS holds every shipped rule as family/id.yaml. A family that has no directory
// yet has no rules; nothing else is in it.
//
//go:embed */*.yaml
var FS embed.FS
