package lab

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
)

// quarterly accepts certificates that end in the quarter after At, retired was
// given up ten days before At, and tiled follows the static-ct-api.
func (l *Lab) quarterly() Log {
	return Log{Description: "Lab Log 3", Key: log3Key(), From: l.At, To: l.At.Add(90 * day)}
}

func (l *Lab) retired() Log {
	return Log{Description: "Lab Log 4", Key: log4Key(), Retired: l.At.Add(-10 * day)}
}

func (l *Lab) tiled() Log { return Log{Description: "Lab Log 5", Key: log5Key(), Tiled: true} }

// LogList is the list of all logs of the laboratory in the v3 JSON form of Google
// and Apple, for --log-list. Each log has an operator of its own, and was
// accepted in 2020.
func (l *Lab) LogList() []byte {
	var operators []map[string]any
	for _, log := range append(Logs(), l.quarterly(), l.retired(), l.tiled()) {
		member := "logs"
		if log.Tiled {
			member = "tiled_logs"
		}
		operators = append(operators, map[string]any{"name": "Operator of " + log.Description, member: []any{log.entry()}})
	}
	text, err := json.MarshalIndent(map[string]any{
		"version": "1.0", "log_list_timestamp": l.At.Format(time.RFC3339), "operators": operators,
	}, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("lab: writing the log list: %v", err))
	}
	return append(text, '\n')
}

func (l Log) entry() map[string]any {
	id := l.ID()
	state, since := "usable", time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	if !l.Retired.IsZero() {
		state, since = "retired", l.Retired
	}
	e := map[string]any{
		"description": l.Description, "mmd": 86400,
		"key": base64.StdEncoding.EncodeToString(l.Key.SPKI), "log_id": base64.StdEncoding.EncodeToString(id[:]),
		"state": map[string]any{state: map[string]any{"timestamp": since.Format(time.RFC3339)}},
	}
	if !l.From.IsZero() {
		e["temporal_interval"] = map[string]any{
			"start_inclusive": l.From.Format(time.RFC3339), "end_exclusive": l.To.Format(time.RFC3339),
		}
	}
	return e
}
