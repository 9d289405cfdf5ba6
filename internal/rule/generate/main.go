// Command generate writes what is derived from the rule files: INDEX.md and
// schema.json. It runs in the directory of the rules; see "go generate ./rules".
package main

import (
	"fmt"
	"os"

	"github.com/certassay/certassay/internal/rule"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run() error {
	// From the disk, not from package rules: that was compiled before.
	set, err := rule.Load(os.DirFS("."), rule.Options{})
	if err != nil {
		return fmt.Errorf("loading the rules:\n%w", err)
	}
	if err := os.WriteFile("INDEX.md", []byte(rule.Index(set)), 0o644); err != nil {
		return fmt.Errorf("writing the index: %w", err)
	}
	schema, err := rule.Schema()
	if err != nil {
		return err
	}
	if err := os.WriteFile("schema.json", schema, 0o644); err != nil {
		return fmt.Errorf("writing the schema: %w", err)
	}
	return nil
}
