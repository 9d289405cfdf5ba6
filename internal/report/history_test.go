package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func history() *History {
	day := func(d int) time.Time { return time.Date(2026, 11, d, 12, 0, 0, 0, time.UTC) }
	yes, no := true, false
	return &History{Schema: HistorySchema, Names: []HistoryName{
		{Name: "a.example", Keys: []HistoryKey{
			{SPKISHA256: "sha256/AAAA", First: day(1), Last: day(11), Times: 9, Seen: []HistorySeen{
				{Vantage: "direct", Address: "192.0.2.1:443", First: day(1), Last: day(11), Times: 9, Certificate: "sha256:aa", Logged: &yes}}},
			{SPKISHA256: "sha256/BBBB", First: day(6), Last: day(6), Times: 1, Seen: []HistorySeen{
				{Vantage: "socks5://p:1", Address: "192.0.2.1:443", First: day(6), Last: day(6), Times: 1, Certificate: "sha256:bb", Logged: &no}}},
		}},
		{Name: "b.example", Keys: []HistoryKey{{SPKISHA256: "sha256/CCCC", First: day(2), Last: day(2), Times: 1, Seen: []HistorySeen{
			{Vantage: "direct", Address: "", First: day(2), Last: day(2), Times: 1, Certificate: "sha256:cc"}}}}},
	}}
}

func written(t *testing.T, h *History, format string) string {
	t.Helper()
	var b bytes.Buffer
	if err := h.Write(&b, format); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHistoryText(t *testing.T) {
	want := `a.example  keys: 2
  sha256/AAAA
    2026-11-01 12:00 to 2026-11-11 12:00, 9 times
    direct  192.0.2.1:443  2026-11-01 12:00 to 2026-11-11 12:00, 9 times, logged, sha256:aa
  sha256/BBBB
    2026-11-06 12:00, 1 time
    socks5://p:1  192.0.2.1:443  2026-11-06 12:00, 1 time, in no log, sha256:bb

b.example  keys: 1
  sha256/CCCC
    2026-11-02 12:00, 1 time
    direct    2026-11-02 12:00, 1 time, logged or not is unknown, sha256:cc

`
	if diff := cmp.Diff(want, written(t, history(), "text")); diff != "" {
		t.Errorf("text differs (-want +got):\n%s", diff)
	}
	var again History
	if err := json.Unmarshal([]byte(written(t, history(), "json")), &again); err != nil || !cmp.Equal(*history(), again) {
		t.Errorf("JSON does not read back: %v\n%s", err, cmp.Diff(*history(), again))
	}
	if err := history().Write(&bytes.Buffer{}, "svg"); err == nil {
		t.Error("an unknown format is no error")
	}
}

// The bars are to scale: half of the time is half of the width, and everything is
// within the drawing.
func TestHistoryDrawing(t *testing.T) {
	v := history().Names[0].view()
	if len(v.Bars) != 2 {
		t.Fatalf("%d bars, want 2", len(v.Bars))
	}
	whole, moment := v.Bars[0], v.Bars[1]
	if whole.X != v.Left || whole.X+whole.W != v.Right {
		t.Errorf("the whole time is drawn from %d to %d, want %d to %d", whole.X, whole.X+whole.W, v.Left, v.Right)
	}
	if want := (v.Left + v.Right) / 2; moment.X != want || moment.Class != "bad" || moment.Number != 2 {
		t.Errorf("the moment in the middle is %+v, want it at %d, bad", moment, want)
	}
	one := history().Names[1].view()
	if b := one.Bars[0]; b.X < one.Left || b.X+b.W > one.Right || b.W < 4 {
		t.Errorf("a single moment is drawn at %d, %d wide", b.X, b.W)
	}
	page := written(t, history(), "html")
	for _, want := range []string{"<svg class=\"timeline\"", "sha256/BBBB", "in no log", "Content-Security-Policy", "<h2><bdi>b.example</bdi></h2>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	h := &History{}
	for i := range maxHistoryNames + 3 {
		n := HistoryName{Name: fmt.Sprint("name", i)}
		k := HistoryKey{SPKISHA256: "sha256/AAAA"}
		for range maxHistoryRows + 2 {
			k.Seen = append(k.Seen, HistorySeen{})
		}
		n.Keys = append(n.Keys, k)
		h.Names = append(h.Names, n)
	}
	page := written(t, h, "html")
	if got := strings.Count(page, "<rect"); got != maxHistoryNames*maxHistoryRows {
		t.Errorf("%d bars, want %d", got, maxHistoryNames*maxHistoryRows)
	}
	for _, want := range []string{"3 more names are not shown", "2 more are not shown"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// Names and vantages come from outside: none becomes markup or reaches a terminal.
func FuzzHistory(f *testing.F) {
	f.Add("<script>alert(1)</script>", "\x1b[31m", "\u202e", int64(0), int64(1))
	f.Add("a.example", "direct", "192.0.2.1:443", int64(-1<<62), int64(1<<62))
	f.Fuzz(func(t *testing.T, name, vantage, address string, first, last int64) {
		h := &History{Names: []HistoryName{{Name: name, Keys: []HistoryKey{{First: time.Unix(first, 0), Last: time.Unix(last, 0), Seen: []HistorySeen{
			{Vantage: vantage, Address: address, First: time.Unix(first, 0), Last: time.Unix(last, 0)}}}}}}}
		plain := &History{Names: []HistoryName{{Name: "x", Keys: []HistoryKey{{Seen: []HistorySeen{{}}}}}}}
		if got, want := strings.Count(written(t, h, "html"), "<"), strings.Count(written(t, plain, "html"), "<"); got != want {
			t.Errorf("%d tags, want %d", got, want)
		}
		if text := written(t, h, "text"); strings.ContainsAny(text, "\x1b\u202e\x00\r") {
			t.Errorf("%q reaches the terminal", text)
		}
		if b := h.Names[0].view().Bars[0]; b.X < 40 || b.X+b.W > 710 {
			t.Errorf("the bar is from %d to %d", b.X, b.X+b.W)
		}
	})
}
