package ct

import (
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Date is that of the embedded list of logs, 2006-01-02: that of the Chrome list
// from which present logs and their states were taken. Logs that have left
// every list are in it from earlier lists.
const Date = "2026-06-14"

// Source says in a line where the embedded list is from.
const Source = "Chrome's log list 85.108, with retired and test logs of Google's and Apple's earlier lists"

// logs.json is a table of facts about logs, one log a line, kept by hand or
// merged from published lists. A log has no id in it: the id is the hash of the
// key. Times without a clock are midnight UTC.
//
//go:embed logs.json
var knownJSON []byte

// Known is the embedded list: every log that Chrome's or Apple's program or
// Google's all-logs list named, RFC 6962 and tiled, current and retired. It is
// read once, in about a millisecond; keys are decoded when they are needed.
var Known = sync.OnceValue(func() *LogList {
	list, err := readTable(knownJSON)
	if err != nil {
		panic("ct: embedded list of logs: " + err.Error())
	}
	return list
})

// table is the form of logs.json.
type table struct {
	Date      string
	Operators []struct {
		Name string
		Logs []tableLog
	}
}

type tableLog struct {
	Name, URL, Monitor, Key, From, To string
	Tiled                             bool
	MMD                               int64
	States                            [][2]string
}

func readTable(b []byte) (*LogList, error) {
	var t table
	if err := json.Unmarshal(b, &t); err != nil {
		return nil, err
	}
	list := &LogList{}
	var err error
	if list.Date, err = tableTime(t.Date); err != nil {
		return nil, err
	}
	for _, op := range t.Operators {
		for i := range op.Logs {
			log, err := op.Logs[i].log(op.Name)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", op.Logs[i].Name, err)
			}
			if list.Log(log.ID) != nil {
				return nil, fmt.Errorf("%s: its key stands twice", log.Name)
			}
			list.add(log)
		}
	}
	return list, nil
}

func (t *tableLog) log(op string) (*Log, error) {
	key, err := base64.StdEncoding.DecodeString(t.Key)
	if err != nil {
		return nil, err
	}
	l := &Log{
		ID: sha256Sum(key), Key: key, Name: t.Name, Tiled: t.Tiled, URL: t.URL, Monitor: t.Monitor,
		MMD: time.Duration(t.MMD) * time.Second, operators: []operator{{name: op}},
	}
	for _, s := range t.States {
		since, err := tableTime(s[1])
		if err != nil {
			return nil, err
		}
		l.States = append(l.States, Change{State(s[0]), since})
	}
	if t.From == "" {
		return l, nil
	}
	if l.From, err = tableTime(t.From); err != nil {
		return nil, err
	}
	l.To, err = tableTime(t.To)
	return l, err
}

func tableTime(s string) (time.Time, error) {
	if !strings.Contains(s, "T") {
		return time.Parse(time.DateOnly, s)
	}
	return time.Parse(time.RFC3339, s)
}
