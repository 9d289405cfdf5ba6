package given

import (
	"fmt"
	"os"

	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/rule"
	"github.com/certassay/certassay/rules"
)

// Rules loads the shipped rules and the user's directories.
func Rules(dirs []string) (*rule.Set, error) {
	var opts rule.Options
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil {
			return nil, fmt.Errorf("reading rules: %w", err)
		}
		if !info.IsDir() {
			return nil, hint.With(fmt.Errorf("reading rules: %s is no directory", dir), "give the directory that holds the rule files")
		}
		opts.Packs = append(opts.Packs, rule.Pack{Dir: dir, FS: os.DirFS(dir)})
	}
	return rule.Load(rules.FS, opts)
}
