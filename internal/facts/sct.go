package facts

import "time"

// SCT is one signed certificate timestamp (RFC 6962 section 3.2).
type SCT struct {
	Source    string    `fact:"source" doc:"embedded, tls or ocsp"`
	Parsed    bool      `fact:"parsed" doc:"it could be read"`
	Version   int64     `fact:"version" doc:"0 for v1"`
	LogID     string    `fact:"log_id" doc:"SHA-256 of the log's key, hex"`
	LogKnown  bool      `fact:"log_known" doc:"the log's key is in our list"`
	Log       string    `fact:"log" doc:"description of the log; empty where unknown"`
	Mimic     bool      `fact:"mimic" doc:"the log id is one of two whose private keys are published"`
	Time      time.Time `fact:"time" doc:"the timestamp"`
	Verdict   *string   `fact:"verdict" doc:"ok, bad-signature, or malformed; unknown where it was not verified"`
	Duplicate bool      `fact:"duplicate" doc:"another SCT of the same log is in the list"`
}
