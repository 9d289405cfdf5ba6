package facts

import "time"

// Inclusion is what logs show of the SCTs that came with the leaf. An SCT is a
// promise: within its maximum merge delay the log adds the entry to its tree. Only
// SCTs that verify count.
type Inclusion struct {
	Asked bool `fact:"asked" doc:"logs were asked about this subject (--online ct)"`
	// SCTs is empty where none was asked.
	SCTs []IncludedSCT `fact:"scts" doc:"the SCTs that were looked up"`

	Included int64 `fact:"included" doc:"SCTs whose entry is in the signed tree of their log"`
	Due      int64 `fact:"due" doc:"SCTs that verify and whose maximum merge delay, and a day for lagging mirrors, had passed at the time of judgement"`
	Broken   int64 `fact:"broken" doc:"due SCTs whose log shows that it has no such entry"`
	Unknown  int64 `fact:"unanswered" doc:"due SCTs of which a log could not be asked, or was not believed, and SCTs of logs whose key is not known"`
	// Logged is unknown where no log shows the entry and one of those that owe it,
	// or may, could not be asked.
	Logged *bool `fact:"logged" doc:"a log shows the certificate in its signed tree; no where every log that owes it denies it and no SCT is of a log whose key is not known"`
}

// IncludedSCT is one SCT that was looked up.
type IncludedSCT struct {
	Log    string    `fact:"log" doc:"description of the log, or its id"`
	Time   time.Time `fact:"time" doc:"its timestamp"`
	Due    bool      `fact:"due" doc:"the log owes the entry by now"`
	Result string    `fact:"result" doc:"included, pending, denied, or unknown"`
	Index  int64     `fact:"index" doc:"where it stands in the log, -1 where unknown"`
	Size   int64     `fact:"tree_size" doc:"entries of the tree that was shown, 0 where none was"`
	Reason string    `fact:"reason" doc:"why it is not included; empty where it is"`
}
