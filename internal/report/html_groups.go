package report

import (
	"cmp"
	"slices"

	"github.com/certassay/certassay/internal/finding"
)

// group counts a subject that an inventory lists.
func (h *htmlWriter) group(s *Subject) {
	if s.Group == "" && s.Owner == "" {
		return
	}
	key := groupKey{outside(s.Group), outside(s.Owner)}
	if h.groups[key] == nil {
		h.groups[key] = &VerdictCounts{}
	}
	if p := h.groups[key].at(s.Verdict); p != nil {
		*p++
	}
}

// groupTable lists groups, those with the gravest verdicts first, and says how
// many there are more.
func (h *htmlWriter) groupTable() (rows []htmlGroup, more string) {
	keys := make([]groupKey, 0, len(h.groups))
	for key := range h.groups {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b groupKey) int {
		x, y := h.groups[a], h.groups[b]
		return cmp.Or(cmp.Compare(y.Forged, x.Forged), cmp.Compare(y.Suspicious, x.Suspicious), cmp.Compare(y.Inconclusive, x.Inconclusive),
			cmp.Compare(a.name, b.name), cmp.Compare(a.owner, b.owner))
	})
	if n := len(keys) - maxGroups; n > 0 {
		keys, more = keys[:maxGroups], "… and "+count(n, "more group")+"."
	}
	for _, key := range keys {
		row := htmlGroup{Name: key.name, Owner: key.owner}
		for _, v := range finding.Verdicts {
			row.Counts = append(row.Counts, htmlCount{string(v), h.groups[key].Of(v), string(v)})
		}
		rows = append(rows, row)
	}
	return rows, more
}
