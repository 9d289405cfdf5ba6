package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v4"
)

// maxConfigSize stops a mistaken path from being read into memory. An inventory
// may be as large.
const maxConfigSize = 8 << 20

// merge sets the flags that were not given from the environment and the file.
func (f *Flags) merge(env Env) error {
	if v, ok := env("CERTASSAY_CONFIG"); ok && !f.fs.Changed("config") {
		f.config = v
		f.origins["config"] = "environment CERTASSAY_CONFIG"
	}
	file, err := f.readConfig()
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
			f.origins[flag.Name] = "environment " + name
			return
		}
		if v, ok := file[flag.Name]; ok {
			if err := set(f.fs, flag, v.values); err != nil {
				errs = append(errs, fmt.Errorf("%s:%d:%d: %s: %w", f.config, v.line, v.column, flag.Name, err))
			}
			f.origins[flag.Name] = fmt.Sprintf("%s:%d:%d", f.config, v.line, v.column)
		}
	})
	return errors.Join(errs...)
}

// readConfig reads what --config names: options, or nothing where it is an
// inventory, which has a version.
func (f *Flags) readConfig() (map[string]fileValue, error) {
	if f.which.Inventory {
		f.inventory = f.config
		return nil, nil
	}
	if f.config == "" {
		return nil, nil
	}
	text, err := readFile(f.config)
	if err != nil {
		return nil, err
	}
	if isInventory(text) {
		f.inventory = f.config
		return nil, nil
	}
	return decodeFile(f.config, text, f.fs)
}

// isInventory says whether a file is meant to be an inventory, right or wrong: no
// option is called version. It need not be valid YAML to be meant so.
func isInventory(text []byte) bool {
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(line, []byte("version:")) {
			return true
		}
	}
	return false
}

// A Setting is an option with its value and where that comes from.
type Setting struct {
	Name, Value string
	// Origin is "default", "flag", "environment NAME" or "FILE:LINE:COLUMN".
	Origin string
}

// Settings lists all options by name, once [Flags.Config] was called.
func (f *Flags) Settings() []Setting {
	var out []Setting
	f.fs.VisitAll(func(flag *pflag.Flag) {
		if flag.Name == "help" {
			return
		}
		origin := f.origins[flag.Name]
		switch {
		case origin != "":
		case flag.Changed:
			origin = "flag"
		default:
			origin = "default"
		}
		out = append(out, Setting{flag.Name, flag.Value.String(), origin})
	})
	return out
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

func readFile(path string) ([]byte, error) {
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
	return text, nil
}

// decodeFile reads a configuration file: a mapping of flag names to a value or a
// list of values. Every problem is reported with line and column.
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
