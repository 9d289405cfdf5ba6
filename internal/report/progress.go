package report

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/certassay/certassay/internal/finding"
)

// redraw is how often progress is drawn at most: more flickers, and costs.
const redraw = 200 * time.Millisecond

// ProgressOptions are what a caller decides about progress.
type ProgressOptions struct {
	// Terminal says that the writer is a terminal. Without one nothing is ever
	// written: a log has no use for a line that changes.
	Terminal bool
	// Total is how many subjects are expected; 0 means unknown, and no time
	// to the end is given.
	Total int
	// Width is the number of columns; 0 means 80.
	Width int
	// Now is the clock.
	Now func() time.Time
}

// Progress is one line that says how far a run is. It is drawn only when
// something is reported, so that it costs nothing while nothing happens. It may
// be used by several goroutines at once.
//
// A library would bring several bars, themes and its own clock and terminal
// handling; this is one line.
type Progress struct {
	w     io.Writer
	o     ProgressOptions
	start time.Time

	mu       sync.Mutex // guards what follows, and writes to w
	done     int
	findings int
	bad      int
	drawn    time.Time
	shown    bool // the line is on the screen
	finished bool
}

// NewProgress makes a progress line on w, which is usually stderr. The time runs
// from now on.
func NewProgress(w io.Writer, o ProgressOptions) *Progress {
	if o.Width == 0 {
		o.Width = 80
	}
	p := &Progress{w: w, o: o}
	if o.Terminal {
		p.start = o.Now()
	}
	return p
}

// Done counts a subject that was judged.
func (p *Progress) Done(s *Subject) {
	if !p.o.Terminal {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	p.findings += len(s.Findings)
	if s.Verdict == finding.Forged || s.Verdict == finding.Suspicious {
		p.bad++
	}
	p.draw()
}

// Tick draws the line again where it is time to: to show that a run lives.
func (p *Progress) Tick() {
	if !p.o.Terminal {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draw()
}

// Finish takes the line away for good. It may be called more than once.
func (p *Progress) Finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.finished = true
}

// Around gives a writer for other output to the same terminal: it takes the line
// away first, so that the two do not mix.
func (p *Progress) Around(w io.Writer) io.Writer { return around{p, w} }

type around struct {
	p *Progress
	w io.Writer
}

func (a around) Write(b []byte) (int, error) {
	a.p.mu.Lock()
	defer a.p.mu.Unlock()
	a.p.clear()
	return a.w.Write(b)
}

func (p *Progress) clear() {
	if p.shown {
		_, _ = io.WriteString(p.w, "\r\x1b[K") // a lost line of progress is no loss
		p.shown = false
	}
}

func (p *Progress) draw() {
	now := p.o.Now()
	if p.finished || !p.drawn.IsZero() && now.Sub(p.drawn) < redraw {
		return
	}
	p.drawn, p.shown = now, true
	// One column stays free: a full line makes some terminals scroll.
	_, _ = io.WriteString(p.w, "\r"+clip(p.text(now.Sub(p.start)), p.o.Width-1)+"\x1b[K")
}

// text says how far the run is.
func (p *Progress) text(elapsed time.Duration) string {
	parts := []string{count(p.done, "subject")}
	if p.o.Total > 0 {
		parts[0] = fmt.Sprintf("%d of %d (%d %%)", p.done, p.o.Total, min(100, p.done*100/p.o.Total))
	}
	if p.done > 0 && elapsed > 0 {
		parts = append(parts, fmt.Sprintf("%.1f/s", float64(p.done)/elapsed.Seconds()))
	}
	if left := p.o.Total - p.done; left > 0 && p.done > 0 {
		eta := time.Duration(float64(elapsed) / float64(p.done) * float64(left))
		parts = append(parts, eta.Round(time.Second).String()+" left")
	}
	parts = append(parts, count(p.findings, "finding"))
	if p.bad > 0 {
		parts = append(parts, fmt.Sprintf("%d forged or suspicious", p.bad))
	}
	return strings.Join(parts, ", ")
}
