package ct

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// Limits on a log list. Chrome's has 60 logs in 40 kB, all lists ever published
// fewer than 300.
const (
	// MaxListSize bounds the file: a list is decoded as a whole.
	MaxListSize = 8 << 20
	// maxLogs bounds the keys that are decoded, 20 µs each.
	maxLogs = 10000
	// maxFormer bounds the operators that a log had before.
	maxFormer = 64
)

// placeholders are logs of Chrome's list that exist only so that software which
// fails on an operator without RFC 6962 logs does not: they never signed
// anything.
var placeholders = map[[32]byte]bool{
	id("2ed6a44deb8f0c864667769c4edd041f84236755fa3aaca634d0935dfcd59a70"): true,
	id("d2fc652fa5f9b738b83755fa5eb15f0b45253f4e8fa3b9b64fd4de5662d18708"): true,
}

// The JSON of a log list, version 3, as Google and Apple publish it
// (https://www.gstatic.com/ct/log_list/v3/log_list_schema.json). Members that
// are not named here are passed over: newer lists have more.
type listFile struct {
	Version   string
	Timestamp string          `json:"log_list_timestamp"`
	Operators *[]listOperator `json:"operators"`
}

type listOperator struct {
	Name  string
	Logs  []listLog
	Tiled []listLog `json:"tiled_logs"`
}

type listState struct {
	Timestamp string
	Final     *listFinal `json:"final_tree_head"`
}

type listLog struct {
	Description string
	ID          string `json:"log_id"`
	Key         string
	URL         string
	Submission  string `json:"submission_url"`
	Monitoring  string `json:"monitoring_url"`
	MMD         int64
	State       map[State]listState
	Interval    *struct {
		Start string `json:"start_inclusive"`
		End   string `json:"end_exclusive"`
	} `json:"temporal_interval"`
	Former []struct {
		Name string
		End  string `json:"end_time"`
	} `json:"previous_operators"`
}

// ParseList reads a log list in the v3 JSON form of Google and Apple. Members
// and states that it does not know are passed over, so that newer lists can be
// read; whatever it does know has to be right. A log whose id is not the hash of
// its key, or that stands twice, makes the whole list wrong: it was damaged, or
// made to deceive. A log whose key cannot be used, perhaps of an algorithm to
// come, is left out, see [LogList.Unusable]; so are placeholders. All problems
// are reported together.
func ParseList(b []byte) (*LogList, error) {
	if len(b) > MaxListSize {
		return nil, fmt.Errorf("reading log list: %d bytes are more than %d", len(b), MaxListSize)
	}
	var f listFile
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("reading log list: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("reading log list: something follows the list")
	}
	if f.Operators == nil {
		return nil, errors.New("reading log list: it names no operators, so it is no log list of version 3")
	}
	list := &LogList{Version: f.Version}
	var err error
	if list.Date, err = listTime(f.Timestamp, true); err != nil {
		return nil, fmt.Errorf("reading log list: log_list_timestamp: %w", err)
	}
	if err := list.fill(*f.Operators); err != nil {
		return nil, err
	}
	return list, nil
}

// fill adds the logs of every operator.
func (l *LogList) fill(operators []listOperator) error {
	var errs []error
	n := 0
	for _, op := range operators {
		for i := range len(op.Logs) + len(op.Tiled) {
			if n++; n > maxLogs {
				return fmt.Errorf("reading log list: more than %d logs", maxLogs)
			}
			var entry *listLog
			tiled := i >= len(op.Logs)
			if tiled {
				entry = &op.Tiled[i-len(op.Logs)]
			} else {
				entry = &op.Logs[i]
			}
			log, err := entry.log(op.Name, tiled)
			if err == nil && l.Log(log.ID) != nil {
				err = errors.New("it stands twice")
			}
			if err == nil && !placeholders[log.ID] {
				if _, keyErr := log.publicKey(); keyErr != nil {
					l.unusable = append(l.unusable, fmt.Errorf("log %.80q of %.80q: %w", entry.Description, op.Name, keyErr))
				} else {
					l.add(log)
				}
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("reading log list: log %d, %.80q of %.80q: %w", n, entry.Description, op.Name, err))
			}
		}
	}
	return errors.Join(errs...)
}

func (e *listLog) log(op string, tiled bool) (*Log, error) {
	key, err := base64.StdEncoding.DecodeString(e.Key)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	l := &Log{
		ID: sha256Sum(key), Key: key, Name: e.Description, Tiled: tiled, URL: e.URL, Monitor: e.Monitoring,
		MMD: time.Duration(e.MMD) * time.Second,
	}
	if e.Submission != "" {
		l.URL = e.Submission
	}
	switch id, err := base64.StdEncoding.DecodeString(e.ID); {
	case err != nil:
		return nil, fmt.Errorf("log_id: %w", err)
	case !bytes.Equal(id, l.ID[:]):
		return nil, errors.New("log_id is not the SHA-256 of the key")
	case e.MMD < 0 || e.MMD > int64(365*24*time.Hour/time.Second):
		return nil, fmt.Errorf("mmd: %d seconds are no merge delay", e.MMD)
	}
	return l, errors.Join(e.states(l), e.interval(l), e.former(l, op))
}

// states are at most one in a published list.
func (e *listLog) states(l *Log) error {
	for s, at := range e.State {
		since, err := listTime(at.Timestamp, false)
		if err != nil {
			return fmt.Errorf("state %.20q: %w", s, err)
		}
		l.States = append(l.States, Change{s, since})
		if at.Final == nil || s != ReadOnly {
			continue
		}
		if l.Final, err = at.Final.tree(); err != nil {
			return fmt.Errorf("state %.20q: %w", s, err)
		}
	}
	slices.SortFunc(l.States, func(a, b Change) int {
		if c := a.Since.Compare(b.Since); c != 0 {
			return c
		}
		return bytes.Compare([]byte(a.State), []byte(b.State))
	})
	return nil
}

func (e *listLog) interval(l *Log) (err error) {
	if e.Interval == nil {
		return nil
	}
	var startErr, endErr error
	l.From, startErr = listTime(e.Interval.Start, false)
	l.To, endErr = listTime(e.Interval.End, false)
	if err = errors.Join(startErr, endErr); err == nil && !l.From.Before(l.To) {
		err = errors.New("it ends before it starts")
	}
	if err != nil {
		return fmt.Errorf("temporal_interval: %w", err)
	}
	return nil
}

func (e *listLog) former(l *Log, op string) error {
	if len(e.Former) > maxFormer {
		return fmt.Errorf("previous_operators: more than %d", maxFormer)
	}
	for _, f := range e.Former {
		until, err := listTime(f.End, false)
		if err != nil {
			return fmt.Errorf("previous_operators: %w", err)
		}
		l.operators = append(l.operators, operator{f.Name, until})
	}
	slices.SortFunc(l.operators, func(a, b operator) int { return a.until.Compare(b.until) })
	l.operators = append(l.operators, operator{name: op})
	return nil
}

func listTime(s string, optional bool) (time.Time, error) {
	if s == "" && optional {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("%.40q is not a time of RFC 3339", s)
	}
	return t.UTC(), nil
}

func sha256Sum(b []byte) [32]byte { return sha256.Sum256(b) }
