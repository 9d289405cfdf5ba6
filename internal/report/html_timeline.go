package report

import (
	"fmt"
	"time"
)

// htmlTimeline is when each certificate of a chain is valid, drawn to the scale of
// the leaf: a root's decades would make a leaf's weeks invisible. What goes beyond
// is cut at the edge.
type htmlTimeline struct {
	Label                      string
	Width, Height, Left, Right int
	Axis, Dates, At            int
	From, To, AtDate, Anchor   string
	Bars                       []htmlBar
}

type htmlBar struct {
	Class, Title   string
	Index, X, Y, W int
}

// Text is the baseline of the bar's label.
func (b htmlBar) Text() int { return b.Y + 11 }

// timeline draws the chain, or gives nil where no validity can be read.
func timeline(at time.Time, s *Subject, certs map[string]Certificate) *htmlTimeline {
	t := &htmlTimeline{Width: 720, Left: 40, Right: 710, AtDate: at.UTC().Format("2006-01-02")}
	from, to := leafSpan(at, s, certs)
	scale := func(when time.Time) int {
		share := float64(when.Unix()-from.Unix()) / float64(max(1, to.Unix()-from.Unix()))
		return t.Left + int(min(1, max(0, share))*float64(t.Right-t.Left))
	}
	y := 20
	for i, hash := range s.Chain {
		if i == maxChain {
			break
		}
		c := certs[hash]
		notBefore, err1 := time.Parse(time.RFC3339, c.NotBefore)
		notAfter, err2 := time.Parse(time.RFC3339, c.NotAfter)
		if err1 != nil || err2 != nil {
			continue
		}
		bar := htmlBar{Class: "bar", Index: i, X: scale(notBefore), Y: y,
			Title: outside(fmt.Sprintf("#%d %s: %s to %s", i, c.Subject, day(c.NotBefore), day(c.NotAfter)))}
		bar.W = max(2, scale(notAfter)-bar.X)
		if i == 0 {
			bar.Class = "leaf"
		}
		if at.Before(notBefore) || at.After(notAfter) {
			bar.Class = "bad"
		}
		t.Bars = append(t.Bars, bar)
		y += 18
	}
	if len(t.Bars) == 0 || at.IsZero() {
		return nil
	}
	t.Axis, t.Dates, t.Height = y+2, y+17, y+24
	t.At, t.From, t.To = scale(at), from.UTC().Format("2006-01-02"), to.UTC().Format("2006-01-02")
	t.Anchor = "middle"
	if t.At < 100 {
		t.Anchor = "start"
	} else if t.At > t.Width-100 {
		t.Anchor = "end"
	}
	t.Label = fmt.Sprintf("When %s are valid, around %s", count(len(t.Bars), "certificate"), t.AtDate)
	return t
}

// leafSpan is what the timeline shows: the first readable validity and the time
// that is judged at, with some room on both sides.
func leafSpan(at time.Time, s *Subject, certs map[string]Certificate) (from, to time.Time) {
	from, to = at, at
	for _, hash := range s.Chain {
		notBefore, err1 := time.Parse(time.RFC3339, certs[hash].NotBefore)
		notAfter, err2 := time.Parse(time.RFC3339, certs[hash].NotAfter)
		if err1 != nil || err2 != nil || notAfter.Before(notBefore) {
			continue
		}
		if notBefore.Before(from) {
			from = notBefore
		}
		if notAfter.After(to) {
			to = notAfter
		}
		break
	}
	// Seconds, not a Duration: that overflows after 292 years.
	room := max(86400, (to.Unix()-from.Unix())/10)
	return time.Unix(from.Unix()-room, 0), time.Unix(to.Unix()+room, 0)
}
