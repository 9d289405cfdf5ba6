package report

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"
)

// HistorySchema is the value of the schema field of a [History] in JSON.
const HistorySchema = "certassay/history/v1"

// History is which keys names showed, and when.
type History struct {
	// Schema is "certassay/history/v1".
	Schema string        `json:"schema"`
	Names  []HistoryName `json:"names"`
}

// HistoryName is one name or address that was asked for.
type HistoryName struct {
	Name string `json:"name"`
	// Keys are in the order in which they were first seen.
	Keys []HistoryKey `json:"keys"`
}

// HistoryKey is one leaf key.
type HistoryKey struct {
	// SPKISHA256 is the key as pins are written, "sha256/" and base64.
	SPKISHA256 string `json:"spki_sha256"`
	// First and Last are when the key was seen, Times how often, over all places.
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	Times int       `json:"times"`
	// Seen are the places, one for each certificate.
	Seen []HistorySeen `json:"seen"`
}

// HistorySeen is one certificate at one place.
type HistorySeen struct {
	// Vantage is where it was asked from, Address who answered.
	Vantage string    `json:"vantage"`
	Address string    `json:"address"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Times   int       `json:"times"`
	// Certificate is the leaf's hash, "sha256:" and hexadecimal.
	Certificate string `json:"certificate"`
	// Logged says whether a log vouches for it, null where that could not be
	// checked.
	Logged *bool `json:"logged"`
}

// Write writes the history as text, json or html.
func (h *History) Write(w io.Writer, format string) error {
	switch format {
	case "text":
		return h.text(w)
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", " ")
		return enc.Encode(h)
	case "html":
		return h.html(w)
	}
	return fmt.Errorf("unknown format %q (want text, json or html)", format)
}

func (h *History) text(w io.Writer) error {
	var b strings.Builder
	for _, n := range h.Names {
		fmt.Fprintf(&b, "%s  keys: %d\n", outside(n.Name), len(n.Keys))
		for i := range n.Keys {
			k := &n.Keys[i]
			fmt.Fprintf(&b, "  %s\n    %s, %s\n", k.SPKISHA256, during(k.First, k.Last), count(k.Times, "time"))
			for j := range k.Seen {
				fmt.Fprintf(&b, "    %s\n", k.Seen[j].line())
			}
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (s *HistorySeen) line() string {
	return fmt.Sprintf("%s  %s  %s, %s, %s, %s", outside(s.Vantage), outside(s.Address), during(s.First, s.Last), count(s.Times, "time"), loggedWords(s.Logged), s.Certificate)
}

func loggedWords(logged *bool) string {
	switch {
	case logged == nil:
		return "logged or not is unknown"
	case *logged:
		return "logged"
	}
	return "in no log"
}

func during(first, last time.Time) string {
	from, to := first.UTC().Format("2006-01-02 15:04"), last.UTC().Format("2006-01-02 15:04")
	if from == to {
		return from
	}
	return from + " to " + to
}

// maxHistoryNames and maxHistoryRows bound the page: a browser has to draw it.
const (
	maxHistoryNames = 500
	maxHistoryRows  = 60
)

// A historyView is one name on the page: a drawing, and its rows in words.
type historyView struct {
	Name                       string
	Keys                       int
	Label, From, To            string
	Width, Height, Left, Right int
	Axis, Dates                int
	Bars                       []historyBar
	More                       int // rows that are not drawn
}

type historyBar struct {
	Class, Key, Line string
	Number           int
	X, Y, W          int
}

// Text is the baseline of the bar's label.
func (b historyBar) Text() int { return b.Y + 11 }

// view draws when each key was seen from where, one bar for each place, to one
// scale.
func (n *HistoryName) view() historyView {
	v := historyView{Name: outside(n.Name), Keys: len(n.Keys), Width: 720, Left: 40, Right: 710}
	var from, to time.Time
	for i := range n.Keys {
		if k := &n.Keys[i]; i == 0 || k.First.Before(from) {
			from = k.First
		}
		if k := &n.Keys[i]; k.Last.After(to) {
			to = k.Last
		}
	}
	whole := max(1, to.Unix()-from.Unix())
	scale := func(at time.Time) int {
		share := float64(at.Unix()-from.Unix()) / float64(whole)
		return v.Left + int(min(1, max(0, share))*float64(v.Right-v.Left))
	}
	y := 4
	for i := range n.Keys {
		for j := range n.Keys[i].Seen {
			s := &n.Keys[i].Seen[j]
			if len(v.Bars) == maxHistoryRows {
				v.More++
				continue
			}
			x := min(scale(s.First), v.Right-4)
			bar := historyBar{Class: "bar", Key: n.Keys[i].SPKISHA256, Line: s.line(), Number: i + 1, X: x, Y: y, W: max(4, scale(s.Last)-x)}
			if i%2 == 1 {
				bar.Class = "leaf" // neighbours are told apart
			}
			if s.Logged != nil && !*s.Logged {
				bar.Class = "bad"
			}
			v.Bars = append(v.Bars, bar)
			y += 18
		}
	}
	v.Axis, v.Dates, v.Height = y+2, y+17, y+24
	v.From, v.To = from.UTC().Format(time.DateOnly), to.UTC().Format(time.DateOnly)
	v.Label = fmt.Sprintf("When %s of %s were seen, from %s to %s", count(len(n.Keys), "key"), v.Name, v.From, v.To)
	return v
}

func (h *History) html(w io.Writer) error {
	page := struct {
		Policy string
		Style  template.HTML
		Names  []historyView
		More   int
	}{Policy: htmlPolicy(), Style: template.HTML("<style>" + htmlStyle + "</style>")} //nolint:gosec // our own constant; the policy holds its hash
	for i := range h.Names {
		if i == maxHistoryNames {
			page.More = len(h.Names) - i
			break
		}
		page.Names = append(page.Names, h.Names[i].view())
	}
	return template.Must(template.New("history").Parse(htmlHistory)).Execute(w, page)
}
