package inventory

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // time zones must not depend on what is installed, or on the environment

	"go.yaml.in/yaml/v4"

	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/target"
	"github.com/certassay/certassay/internal/waive"
)

// Limits on what an inventory may cost; it may come with a repository that is
// audited.
const (
	// maxFile is the size of one file of YAML, whose trees are many times
	// larger than its text. Ten thousand targets are half a megabyte.
	maxFile = 8 << 20
	// maxFiles is how many files are included, maxDepth how deeply: files that
	// include each other by a slip end there.
	maxFiles, maxDepth = 500, 8
	// maxTargets is how many targets all files and lists name.
	maxTargets = 1 << 20
)

// Options say where an inventory is read from.
type Options struct {
	// FS holds the directory of the inventory. Included files and lists are
	// read from it and from nowhere else.
	FS fs.FS
	// Dir is what a person would write before the name of a file in FS; "" for
	// the working directory.
	Dir string
	// Stdin is for targets_from with the file "-"; nil refuses that.
	Stdin io.Reader
	// At is when the waivers have to hold.
	At time.Time
	// Overlay is the contents of files that are read in place of those in FS,
	// by name: what an inventory would say if it were written so.
	Overlay map[string][]byte
}

// Load reads the inventory of this name, with all that it includes, and gives it
// or everything that is wrong.
func Load(name string, o Options) (*Inventory, error) {
	l := &loader{
		o: o, errs: &problems{}, seen: map[string]expect.Place{}, groups: map[string]expect.Place{},
		inv: &Inventory{single: map[string]*Entry{}, Waivers: new(waive.List)},
	}
	l.file(path.Clean(name), expect.Place{File: l.display(name)}, nil, nil)
	l.inv.resolveTrust(l.trust)
	if err := l.errs.join(); err != nil {
		return nil, err
	}
	return l.inv, nil
}

// A loader is an inventory while it is read.
type loader struct {
	o      Options
	inv    *Inventory
	errs   *problems
	seen   map[string]expect.Place // files, and where they were included
	groups map[string]expect.Place
	trust  []trustRef
	stdin  bool // it was read
	full   bool // maxTargets was reached, and reported
}

func (l *loader) display(name string) string { return path.Join(l.o.Dir, name) }

// read gives the bytes of a file below the directory of the inventory. from is
// the node that names it, nil for the inventory itself.
func (l *loader) read(name string, limit int64, from *yaml.Node, src *source) ([]byte, bool) {
	var data []byte
	report := func(hint, format string, args ...any) ([]byte, bool) {
		if from == nil {
			e := &Error{Place: expect.Place{File: l.display(name)}, Msg: printable(fmt.Sprintf(format, args...)), Hint: hint}
			if data != nil {
				e.Place.Line, e.Place.Col = 1, 1
			}
			l.errs.add(e)
		} else {
			src.bad(from, hint, format, args...)
		}
		return nil, false
	}
	var err error
	if data = l.o.Overlay[name]; data == nil {
		data, err = readFile(l.o.FS, name, limit)
	}
	switch {
	case err != nil:
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err // the path in it is not the one that a person knows
		}
		return report(unreadableHint, "cannot read %s: %v", l.display(name), err)
	case int64(len(data)) > limit:
		return report("split it, or take the targets from a list", "%s is larger than %d MiB", l.display(name), limit>>20)
	}
	return data, true
}

var errIrregular = errors.New("not a regular file")

// readFile reads up to a byte more than limit. What is no regular file is not
// opened: a pipe would never answer.
func readFile(fsys fs.FS, name string, limit int64) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errIrregular
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// inside gives the path of a file that another one names, relative to that one.
func (l *loader) inside(src *source, n *yaml.Node, dir, name string) (string, bool) {
	full := path.Join(dir, name)
	switch {
	case strings.ContainsAny(name, `\`):
		src.bad(n, "write slashes, on Windows, too", "%q: a path with backslashes", name)
	case strings.ContainsAny(name, "*?["):
		src.bad(n, "name every file, so that none is missed without a word", "%q: patterns are not used here", name)
	case path.IsAbs(name) || !fs.ValidPath(full):
		src.bad(n, `an inventory reads nothing outside its own directory; pipe it in: {file: "-"}`, "%q lies outside the directory of the inventory", name)
	default:
		return full, true
	}
	return "", false
}

// A part is the nodes of one file, before they are understood.
type part struct {
	include, defaults, trust, groups, waivers *yaml.Node
}

// file reads one file and what it includes. outer are the defaults of the file
// that includes it.
func (l *loader) file(name string, from expect.Place, n *yaml.Node, by *includer) {
	data, ok := l.read(name, maxFile, n, by.source())
	if !ok {
		return
	}
	l.seen[name] = from
	l.inv.Files = append(l.inv.Files, l.display(name))
	src := newSource(l.display(name), data, l.errs)
	root := src.document(data)
	if root == nil {
		return
	}
	var p part
	keep := func(into **yaml.Node) func(*yaml.Node) { return func(n *yaml.Node) { *into = n } }
	seen := src.mapping(root, "inventory", fileHints, fields{
		"version": func(n *yaml.Node) {
			if n.Value != "1" || n.Tag != "!!int" {
				src.bad(n, "this program reads version 1", "version: want 1, found %s", describe(n))
			}
		},
		"include": keep(&p.include), "defaults": keep(&p.defaults), "trust": keep(&p.trust),
		"groups": keep(&p.groups), "waivers": keep(&p.waivers),
	})
	src.need(root, "inventory", seen, "version")
	if seen == nil {
		return
	}
	l.part(&p, &includer{src, path.Dir(name), by.depth() + 1, by.defaultSettings()}, data)
}

var fileHints = map[string]string{
	"targets": "targets belong to a group: groups: [{name: …, targets: […]}]", "expect": "write it below defaults, a group or a target",
	"fail_on": "write it below defaults", "format": "this is an inventory; options such as format are given by flags", "name": "a group has a name",
}

// An includer is a file that may include others.
type includer struct {
	src      *source
	dir      string
	nesting  int
	settings []Setting
}

func (i *includer) source() *source {
	if i == nil {
		return nil
	}
	return i.src
}

func (i *includer) depth() int {
	if i == nil {
		return 0
	}
	return i.nesting
}

func (i *includer) defaultSettings() []Setting {
	if i == nil {
		return nil
	}
	return i.settings
}

// part understands one file: defaults first, since groups build on them.
func (l *loader) part(p *part, f *includer, data []byte) {
	src := f.src
	if p.defaults != nil {
		r := &reader{source: src, layer: layerDefaults}
		r.mapping(p.defaults, "defaults", nil, r.terms())
		f.settings = append(slices.Clip(f.settings), r.settings...)
		l.trust = append(l.trust, r.trust...)
	}
	if f.nesting == 1 {
		l.inv.defaults = f.settings
	}
	if p.trust != nil {
		src.trustSets(p.trust, path.Join(l.o.Dir, f.dir), func(n *yaml.Node, set *TrustSet) {
			if other := l.inv.TrustSet(set.Name); other != nil {
				src.bad(n, "give it another name, or put the roots of both into one set", "the trust set %q is already there: %s", set.Name, other.Place)
				return
			}
			l.inv.Trust = append(l.inv.Trust, set)
		})
	}
	if p.groups != nil {
		src.list(p.groups, "groups", func(n *yaml.Node) { l.group(n, f) })
	}
	if p.waivers != nil {
		list, err := waive.ParseNode(src.name, data, p.waivers, l.o.At)
		if err != nil {
			l.errs.add(err)
		}
		l.inv.Waivers = waive.Join(l.inv.Waivers, list)
	}
	if p.include != nil {
		src.list(p.include, "include", func(n *yaml.Node) { l.include(n, f) })
	}
}

func (l *loader) include(n *yaml.Node, f *includer) {
	text := f.src.text(n, "file to include")
	if text == "" {
		return
	}
	name, ok := l.inside(f.src, n, f.dir, text)
	if !ok {
		return
	}
	if first, ok := l.seen[name]; ok {
		f.src.bad(n, "include each file once, and none that includes this one", "%s is already part of this inventory: %s", l.display(name), first)
		return
	}
	if f.nesting >= maxDepth || len(l.seen) >= maxFiles {
		f.src.bad(n, "name the files in one place instead of having each include the next", "more than %d files, or nested deeper than %d", maxFiles, maxDepth)
		return
	}
	l.file(name, f.src.place(n), n, f)
}

// Hints that stand beside several errors.
const (
	targetHint     = "a target is a host, host:port, an address or range, or a URL such as https://host or smtp://host: certassay scan --help"
	unreadableHint = "a path is relative to the file that names it, and a regular file below the directory of the inventory, also behind links"
	otherGroup     = "a target belongs to one group: take it out of the other"
)

var groupHints = map[string]string{
	"hosts": "write targets", "hostnames": "write targets", "target": "write targets", "roots": `name a trust set under trust, and here: trust: [NAME]`,
	"keys": "write it below expect", "issuers": "write it below expect", "waivers": "waivers stand beside groups",
	"command": "certassay starts no program: pipe its output in, targets_from: {file: \"-\"}",
}

// group reads one group and its targets.
func (l *loader) group(n *yaml.Node, f *includer) {
	src := f.src
	g := &Group{Place: src.place(n), settings: f.settings}
	r := &reader{source: src, layer: layerGroup}
	var inline, lists *yaml.Node
	known := r.terms()
	known["name"] = func(n *yaml.Node) {
		g.Name, g.Place = src.text(n, "name"), src.place(n)
		if other, ok := l.groups[g.Name]; ok && g.Name != "" {
			src.bad(n, "give it another name, or put the targets into that one", "the group %q is already there: %s", g.Name, other)
			return
		}
		l.groups[g.Name] = g.Place
	}
	known["targets"] = func(n *yaml.Node) { inline = n }
	known["targets_from"] = func(n *yaml.Node) { lists = n }
	known["domains"] = func(n *yaml.Node) { g.Domains, g.DomainPlaces = src.domains(n) }
	known["issuance"] = func(n *yaml.Node) { g.Issuance = src.issuance(n) }
	seen := src.mapping(n, "group", groupHints, known)
	src.need(n, "group", seen, "name")
	if seen == nil {
		return
	}
	g.settings = append(slices.Clip(g.settings), r.settings...)
	l.trust = append(l.trust, r.trust...)
	l.inv.Groups = append(l.inv.Groups, g)
	if inline != nil {
		src.list(inline, "targets", func(n *yaml.Node) { l.target(n, src, g) })
	}
	switch {
	case lists == nil:
	case lists.Kind == yaml.SequenceNode:
		src.list(lists, "targets_from", func(n *yaml.Node) { l.targetsFrom(n, f, g) })
	default:
		l.targetsFrom(lists, f, g)
	}
}

// target reads one target: text, or a mapping with what holds for it alone.
func (l *loader) target(n *yaml.Node, src *source, g *Group) {
	e := &Entry{Group: g, Place: src.place(n)}
	at := n
	var address *yaml.Node
	if n.Kind == yaml.MappingNode {
		r := &reader{source: src, layer: layerTarget}
		known := r.terms()
		known["target"] = func(n *yaml.Node) { at = n }
		known["address"] = func(n *yaml.Node) {
			if address, e.Address = n, r.address(n); e.Address.IsValid() {
				r.one("address", n, func(*Terms) {})
			}
		}
		seen := src.mapping(n, "target", map[string]string{"host": "write target", "name": "write target", "url": "write target"}, known)
		src.need(n, "target", seen, "target")
		if !seen["target"] {
			return
		}
		e.settings = r.settings
		l.trust = append(l.trust, r.trust...)
		e.Place = src.place(at)
	}
	text := src.text(at, "target")
	if text == "" {
		return
	}
	spec, err := target.Parse(text, target.Defaults{})
	if err != nil {
		src.bad(at, targetHint, "%v", err)
		return
	}
	e.Spec = spec
	if address != nil && !e.named() {
		src.bad(address, "leave it out, or write the name as the target", "address: the target is one already")
	}
	if other, err := l.add(e, src); err != nil {
		src.bad(at, otherGroup, "the target is already listed in group %q: %s", other.Group.Name, other.Place)
	}
}

// named says whether the target is a name, which has to be resolved.
func (e *Entry) named() bool {
	for t := range e.Spec.All() {
		return !t.IsIP()
	}
	return false
}

func (s *source) address(n *yaml.Node) netip.Addr {
	addr, err := netip.ParseAddr(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || addr.Zone() != "" {
		s.bad(n, "the port belongs to the target", "address: want an IP address such as 192.0.2.1 or 2001:db8::1, without port")
		return netip.Addr{}
	}
	return addr
}

// add counts targets besides adding them.
func (l *loader) add(e *Entry, src *source) (*Entry, error) {
	if len(l.inv.entries) >= maxTargets {
		if !l.full {
			l.full = true
			src.at(e.Place, "split the inventory, and audit the parts one after the other", "more than %d targets", maxTargets)
		}
		return e, nil
	}
	return l.inv.add(e)
}

func (s *source) domains(n *yaml.Node) (domains []string, places []expect.Place) {
	domains = []string{}
	s.list(n, "domains", func(n *yaml.Node) {
		text := s.text(n, "domain")
		if text == "" {
			return
		}
		hint := "write .example.org for all below it and example.org for that name alone"
		if strings.HasPrefix(text, "*.") {
			s.bad(n, hint, "domain %q: no wildcards", text)
			return
		}
		host, ok := s.host(n, strings.TrimPrefix(text, "."))
		switch {
		case !ok:
		case !strings.Contains(host, ".") || strings.Contains(host, ":") || strings.Trim(host, "0123456789.") == "":
			s.bad(n, hint, "domain %q: want a domain of two labels or more", text)
		case strings.HasPrefix(text, "."):
			domains, places = append(domains, "."+host), append(places, s.place(n))
		default:
			domains, places = append(domains, host), append(places, s.place(n))
		}
	})
	return domains, places
}

func (s *source) issuance(n *yaml.Node) *Issuance {
	i := &Issuance{Zone: time.UTC}
	s.mapping(n, "issuance", nil, fields{
		"timezone": func(n *yaml.Node) {
			name := s.text(n, "timezone")
			// "Local" is what the environment says.
			zone, err := time.LoadLocation(name)
			if name == "" {
				return
			}
			if err != nil || name == "Local" {
				s.bad(n, "the names are those of the IANA database, as in /usr/share/zoneinfo", "timezone %q is unknown: want one such as Europe/Berlin or UTC", name)
				return
			}
			i.Zone = zone
		},
		"hours": func(n *yaml.Node) {
			from, to, ok := strings.Cut(n.Value, "-")
			start, err1 := time.Parse("15:04", from)
			end, err2 := time.Parse("15:04", to)
			if n.Kind != yaml.ScalarNode || !ok || err1 != nil || err2 != nil || len(n.Value) != len("08:00-20:00") || start.Equal(end) {
				s.bad(n, "from 00:00 to 24:00, in quotes; a night begins late and ends early: \"22:00-06:00\"", `hours: want two times of day, such as "08:00-20:00"`)
				return
			}
			midnight := start.Truncate(24 * time.Hour)
			i.From, i.To = start.Sub(midnight), end.Sub(midnight)
		},
		"renew_after": func(n *yaml.Node) {
			v, err := strconv.ParseFloat(n.Value, 64)
			if n.Tag != "!!float" && n.Tag != "!!int" || err != nil || !(v > 0 && v <= 1) {
				s.bad(n, "0.5 means: once half of a certificate's life is over", "renew_after: want a part of a certificate's life, above 0 and at most 1")
				return
			}
			i.RenewAfter = v
		},
	})
	return i
}
