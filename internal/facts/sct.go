package facts

import "time"

// SCT is one signed certificate timestamp (RFC 6962 section 3.2).
//
// What its time says counts only where Verdict is ok: anybody can write a
// timestamp. An SCT of an unknown log proves nothing in either direction.
type SCT struct {
	Source    string    `fact:"source" doc:"embedded, tls or ocsp"`
	Parsed    bool      `fact:"parsed" doc:"it could be read"`
	Version   int64     `fact:"version" doc:"0 for v1"`
	LogID     string    `fact:"log_id" doc:"SHA-256 of the log's key, hex"`
	LogKnown  bool      `fact:"log_known" doc:"the log's key is in our list"`
	Log       string    `fact:"log" doc:"description of the log; empty where unknown"`
	Operator  string    `fact:"operator" doc:"who ran the log at the time of the SCT; empty where unknown"`
	State     string    `fact:"log_state" doc:"what browser programs called the log at the time of the SCT: pending, qualified, usable, readonly, retired, rejected; empty where no list says"`
	StateNow  string    `fact:"log_state_now" doc:"the same at the time of judgement"`
	Tiled     bool      `fact:"tiled" doc:"the log follows the static-ct-api"`
	Mimic     bool      `fact:"mimic" doc:"the log id is one of two whose private keys are published"`
	Time      time.Time `fact:"time" doc:"the timestamp"`
	Verdict   *string   `fact:"verdict" doc:"ok, bad-signature, or malformed; unknown where it could not be verified: the log is unknown, or no certificate of the issuer was at hand"`
	Duplicate bool      `fact:"duplicate" doc:"another SCT of the same log is in the list"`

	InInterval *bool `fact:"in_interval" doc:"the certificate ends within what the log accepts; unknown where the log is unknown or accepts any"`
	AfterEnd   bool  `fact:"after_retirement" doc:"it is from after the day on which the last program gave the log up"`
	Future     bool  `fact:"future" doc:"it is more than five minutes after the time of judgement"`
	Before     int64 `fact:"before_not_before_hours" doc:"whole hours by which it precedes notBefore, 0 where it does not"`
	After      int64 `fact:"after_not_before_hours" doc:"whole hours by which it follows notBefore, 0 where it does not"`
	AfterUntil bool  `fact:"after_expiry" doc:"it is later than notAfter"`
	LeafIndex  bool  `fact:"leaf_index" doc:"it holds one well-formed leaf index, as those of tiled logs do"`

	BelongsTo string `fact:"belongs_to" doc:"SHA-256 of another known certificate over which it does verify, sha256:hex; empty where none is known"`
}

// CT is what the SCTs of the leaf amount to together.
type CT struct {
	Verified  int64 `fact:"verified" doc:"SCTs that verify"`
	Bad       int64 `fact:"bad" doc:"SCTs of known logs that do not verify"`
	Undecided int64 `fact:"undecided" doc:"SCTs that could not be verified, those of unknown logs among them"`
	Logs      int64 `fact:"distinct_logs" doc:"different logs among those that verify"`
	Operators int64 `fact:"distinct_operators" doc:"different operators of these logs, as of the SCTs' time"`
	Vouched   *bool `fact:"vouched" doc:"an SCT verifies; unknown where none does and one could not be verified, unless it is of a log that is not in a list made after it"`
	// Earliest and Latest are unknown where no SCT verifies.
	Earliest *time.Time `fact:"earliest" doc:"time of the earliest SCT that verifies"`
	Latest   *time.Time `fact:"latest" doc:"time of the latest SCT that verifies"`

	Chrome       *bool  `fact:"chrome_policy" doc:"the SCTs satisfy Chrome's policy, as in Chromium 150; unknown where an SCT that was not verified would decide"`
	ChromeReason string `fact:"chrome_reason" doc:"what Chrome's policy misses; empty where it misses nothing or is unknown"`
	Apple        *bool  `fact:"apple_policy" doc:"the SCTs satisfy Apple's policy; unknown as for Chrome's"`
	AppleReason  string `fact:"apple_reason" doc:"what Apple's policy misses; empty where it misses nothing or is unknown"`

	Due     bool  `fact:"due" doc:"the owner's log list names only logs of the owner's own, and one of them was to take this certificate"`
	ListAge int64 `fact:"list_age_days" doc:"age of the log list at the time of judgement in days, -1 where it has no date"`
}
