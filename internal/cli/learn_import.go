package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/cli/wholefile"
	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/expect/pinform"
	"github.com/certassay/certassay/internal/target"
)

// fromFile makes targets of the sets of the imported file: for the targets of the
// command line, or for the hosts that the file names.
func (l *lesson) fromFile(given *target.Set, now time.Time) ([]*student, error) {
	day := now.UTC().Format(time.DateOnly)
	var out []*student
	byID := map[string]*student{}
	add := func(t target.Target, raw string, set pinform.Set) {
		st := byID[t.ID()]
		if st == nil {
			st = &student{target: t, raw: raw, seen: day, imported: true}
			byID[t.ID()] = st
			out = append(out, st)
		}
		st.both, st.subdomains = st.both || set.Both, st.subdomains || set.Subdomains
		for _, p := range set.Pins {
			if slices.ContainsFunc(st.pins, func(q pinform.Pin) bool { return q.Same(p.Pin) && q.Until.Equal(p.Until) }) {
				continue
			}
			if p.Role == pinform.Any && l.pinSaid {
				p.Role = map[string]pinform.Role{pinLeaf: pinform.Leaf, pinIssuer: pinform.Issuer}[l.pin]
			}
			p.Note = fmt.Sprintf("imported %s from %s", day, filepath.Base(l.importedFrom))
			st.pins = append(st.pins, p)
		}
	}
	for _, set := range l.imported.Sets {
		if set.Subdomains {
			l.imported.Notes = append(l.imported.Notes, fmt.Sprintf("hosts below %s are meant, too; list those that you have, each is a target of its own", orHost(set.Host)))
		}
		found := false
		for spec := range given.Specs() {
			for t := range spec.All() {
				if set.Host == "" || set.Host == t.Host && (set.Port == 0 || set.Port == t.Port) {
					add(t, t.Raw, set)
					found = true
				}
			}
		}
		switch {
		case found || given.Len() > 0:
		case set.Host == "" && len(l.exports) > 0:
			add(target.Target{}, l.importedFrom, set)
			out[len(out)-1].nameless = true
		case set.Host == "":
			return nil, hint.With(fmt.Errorf("%s does not say whose pins these are", l.importedFrom), "name the target: certassay learn --import FILE example.org")
		default:
			text := targetText(set)
			spec, err := target.Parse(text, target.Defaults{})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", l.importedFrom, err)
			}
			for t := range spec.All() {
				add(t, text, set)
			}
		}
	}
	if len(out) == 0 {
		return nil, hint.With(fmt.Errorf("%s has no pins of the targets that were named", l.importedFrom), "leave the targets out to import all")
	}
	return out, nil
}

func orHost(host string) string {
	if host == "" {
		return "the host"
	}
	return host
}

// targetText is the target that a set is of: by a scheme where its port is one of
// a protocol that begins in the clear.
func targetText(s pinform.Set) string {
	if s.Transport == "udp" {
		return fmt.Sprintf("quic://%s:%d", s.Host, max(s.Port, 1))
	}
	switch s.Port {
	case 0, 443:
		return s.Host
	}
	for _, scheme := range target.Schemes() {
		if scheme.Port == s.Port && !scheme.Implicit {
			return scheme.Name + "://" + s.Host
		}
	}
	return fmt.Sprintf("%s:%d", s.Host, s.Port)
}

// writeExports writes the pins in the forms that were asked for.
func (l *lesson) writeExports(sets []pinform.Set) error {
	for _, e := range l.exports {
		of := make([]pinform.Set, 0, len(sets))
		left := 0
		for _, set := range sets {
			out := set
			out.Pins = nil
			for _, p := range set.Pins {
				switch {
				case e.format.Keys():
					if e.format == pinform.PEM && p.DER == "" {
						left++
						continue
					}
					out.Pins = append(out.Pins, p)
				case p.Of == expect.SPKI:
					left++
				default:
					out.Pins = append(out.Pins, p)
				}
			}
			if !e.format.Keys() {
				for _, c := range l.taught[set.Host+transportPort(set)] {
					out.Pins = append(out.Pins, pinform.OfCertificate(e.format, c, pinform.Any))
				}
			}
			of = append(of, out)
		}
		if len(of) == 0 {
			return nil // nothing was learnt, which was said
		}
		text, notes, err := pinform.Print(e.format, of)
		if err != nil {
			return fmt.Errorf("--export %s: %w", e.format, err)
		}
		if left > 0 {
			notes = append(notes, fmt.Sprintf("%d pins were left out: the form %s has no place for what is known of them", left, e.format))
		}
		for _, n := range notes {
			fmt.Fprintf(l.out, "note: --export %s: %s\n", e.format, n)
		}
		if e.path == "" {
			if _, err := l.stdout.Write(text); err != nil {
				return fmt.Errorf("writing pins: %w", err)
			}
			continue
		}
		l.wrote = true
		if err := writeWhole(e.path, text); err != nil {
			return err
		}
		fmt.Fprintf(l.out, "%s was written.\n", e.path)
	}
	return nil
}

func transportPort(s pinform.Set) string { return fmt.Sprintf(" %s %d", s.Transport, s.Port) }

// writeWhole writes a file whole or not at all.
func writeWhole(path string, text []byte) error {
	file, err := wholefile.Create(path)
	if err != nil {
		return fmt.Errorf("writing pins: %w", err)
	}
	if _, err := file.Write(text); err != nil {
		_ = file.Abandon() // the first error tells
		return fmt.Errorf("writing pins: %w", err)
	}
	if err := file.Complete(); err != nil {
		return fmt.Errorf("writing pins: %w", err)
	}
	return nil
}

// skeleton is an inventory without targets. The roots that were trusted for this
// run are named in it, or an audit would not trust them.
func (l *lesson) skeleton() []byte {
	var b strings.Builder
	b.WriteString("# What has to hold for each target; see: certassay schema inventory, certassay audit --help\nversion: 1\n")
	if len(l.trust) > 0 {
		b.WriteString("trust:\n")
	}
	for _, t := range l.trust {
		fmt.Fprintf(&b, "  %s: {roots: [%q]}\n", t.Name, t.Path)
	}
	return []byte(b.String())
}

// trustNames names the sets of a group that is begun with an inventory.
func (l *lesson) trustNames() []string {
	if len(l.trust) == 0 {
		return nil
	}
	names := []string{expect.PublicAnchors}
	for _, t := range l.trust {
		names = append(names, t.Name)
	}
	return names
}

// A namedRoot is a file of --roots as an inventory names it.
type namedRoot struct{ Name, Path string }

// nameRoots gives the files of --roots names, and paths from the inventory.
func nameRoots(roots []string, inventoryPath string) (out []namedRoot) {
	taken := map[string]bool{}
	base, err := filepath.Abs(filepath.Dir(inventoryPath))
	for _, r := range roots {
		if r == "-" {
			continue
		}
		name := strings.TrimSuffix(filepath.Base(r), filepath.Ext(r))
		name = "own-" + strings.Map(func(c rune) rune {
			if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
				return c
			}
			return '-'
		}, name)
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("%s-%d", strings.TrimRight(name, "-0123456789"), n)
		}
		taken[name] = true
		path := r
		if abs, absErr := filepath.Abs(r); err == nil && absErr == nil {
			path = abs
			if rel, relErr := filepath.Rel(base, abs); relErr == nil {
				path = rel
			}
		}
		out = append(out, namedRoot{name, filepath.ToSlash(path)})
	}
	return out
}
