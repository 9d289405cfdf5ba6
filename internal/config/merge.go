package config

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v4"
)

// maxConfigSize stops a mistaken path from being read into memory.
const maxConfigSize = 1 << 20

// merge sets the flags that were not given from the environment and the file.
func (f *Flags) merge(env Env) error {
	if v, ok := env("CERTASSAY_CONFIG"); ok && !f.fs.Changed("config") {
		f.config = v
	}
	file, err := readFile(f.config, f.fs)
	if err != nil {
		return err
	}
	var errs []error
	f.fs.VisitAll(func(flag *pflag.Flag) {
		if flag.Changed || flag.Name == "config" || flag.Name == "help" {
			return
		}
		name := envName(flag.Name)
		if v, ok := env(name); ok {
			if err := set(f.fs, flag, []string{v}); err != nil {
				errs = append(errs, fmt.Errorf("environment variable %s: %w", name, err))
			}
			return
		}
		if v, ok := file[flag.Name]; ok {
			if err := set(f.fs, flag, v.values); err != nil {
				errs = append(errs, fmt.Errorf("%s:%d:%d: %s: %w", f.config, v.line, v.column, flag.Name, err))
			}
		}
	})
	return errors.Join(errs...)
}

func envName(flag string) string {
	return "CERTASSAY_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func set(fs *pflag.FlagSet, flag *pflag.Flag, values []string) error {
	for _, v := range values {
		if err := fs.Set(flag.Name, v); err != nil {
			return err
		}
	}
	return nil
}

type fileValue struct {
	values       []string
	line, column int
}

// readFile reads a configuration file: a mapping of flag names to a value or a
// list of values. Every problem is reported with line and column.
func readFile(path string, fs *pflag.FlagSet) (map[string]fileValue, error) {
	if path == "" {
		return nil, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	if info.Size() > maxConfigSize {
		return nil, fmt.Errorf("reading configuration %s: larger than %d bytes", path, maxConfigSize)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	return decodeFile(path, text, fs)
}

func decodeFile(path string, text []byte, fs *pflag.FlagSet) (map[string]fileValue, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("reading configuration %s: %w", path, err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d:%d: want option names and values, such as \"format: json\"", path, root.Line, root.Column)
	}
	out := map[string]fileValue{}
	var errs []error
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, val := root.Content[i], root.Content[i+1]
		at := fmt.Sprintf("%s:%d:%d", path, key.Line, key.Column)
		_, twice := out[key.Value]
		switch values, ok := scalars(val); {
		case key.Value == "config" || key.Value == "help" || fs.Lookup(key.Value) == nil:
			errs = append(errs, fmt.Errorf("%s: unknown option %q; options have the names of flags", at, key.Value))
		case twice:
			errs = append(errs, fmt.Errorf("%s: option %q stands twice", at, key.Value))
		case !ok:
			errs = append(errs, fmt.Errorf("%s: option %q wants a value or a list of values", at, key.Value))
		default:
			out[key.Value] = fileValue{values, val.Line, val.Column}
		}
	}
	return out, errors.Join(errs...)
}

func scalars(n *yaml.Node) ([]string, bool) {
	switch n.Kind {
	case yaml.ScalarNode:
		return []string{n.Value}, true
	case yaml.SequenceNode:
		var out []string
		for _, e := range n.Content {
			if e.Kind != yaml.ScalarNode {
				return nil, false
			}
			out = append(out, e.Value)
		}
		return out, true
	}
	return nil, false
}

// Environment is the process's environment.
func Environment(name string) (string, bool) { return os.LookupEnv(name) }
