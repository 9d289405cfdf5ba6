package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/certassay/certassay/internal/cli/exit"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/expect"
	"github.com/certassay/certassay/internal/expect/pinform"
	"github.com/certassay/certassay/internal/inventory"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/target"
)

// conclude says what was learnt, and writes what there is to write.
func (l *lesson) conclude(students []*student) error {
	var changes []inventory.Change
	var sets []pinform.Set
	learnt := false
	for _, s := range students {
		if s.refused == "" {
			l.plan(s, &changes, &sets)
		}
		learnt = learnt || s.refused == ""
		l.tell(s)
	}
	if l.imported != nil {
		for _, n := range l.imported.Notes {
			fmt.Fprintf(l.out, "note: %s\n", report.Escape(n))
		}
		fmt.Fprintln(l.out, "What was imported was compared with no server: that is what certassay audit does.")
	} else if learnt && l.pin != pinNone {
		fmt.Fprintln(l.out, firstUse)
	}
	if err := l.writeExports(sets); err != nil {
		return err
	}
	if len(changes) == 0 {
		if len(sets) > 0 && l.inv != nil && !students[0].nameless {
			fmt.Fprintf(l.out, "%s says so already.\n", l.path)
		}
		return nil
	}
	text, err := l.amended(changes)
	if err != nil {
		return err
	}
	if slices.Equal(text, l.old) {
		fmt.Fprintf(l.out, "%s says so already.\n", l.path)
		return nil
	}
	from := l.path
	if l.old == nil {
		from = os.DevNull
	}
	fmt.Fprintf(l.out, "\n%s", escapeLines(string(diff.Diff(from, l.old, l.path, text))))
	if !l.write {
		fmt.Fprintf(l.out, "\nNothing was written: add --write to write %s.\n", l.path)
		return nil
	}
	l.wrote = true
	if err := replaceFile(l.path, l.old, text); err != nil {
		return err
	}
	fmt.Fprintf(l.out, "\n%s was written.\n", l.path)
	return nil
}

// escapeLines makes a text of several lines safe to print.
func escapeLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = report.Escape(strings.TrimSuffix(strings.ReplaceAll(line, "\t", "    "), "\r"))
	}
	return strings.Join(lines, "\n")
}

// tell prints what came of one target.
func (l *lesson) tell(s *student) {
	name := report.Escape(s.raw)
	if s.refused != "" {
		fmt.Fprintf(l.out, "%s: nothing learnt: %s\n", name, report.Escape(s.refused))
		for _, r := range s.reasons {
			fmt.Fprintf(l.out, "  %s\n", report.Escape(r))
		}
		return
	}
	if s.imported {
		fmt.Fprintf(l.out, "%s: from %s\n", name, report.Escape(l.importedFrom))
	} else {
		fmt.Fprintf(l.out, "%s: %s, anchor %s, seen %s at %s\n", name, s.verdict, s.anchor, s.seen, report.Escape(strings.Join(s.from, ", ")))
	}
	for _, p := range s.pins {
		fmt.Fprintf(l.out, "  %s  %s\n", p.Pin, report.Escape(p.Note))
	}
	if l.imported == nil && l.pin == pinLeaf && len(s.pins) < 2 {
		fmt.Fprintf(l.out, "  no key in reserve is pinned; make one, keep it elsewhere, and name it: --backup key.pem\n")
	}
}

// plan decides what is written of a target.
func (l *lesson) plan(s *student, changes *[]inventory.Change, sets *[]pinform.Set) {
	role := map[string]pinform.Role{pinLeaf: pinform.Leaf, pinIssuer: pinform.Issuer}[l.pin]
	for _, c := range s.certs {
		p := pinform.OfKey(c.SPKI, role)
		p.Note = "learnt " + s.seen + ", trust on first use"
		if l.pin == pinIssuer {
			p.Note = c.Subject.String() + ", " + p.Note
		}
		s.pins = append(s.pins, p)
	}
	for _, p := range l.backups {
		if slices.ContainsFunc(s.pins, func(q pinform.Pin) bool { return q.Same(p.Pin) }) {
			s.refuse(exit.Findings, fmt.Sprintf("the key in reserve, %s, is the one that is served", p.Pin))
			return
		}
		p.Role = role
		s.pins = append(s.pins, p)
	}
	if s.nameless {
		*sets = append(*sets, pinform.Set{Pins: s.pins, Both: s.both, Subdomains: s.subdomains})
		return
	}
	c := inventory.Change{Target: s.raw, Group: l.group, Replace: l.replace, Notes: map[string]string{}}
	if !s.imported {
		c.Comment = fmt.Sprintf("seen %s at %s; trust on first use, compare with the owner's keys", s.seen, strings.Join(s.from, ", "))
	}
	entry, terms := l.listed(s.target)
	own := entry != nil && entry.Place.File == l.display()
	switch {
	case entry != nil && own && !entry.Spec.Prefix().IsValid():
		c.Place = entry.Place
	case entry != nil && !entry.Spec.Prefix().IsValid():
		s.refuse(exit.Incomplete, fmt.Sprintf("it is listed in %s, which is not edited here", entry.Place),
			"write below its group, or move it to "+l.path+": keys: "+strings.Join(pinTexts(s.pins), ", "))
		return
	case entry != nil:
		c.Group = entry.Group.Name
	}
	c.Trust = l.trustNames()
	l.fill(&c, s, terms)
	final := s.pins
	if !l.replace && l.imported == nil {
		for _, p := range terms.Expect.Keys {
			if l.pin == pinLeaf && !slices.ContainsFunc(final, func(q pinform.Pin) bool { return q.Same(p) }) {
				final = append(slices.Clip(final), pinform.Pin{Pin: p, Role: role})
			}
		}
	}
	set := pinform.Set{Host: s.target.Host, Port: s.target.Port, Transport: transportOf(s.target), Pins: final, Both: s.both, Subdomains: s.subdomains}
	l.taught[set.Host+transportPort(set)] = s.certs
	*sets = append(*sets, set)
	if entry != nil && l.says(s, terms) {
		return
	}
	*changes = append(*changes, c)
}

func pinTexts(pins []pinform.Pin) (out []string) {
	for _, p := range pins {
		out = append(out, p.Pin.String())
	}
	return out
}

// fill gives a change its lists. A list of a target hides that of its group, so
// what the group says is taken over.
func (l *lesson) fill(c *inventory.Change, s *student, terms inventory.Terms) {
	for _, p := range s.pins {
		if l.issues(p) {
			c.Issuers = append(c.Issuers, expect.Issuer{Key: p.Pin})
			c.Notes[p.Pin.String()] = p.Note
			continue
		}
		c.Keys = append(c.Keys, p.Pin)
	}
	if l.replace {
		return
	}
	if len(c.Keys) > 0 {
		c.Keys = expect.Unique(slices.Concat(terms.Expect.Keys, c.Keys))
	}
	for i, issuer := range terms.Expect.Issuers {
		if len(c.Issuers) > 0 && !slices.ContainsFunc(c.Issuers, func(o expect.Issuer) bool { return o.String() == issuer.String() }) {
			c.Issuers = slices.Insert(c.Issuers, min(i, len(c.Issuers)), issuer)
		}
	}
}

// issues says that a pin belongs among the issuers: it was learnt as one, or the
// file wants an issuer to match besides the leaf.
func (l *lesson) issues(p pinform.Pin) bool {
	if l.imported == nil {
		return l.pin == pinIssuer
	}
	return p.Role == pinform.Issuer && p.Of == expect.SPKI && p.Hash == expect.SHA256 &&
		slices.ContainsFunc(l.imported.Sets, func(s pinform.Set) bool { return s.Both })
}

// says is whether the inventory holds all of a target's pins already.
func (l *lesson) says(s *student, terms inventory.Terms) bool {
	for _, p := range s.pins {
		if l.issues(p) {
			if !slices.ContainsFunc(terms.Expect.Issuers, func(i expect.Issuer) bool { return i.CA == "" && i.Key.Same(p.Pin) }) {
				return false
			}
			continue
		}
		if !slices.ContainsFunc(terms.Expect.Keys, p.Pin.Same) {
			return false
		}
	}
	return !l.replace || len(s.pins) == 0 || len(terms.Expect.Keys)+len(terms.Expect.Issuers) == len(s.pins)
}

// listed finds what the inventory says of a target.
func (l *lesson) listed(t target.Target) (*inventory.Entry, inventory.Terms) {
	if l.inv == nil {
		return nil, inventory.Terms{}
	}
	if e := l.inv.Find(t.ID()); e != nil {
		return e, e.Terms()
	}
	for _, g := range l.inv.Groups {
		if g.Name == l.group {
			return nil, g.Terms()
		}
	}
	return nil, l.inv.Defaults()
}

// display is how the inventory names itself in places.
func (l *lesson) display() string {
	if l.inv == nil || len(l.inv.Files) == 0 {
		return filepath.ToSlash(l.path)
	}
	return l.inv.Files[0]
}

func transportOf(t target.Target) string {
	if t.Scheme == "quic" {
		return "udp"
	}
	return "tcp"
}

// amended is the inventory with the changes, read again and compared with what
// was meant.
func (l *lesson) amended(changes []inventory.Change) ([]byte, error) {
	text := l.old
	if text == nil {
		text = l.skeleton()
	}
	text, err := inventory.Amend(text, changes)
	if err != nil {
		return nil, hint.With(err, "write the pins into the inventory yourself; they are shown above")
	}
	root, err := os.OpenRoot(filepath.Dir(l.path))
	if err != nil {
		return nil, fmt.Errorf("reading inventory: %w", err)
	}
	defer root.Close() //nolint:errcheck // it was read from alone
	name := filepath.Base(l.path)
	inv, err := inventory.Load(name, inventory.Options{FS: root.FS(), At: l.at, Overlay: map[string][]byte{name: text}})
	if err != nil {
		return nil, hint.With(fmt.Errorf("what would be written cannot be read: %w", err), "this is a bug of certassay; please report it. Nothing was written")
	}
	for _, c := range changes {
		if err := checkAmended(inv, c); err != nil {
			return nil, hint.With(err, "this is a bug of certassay; please report it. Nothing was written")
		}
	}
	return text, nil
}

var errLost = errors.New("what would be written does not say what was learnt")

// checkAmended says whether an inventory says what a change was to make it say.
func checkAmended(inv *inventory.Inventory, c inventory.Change) error {
	spec, err := target.Parse(c.Target, target.Defaults{})
	if err != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	for t := range spec.All() {
		e := inv.Find(t.ID())
		if e == nil {
			return fmt.Errorf("%w: %s is not listed", errLost, c.Target)
		}
		terms := e.Terms()
		for _, p := range c.Keys {
			if !slices.ContainsFunc(terms.Expect.Keys, p.Same) {
				return fmt.Errorf("%w: %s of %s", errLost, p, c.Target)
			}
		}
		for _, i := range c.Issuers {
			if !slices.ContainsFunc(terms.Expect.Issuers, func(o expect.Issuer) bool { return o.String() == i.String() }) {
				return fmt.Errorf("%w: %s of %s", errLost, i, c.Target)
			}
		}
		if c.Replace && (len(c.Keys) > 0 && len(terms.Expect.Keys) != len(c.Keys) || len(c.Issuers) > 0 && len(terms.Expect.Issuers) != len(c.Issuers)) {
			return fmt.Errorf("%w: %s has pins that were to go", errLost, c.Target)
		}
	}
	return nil
}
