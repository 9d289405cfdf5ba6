package watch

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/store"
)

// What can be said of a followed log.
const (
	StateOK      = "ok"      // read up to its newest head, not long ago
	StateBehind  = "behind"  // not read up to its newest head for some time
	StateFailing = "failing" // the last attempt failed
	StateGaps    = "gaps"    // up to date, but for entries that could not be read
)

// Health is how a watch is, as it is written in its store.
type Health struct {
	Logs      []LogHealth    `json:"logs"`
	Receivers []ReceiverWait `json:"receivers"`
	// Certificates counts those that matched.
	Certificates int `json:"certificates"`
	// Configuration is what the watch works by; nil where none has run.
	Configuration *ConfigurationHealth `json:"configuration,omitempty"`
}

// ConfigurationHealth says whether the configuration in force is the one that is
// written down.
type ConfigurationHealth struct {
	// Taken is when the one in force was read.
	Taken time.Time `json:"taken"`
	// Failed is when a later one could not be taken, and Error why.
	Failed *time.Time `json:"failed,omitempty"`
	Error  string     `json:"error,omitempty"`
}

// A LogHealth is the state of one log.
type LogHealth struct {
	Name  string `json:"name"`
	ID    string `json:"id"`
	URL   string `json:"url"`
	State string `json:"state"`
	// Size is that of the newest verified head, Position the next entry to
	// read, Backlog what lies between.
	Size     uint64     `json:"size"`
	HeadTime *time.Time `json:"head_time,omitempty"`
	Start    uint64     `json:"start"`
	Position uint64     `json:"position"`
	Backlog  uint64     `json:"backlog"`
	// Gaps are the entries that were passed over.
	Gaps     []rangeText `json:"gaps"`
	GapSize  uint64      `json:"gap_entries"`
	Success  *time.Time  `json:"last_success,omitempty"`
	Failure  *time.Time  `json:"last_failure,omitempty"`
	Failures int         `json:"failures"`
	Error    string      `json:"error,omitempty"`
}

// A ReceiverWait is what waits for a receiver.
type ReceiverWait struct {
	Receiver string     `json:"receiver"`
	Waiting  int        `json:"waiting"`
	Oldest   *time.Time `json:"oldest,omitempty"`
	Error    string     `json:"error,omitempty"`
}

// Well says that every log is followed, everybody was told, and the configuration
// is the one that is written down.
func (h *Health) Well() bool {
	if h.Configuration != nil && h.Configuration.Error != "" {
		return false
	}
	for i := range h.Logs {
		if h.Logs[i].State != StateOK {
			return false
		}
	}
	for _, r := range h.Receivers {
		if r.Error != "" {
			return false
		}
	}
	return len(h.Logs) > 0
}

// ReadHealth reads the health of a watch at a time. A log that was not read up to
// its end for longer than late is behind.
func ReadHealth(ctx context.Context, s *store.Store, now time.Time, late time.Duration) (*Health, error) {
	h := &Health{Logs: []LogHealth{}, Receivers: []ReceiverWait{}}
	err := s.View(ctx, func(tx *store.Tx) error {
		logs, err := tx.Logs()
		if err != nil {
			return err
		}
		for _, l := range logs {
			gaps, err := tx.Gaps(l.ID)
			if err != nil {
				return err
			}
			h.Logs = append(h.Logs, logHealth(l, gaps, now, late))
		}
		boxes, err := tx.Outboxes()
		if err != nil {
			return err
		}
		for _, b := range boxes {
			h.Receivers = append(h.Receivers, ReceiverWait{b.Receiver, b.Waiting, orNil(b.Oldest), b.Error})
		}
		c, err := tx.Configuration()
		if err != nil {
			return err
		}
		if !c.Taken.IsZero() {
			h.Configuration = &ConfigurationHealth{c.Taken, orNil(c.Failed), c.Error}
		}
		h.Certificates, err = tx.Seen()
		return err
	})
	return h, err
}

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func logHealth(l *store.Log, gaps []store.Gap, now time.Time, late time.Duration) LogHealth {
	h := LogHealth{
		Name: l.Name, ID: hex.EncodeToString(l.ID[:]), URL: l.URL, State: StateOK, Start: l.Start, Position: l.Position, Gaps: []rangeText{},
		Success: orNil(l.Succeeded), Failure: orNil(l.Failed), Failures: l.Failures, Error: l.Error,
	}
	if l.Head != nil {
		h.Size, h.HeadTime = l.Head.Size, orNil(l.Head.Time)
		h.Backlog = h.Size - min(l.Position, h.Size)
	}
	for _, g := range gaps {
		h.Gaps = append(h.Gaps, rangeText{g.From, g.To, g.Error})
		h.GapSize += g.To - g.From
	}
	switch {
	case l.Failures > 0:
		h.State = StateFailing
	case now.Sub(l.Succeeded) > late:
		h.State = StateBehind
	case len(gaps) > 0:
		h.State = StateGaps
	}
	return h
}

// WriteMetrics writes the health in Prometheus' text format.
func (h *Health) WriteMetrics(w io.Writer) error {
	var b strings.Builder
	family := func(name, kind, help string, each func(add func(labels string, value any))) {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
		each(func(labels string, value any) { fmt.Fprintf(&b, "%s%s %v\n", name, labels, value) })
	}
	logs := func(name, kind, help string, value func(*LogHealth) any) {
		family(name, kind, help, func(add func(string, any)) {
			for i := range h.Logs {
				add(fmt.Sprintf(`{log="%s",id="%s"}`, escape(h.Logs[i].Name), h.Logs[i].ID), value(&h.Logs[i]))
			}
		})
	}
	logs("certassay_ct_log_ok", "gauge", "1 where the log is followed without gaps.", func(l *LogHealth) any {
		if l.State == StateOK {
			return 1
		}
		return 0
	})
	logs("certassay_ct_log_size", "gauge", "Entries of the newest verified tree head.", func(l *LogHealth) any { return l.Size })
	logs("certassay_ct_log_position", "gauge", "Next entry to read.", func(l *LogHealth) any { return l.Position })
	logs("certassay_ct_log_backlog", "gauge", "Entries that are still to be read.", func(l *LogHealth) any { return l.Backlog })
	logs("certassay_ct_log_gap_entries", "gauge", "Entries that were passed over because they could not be read.", func(l *LogHealth) any { return l.GapSize })
	logs("certassay_ct_log_failures", "gauge", "Failures since the last success.", func(l *LogHealth) any { return l.Failures })
	logs("certassay_ct_log_last_success_timestamp_seconds", "gauge", "When the log was last read up to its end; 0 for never.", func(l *LogHealth) any {
		if l.Success == nil {
			return 0
		}
		return l.Success.Unix()
	})
	family("certassay_ct_certificates_total", "counter", "Certificates that matched.", func(add func(string, any)) { add("", h.Certificates) })
	family("certassay_ct_notifications_waiting", "gauge", "Notifications that a receiver was not told of yet.", func(add func(string, any)) {
		for _, r := range h.Receivers {
			add(fmt.Sprintf(`{receiver="%s"}`, escape(r.Receiver)), r.Waiting)
		}
	})
	receivers := func(name, help string, value func(*ReceiverWait) any) {
		family(name, "gauge", help, func(add func(string, any)) {
			for i := range h.Receivers {
				add(fmt.Sprintf(`{receiver="%s"}`, escape(h.Receivers[i].Receiver)), value(&h.Receivers[i]))
			}
		})
	}
	receivers("certassay_ct_receiver_ok", "0 where a receiver could not be told what waits for it.", func(r *ReceiverWait) any {
		if r.Error != "" {
			return 0
		}
		return 1
	})
	receivers("certassay_ct_notifications_oldest_timestamp_seconds", "Since when the oldest notification waits for a receiver; 0 where none does.", func(r *ReceiverWait) any {
		if r.Oldest == nil {
			return 0
		}
		return r.Oldest.Unix()
	})
	if c := h.Configuration; c != nil {
		ok := 1
		if c.Error != "" {
			ok = 0
		}
		family("certassay_ct_configuration_ok", "gauge", "0 where a newer configuration could not be taken, and the old one is in force.", func(add func(string, any)) { add("", ok) })
		family("certassay_ct_configuration_taken_timestamp_seconds", "gauge", "When the configuration in force was read.", func(add func(string, any)) { add("", c.Taken.Unix()) })
	}
	_, err := io.WriteString(w, b.String())
	return err
}

var escaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// escape writes the value of a label.
func escape(s string) string { return escaper.Replace(strings.ToValidUTF8(s, "\ufffd")) }
