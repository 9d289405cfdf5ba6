package facts

import "time"

// Log is a CT log and what it signed and said. It is known for subjects of kind
// log-entry only.
type Log struct {
	ID    string `fact:"id" doc:"SHA-256 of the log's key, hex"`
	Name  string `fact:"name" doc:"description of the log; empty where unknown"`
	Known bool   `fact:"known" doc:"a list of logs has it"`
	State string `fact:"state_now" doc:"what browser programs call it at the time of judgement; empty where no list says"`
	// HasEntry and the like say which groups are known, so that a rule about
	// one is not applicable, rather than inconclusive, to a subject about
	// another.
	HasEntry   bool `fact:"has_entry" doc:"the subject is an entry of the log"`
	HasPrecert bool `fact:"has_precertificate" doc:"the subject is an entry of a precertificate"`
	// HasInterval is of the log, and so known of all subjects.
	HasInterval bool        `fact:"has_interval" doc:"the log takes certificates that end within an interval only"`
	HasHead     bool        `fact:"has_head" doc:"the subject is the log, and there is a tree head"`
	HasPromise  bool        `fact:"has_promise" doc:"the subject is an SCT of the log that was looked up"`
	Entry       *LogEntry   `fact:"entry" doc:"the entry; unknown where the subject is no entry"`
	Head        *LogHead    `fact:"head" doc:"the tree head that the log signed; unknown where there is none"`
	Promise     *LogPromise `fact:"promise" doc:"an SCT and what became of it; unknown where none was looked up"`
	Missing     int64       `fact:"missing_entries" doc:"entries that the tree head covers and that the log does not give"`
}

// LogEntry is one entry of a log (RFC 6962 section 3.4).
type LogEntry struct {
	Index    int64 `fact:"index" doc:"where it stands"`
	Verified *bool `fact:"verified" doc:"its hash leads to the root that the log signed; unknown where the reading ended before that could be checked"`
	Readable bool  `fact:"readable" doc:"the leaf is one that RFC 6962 has"`
	Parsed   bool  `fact:"certificate_readable" doc:"what it holds has the outline of a certificate, or of what of one is signed"`
	// What follows is unknown where the leaf is not readable.
	Time     *time.Time `fact:"time" doc:"its timestamp; unknown too where it is beyond the year 9999"`
	Future   *bool      `fact:"future" doc:"its timestamp is more than five minutes after the time of judgement"`
	AfterEnd *bool      `fact:"after_expiry" doc:"the certificate had expired at the timestamp; unknown too where it has no readable notAfter"`
	Interval *bool      `fact:"in_interval" doc:"the certificate ends within what the log accepts; unknown too where the log accepts any, or is unknown"`

	LeafIndex *string `fact:"leaf_index" doc:"ok, absent, other or malformed: whether the index that it states is its own"`

	// The leaf covers neither of these.
	Submitted *string `fact:"submitted" doc:"ok, other, missing or malformed: whether the precertificate that the log hands out is the one of the entry; ok for a certificate"`
	IssuerKey *string `fact:"issuer_key" doc:"ok, other or missing: whether the issuer that the log hands out has the key that the entry names; unknown for a certificate, which names none"`
	NoChain   string  `fact:"no_chain" doc:"why the certificates behind it are not at hand; empty where they are, or where the log gives none"`
	Poison    *string `fact:"poison" doc:"ok, missing or malformed: the poison of the precertificate as submitted; unknown for a certificate, and where the log hands out none that belongs to the entry"`
}

// LogHead is a signed tree head (RFC 6962 section 3.5).
type LogHead struct {
	Size   int64     `fact:"size" doc:"entries of the tree"`
	Time   time.Time `fact:"time" doc:"its timestamp"`
	Signed *bool     `fact:"signed" doc:"the log's key made its signature; unknown where the key cannot be used"`
	Stale  bool      `fact:"stale" doc:"it is older than a day and the maximum merge delay at the time of judgement, and the log is to take entries"`
	Future bool      `fact:"future" doc:"it is more than five minutes after the time of judgement"`
	// Both heads have to be signed by the log for one of these to be said.
	Fork     bool    `fact:"fork" doc:"it and an earlier and smaller head of the log contradict each other"`
	Rollback bool    `fact:"rollback" doc:"it is of a smaller tree than a head that the log had signed before"`
	Final    *string `fact:"final" doc:"how it relates to the tree at which the log stopped: same, before, beyond, other, or none where no list says that it stopped; unknown where the log did not sign it"`
	// Certain says that nothing but the two heads is needed to see it.
	Certain bool `fact:"fork_certain" doc:"both heads are of one size with different roots, so that no proof is needed to see that they contradict"`
}

// LogPromise is an SCT that was looked up.
type LogPromise struct {
	Signed   *bool     `fact:"signed" doc:"the log's key made the SCT over this entry; unknown where the key or the SCT cannot be used"`
	Time     time.Time `fact:"time" doc:"its timestamp"`
	Due      bool      `fact:"due" doc:"the maximum merge delay, and a day for lagging mirrors, had passed when the tree head was signed, or another entry stands at the index that the SCT states"`
	Included *bool     `fact:"included" doc:"the entry is in the signed tree; unknown where the log could not be asked"`
}
