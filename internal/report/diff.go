package report

import (
	"fmt"
	"io"
	"slices"

	"github.com/certassay/certassay/internal/finding"
)

// Changes is what differs between two reports. Lists are in the order of the
// reports and never nil.
type Changes struct {
	// New are findings that only the new report has.
	New []Change `json:"new"`
	// Resolved are findings of the old report that the new one checked again
	// and does not have.
	Resolved []Change `json:"resolved"`
	// Unchecked are findings of the old report that the new one does not have
	// and could not have: the subject is gone or incomplete, or the rule could
	// not be decided. They are not resolved.
	Unchecked []Change `json:"unchecked"`
	// Known are findings of both.
	Known []Change `json:"known"`
	// Unsilenced are those of Known that a baseline does not make known: proofs,
	// and what was waived and is waived no more.
	Unsilenced []Change `json:"unsilenced"`
	// Appeared and Gone are subjects that only one of the reports has.
	Appeared []SubjectVerdict `json:"appeared"`
	Gone     []SubjectVerdict `json:"gone"`
	// Verdicts are subjects of both whose verdict is another.
	Verdicts []VerdictChange `json:"verdicts"`
	// Keys are subjects of both whose leaf has another key. A new key alone
	// is never a finding.
	Keys []KeyChange `json:"keys"`
}

// Change is one finding, by its fingerprint, and the subjects that have it.
type Change struct {
	Subjects []string        `json:"subjects"`
	Finding  finding.Finding `json:"finding"`
	// Source is where an inventory lists the first of the subjects that it still
	// lists; absent where it lists none.
	Source *Source `json:"source,omitempty"`
}

// SubjectVerdict is a subject and its verdict.
type SubjectVerdict struct {
	Subject string          `json:"subject"`
	Verdict finding.Verdict `json:"verdict"`
}

// VerdictChange is a subject whose verdict changed.
type VerdictChange struct {
	Subject string          `json:"subject"`
	Old     finding.Verdict `json:"old"`
	New     finding.Verdict `json:"new"`
}

// KeyChange is a subject whose leaf has another key.
type KeyChange struct {
	Subject string `json:"subject"`
	Old     string `json:"old"`
	New     string `json:"new"`
}

// Diff compares two reports: findings by fingerprint, subjects by id.
func Diff(before, after *Document) *Changes {
	c := &Changes{New: []Change{}, Resolved: []Change{}, Unchecked: []Change{}, Known: []Change{}, Unsilenced: []Change{},
		Appeared: []SubjectVerdict{}, Gone: []SubjectVerdict{}, Verdicts: []VerdictChange{}, Keys: []KeyChange{}}
	c.subjects(before, after)
	had, has := byFingerprint(before), byFingerprint(after)
	for _, change := range has.list {
		at := had.index[change.Finding.Fingerprint]
		if at == 0 {
			c.New = append(c.New, change)
			continue
		}
		c.Known = append(c.Known, change)
		was := &had.list[at-1].Finding
		if change.Finding.Waiver == nil && (change.Finding.Confidence == finding.Proof || was.Confidence == finding.Proof || was.Waiver != nil) {
			c.Unsilenced = append(c.Unsilenced, change)
		}
	}
	now := byID(after)
	for _, change := range had.list {
		for _, id := range change.Subjects {
			if s := now[id]; s != nil && change.Source == nil {
				change.Source = s.Source
			}
		}
		switch {
		case has.index[change.Finding.Fingerprint] > 0:
		case !after.Tool.left(&change.Finding) && checkedAgain(&change, before, now):
			c.Resolved = append(c.Resolved, change)
		default:
			c.Unchecked = append(c.Unchecked, change)
		}
	}
	return c
}

// subjects compares which subjects there are, and what they are.
func (c *Changes) subjects(before, after *Document) {
	was, now := byID(before), byID(after)
	for i := range before.Subjects {
		if s := &before.Subjects[i]; now[s.ID] == nil {
			c.Gone = append(c.Gone, SubjectVerdict{s.ID, s.Verdict})
		}
	}
	for i := range after.Subjects {
		s := &after.Subjects[i]
		old := was[s.ID]
		if old == nil {
			c.Appeared = append(c.Appeared, SubjectVerdict{s.ID, s.Verdict})
			continue
		}
		if old.Verdict != s.Verdict {
			c.Verdicts = append(c.Verdicts, VerdictChange{s.ID, old.Verdict, s.Verdict})
		}
		oldKey, newKey := before.leafKey(old), after.leafKey(s)
		if oldKey != "" && newKey != "" && oldKey != newKey {
			c.Keys = append(c.Keys, KeyChange{s.ID, oldKey, newKey})
		}
	}
}

func (d *Document) leafKey(s *Subject) string {
	if len(s.Chain) == 0 {
		return ""
	}
	return d.Certificates[s.Chain[0]].SPKISHA256
}

func byID(d *Document) map[string]*Subject {
	m := map[string]*Subject{}
	for i := range d.Subjects {
		m[d.Subjects[i].ID] = &d.Subjects[i]
	}
	return m
}

type fingerprints struct {
	list  []Change
	index map[string]int // place in list, counted from 1
}

func byFingerprint(d *Document) fingerprints {
	f := fingerprints{index: map[string]int{}}
	for i := range d.Subjects {
		s := &d.Subjects[i]
		for _, found := range s.Findings {
			at := f.index[found.Fingerprint]
			if at == 0 {
				f.list = append(f.list, Change{Finding: found})
				at = len(f.list)
				f.index[found.Fingerprint] = at
			}
			// A subject's findings stand together: its id can only be the last.
			if ids := &f.list[at-1].Subjects; len(*ids) == 0 || (*ids)[len(*ids)-1] != s.ID {
				*ids = append(*ids, s.ID)
			}
		}
	}
	return f
}

// checkedAgain says whether every subject that had the finding was looked at
// again, whole, with that rule decided. What was said of all subjects together is
// checked again where all of them were.
func checkedAgain(c *Change, before *Document, now map[string]*Subject) bool {
	for _, id := range c.Subjects {
		s := now[id]
		switch {
		case id == corpusID && !lookedAtAll(before, now):
			return false
		case id != corpusID && (s == nil || !s.Decided(c.Finding.Rule)):
			return false
		}
	}
	return true
}

// corpusID is the id of the subject that all certificates of a run are together.
// A run in which nothing speaks against them has no such subject.
const corpusID = "corpus"

// lookedAtAll says whether every subject that had a chain or a finding was looked
// at again, and whole.
func lookedAtAll(before *Document, now map[string]*Subject) bool {
	for i := range before.Subjects {
		s := &before.Subjects[i]
		if s.ID == corpusID || len(s.Chain)+len(s.Findings) == 0 {
			continue
		}
		if again := now[s.ID]; again == nil || !again.Whole() {
			return false
		}
	}
	if all := now[corpusID]; all != nil {
		return all.Complete
	}
	return true
}

// WriteJSON writes the changes as one JSON object.
func (c *Changes) WriteJSON(w io.Writer) error {
	line, err := marshal(c)
	if err != nil {
		return fmt.Errorf("writing changes: %w", err)
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// WriteText writes the changes for people; of the options it knows Color and
// Width.
func (c *Changes) WriteText(w io.Writer, o Options) error {
	p := newPage(&newText(w, o).o)
	changedFindings(p, red, "NEW", c.New)
	// The others, such as a signature by SHA-1, are in the JSON form.
	urgent := slices.DeleteFunc(slices.Clone(c.Unsilenced), func(c Change) bool { return !pressing(&c.Finding) })
	changedFindings(p, red, "STILL THERE, AND NO BASELINE SILENCES IT", urgent)
	changedFindings(p, yellow, "NOT CHECKED AGAIN", c.Unchecked)
	changedFindings(p, green, "RESOLVED", c.Resolved)
	for _, v := range c.Verdicts {
		p.para(0, o.paint(bold, "VERDICT")+"  ", fmt.Sprintf("%s: %s, was %s", outside(v.Subject), v.New, v.Old))
	}
	for _, k := range c.Keys {
		p.para(0, o.paint(bold, "KEY")+"  ", fmt.Sprintf("%s: %s, was %s", outside(k.Subject), outside(k.New), outside(k.Old)))
	}
	for _, s := range c.Appeared {
		p.para(0, o.paint(bold, "APPEARED")+"  ", fmt.Sprintf("%s: %s", outside(s.Subject), s.Verdict))
	}
	for _, s := range c.Gone {
		p.para(0, o.paint(bold, "GONE")+"  ", fmt.Sprintf("%s: was %s", outside(s.Subject), s.Verdict))
	}
	p.para(0, "", fmt.Sprintf("Findings: %d new, %d known, %d resolved, %d not checked again. Subjects: %d appeared, %d gone.",
		len(c.New), len(c.Known), len(c.Resolved), len(c.Unchecked), len(c.Appeared), len(c.Gone)))
	_, err := io.WriteString(w, p.String())
	return err
}

func changedFindings(p *page, st style, word string, list []Change) {
	for _, change := range list {
		f := &change.Finding
		waived := ""
		if f.Waiver != nil {
			waived = ", waived"
		}
		p.para(0, p.o.paint(st, word)+"  ", fmt.Sprintf("%s: %s (%s%s)", f.Severity, prose(f.Title), outside(f.Rule), waived))
		for i, id := range change.Subjects {
			if i == maxItems {
				p.para(4, "", fmt.Sprintf("… and %d more", len(change.Subjects)-i))
				break
			}
			p.para(4, "", outside(id))
		}
	}
}
