package rule

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// Limits on what is read as rules.
const (
	// maxFile is the size of a rule file: YAML trees are many times larger than
	// their text.
	maxFile = 64 << 10
	// maxFiles is the number of rules: someone will point --rules at a home
	// directory.
	maxFiles = 5000
)

// A Pack is a directory of rules from the user.
type Pack struct {
	Dir string // its name, for messages
	FS  fs.FS
}

// Options say what is loaded beside the shipped rules, and what runs. The zero
// value runs the stable shipped rules.
type Options struct {
	Packs []Pack
	// Experimental turns on the rules of that status.
	Experimental bool
}

// A place is where a rule file lies in its pack.
type place struct {
	dir  string // family, or empty for a file at the top of a user's pack
	base string
}

// Load reads, checks and compiles every rule of the shipped directory and the
// user's packs. It gives a set that is right in every respect, or everything
// that is wrong with every file as [*Error]s, joined. In the shipped directory
// every rule must be at family/id.yaml; in a pack it may also be at id.yaml.
// Files of other kinds are passed over.
func Load(shipped fs.FS, opts Options) (*Set, error) {
	e, err := newEngine()
	if err != nil {
		return nil, err
	}
	var inputs []input
	var errs []error
	for i, p := range append([]Pack{{"rules", shipped}}, opts.Packs...) {
		found, err := walk(p, i > 0)
		inputs, errs = append(inputs, found...), append(errs, err)
	}
	rules, err := e.loadAll(inputs)
	errs = append(errs, err, clashes(rules))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return newSet(e, rules, opts), nil
}

// An input is one rule file that was found.
type input struct {
	pack  Pack
	name  string // inside the pack
	place place
}

func (in input) path() string { return path.Join(in.pack.Dir, in.name) }

// walk finds the rule files of a pack.
func walk(p Pack, flat bool) ([]input, error) {
	var out []input
	var errs []error
	err := fs.WalkDir(p.FS, ".", func(name string, d fs.DirEntry, err error) error {
		in := input{pack: p, name: name}
		switch ext := path.Ext(name); {
		case err != nil:
			return fmt.Errorf("reading rules in %s: %w", in.path(), err)
		case d.IsDir() && name != "." && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir():
			return nil
		case ext == ".yml":
			errs = append(errs, &Error{Path: in.path(), Msg: "rule files end in .yaml", Hint: "rename it"})
			return nil
		case ext != ".yaml":
			return nil
		case len(out) == maxFiles:
			return fmt.Errorf("reading rules in %s: more than %d files", p.Dir, maxFiles)
		}
		in.place.base = path.Base(name)
		if dir := path.Dir(name); dir != "." {
			in.place.dir = dir
		}
		if hint := misplaced(in.place, flat); hint != "" {
			errs = append(errs, &Error{Path: in.path(), Msg: "a rule file in the wrong place", Hint: hint})
			return nil
		}
		out = append(out, in)
		return nil
	})
	return out, errors.Join(append(errs, err)...)
}

// misplaced says where a rule file belongs, or "" where it lies well.
func misplaced(p place, flat bool) string {
	family, _, _ := strings.Cut(p.base, "-")
	switch {
	case p.dir == "" && flat, slices.Contains(Families, p.dir):
		return ""
	case slices.Contains(Families, family):
		return "move it to " + family + "/" + p.base
	case flat:
		return "rules lie at the top of the pack or in a directory named after their family: " + strings.Join(Families, ", ")
	}
	return "rules lie in a directory named after their family: " + strings.Join(Families, ", ")
}

// loadAll loads the files side by side; what comes out is in their order.
func (e *engine) loadAll(inputs []input) ([]*Rule, error) {
	rules := make([]*Rule, len(inputs))
	errs := make([]error, len(inputs))
	parallel(len(inputs), func(i int) { rules[i], errs[i] = e.loadOne(inputs[i]) })
	return slices.DeleteFunc(rules, func(r *Rule) bool { return r == nil }), errors.Join(errs...)
}

// parallel calls f for 0 to n-1 on every processor.
func parallel(n int, f func(int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

func (e *engine) loadOne(in input) (*Rule, error) {
	data, err := readFile(in)
	if err != nil {
		return nil, err
	}
	return e.load(in.path(), in.place, data)
}

func readFile(in input) ([]byte, error) {
	file, err := in.pack.FS.Open(in.name)
	if err != nil {
		return nil, fmt.Errorf("reading rule %s: %w", in.path(), err)
	}
	defer file.Close()
	// A pipe or a device would never end.
	if info, err := file.Stat(); err != nil {
		return nil, fmt.Errorf("reading rule %s: %w", in.path(), err)
	} else if !info.Mode().IsRegular() {
		return nil, &Error{Path: in.path(), Msg: "not a regular file"}
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading rule %s: %w", in.path(), err)
	}
	if len(data) > maxFile {
		return nil, &Error{Path: in.path(), Msg: fmt.Sprintf("the file is larger than %d KiB", maxFile>>10), Hint: "put every rule into a file of its own"}
	}
	return data, nil
}

// load checks the bytes of one rule file.
func (e *engine) load(name string, p place, data []byte) (*Rule, error) {
	s := newSource(name, bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	f := new(File)
	if root := s.parseYAML(data); root != nil {
		s.decode(root, reflect.ValueOf(f).Elem(), "yaml", "")
		if r := s.check(e, f, p); r != nil {
			return r, nil
		}
	}
	slices.SortStableFunc(s.errs, func(a, b *Error) int { return cmp.Or(a.Line-b.Line, a.Col-b.Col) })
	errs := make([]error, len(s.errs))
	for i, e := range s.errs {
		errs[i] = e
	}
	return nil, errors.Join(errs...)
}

// clashes reports ids and aliases that two rules have.
func clashes(rules []*Rule) error {
	var errs []error
	owner := map[string]*Rule{}
	for _, r := range rules {
		for _, id := range append([]string{r.ID}, r.Aliases...) {
			if other := owner[id]; other != nil {
				errs = append(errs, &Error{Path: r.Path, Msg: fmt.Sprintf("the id %q is taken by %s", id, other.Path),
					Hint: "choose another id; ids are permanent and never reused"})
				continue
			}
			owner[id] = r
		}
	}
	return errors.Join(errs...)
}

// digest is the hash of a rule's content, whatever way it was written.
func (r *Rule) digest() [sha256.Size]byte {
	b, err := json.Marshal(r.file)
	if err != nil {
		panic(fmt.Sprintf("rule: encoding %s: %v", r.ID, err)) // plain values only
	}
	return sha256.Sum256(b)
}
