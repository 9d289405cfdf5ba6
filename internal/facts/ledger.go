package facts

import "time"

// Ledger is what an owner's inventory and servers say of a logged certificate. It
// is known for log entries only. A certificate and its precertificate are one, in
// however many logs they are.
type Ledger struct {
	Reconciled bool   `fact:"reconciled" doc:"the entry is held against an inventory (audit): it is for a domain that the owner reconciles, or over a key of the owner"`
	Domain     string `fact:"domain" doc:"the domain of the inventory that one of its names is below; empty where none is"`

	Issuer string    `fact:"issuer" doc:"who issued it, as the issuer field says"`
	Key    string    `fact:"key" doc:"its key as a pin, sha256/base64; empty where it could not be read"`
	Names  []string  `fact:"names" doc:"names that it is for, at most 20"`
	Issued time.Time `fact:"issued" doc:"when a log first took it; where in_log is false, when its validity begins"`
	InLog  bool      `fact:"in_log" doc:"a log has it; false where only a third party's index shows it, which proves nothing of logs"`
	Logs   []string  `fact:"logs" doc:"where it was found: logs and indexes, at most 20"`

	// Explained is unknown where the answer hangs on a server that could not be
	// reached, or was not looked at.
	Explained *bool  `fact:"explained" doc:"a listed server shows it or its key, the owner pinned its key, or it renews what a listed server shows: same names and issuer, about the right time, and the first to do so"`
	Because   string `fact:"explained_by" doc:"served, served-key, pin, or renewal; empty where nothing explains it"`

	// KeyPinned is unknown where the owner does not pin the keys of all its names,
	// or pins that of a CA above it.
	HasPins   bool  `fact:"has_pins" doc:"it is known whether the owner pins its key"`
	KeyPinned *bool `fact:"key_pinned" doc:"the owner pins the keys for all of its names, and its key is one of them"`

	PrecertOnly  bool   `fact:"precertificate_only" doc:"neither a log nor a listed server has shown the certificate that the precertificate promises"`
	HoursSaid    bool   `fact:"hours_said" doc:"the owner says at what hours certificates are issued"`
	OutsideHours bool   `fact:"outside_hours" doc:"it was logged at another hour"`
	LocalTime    string `fact:"local_time" doc:"when it was first logged, in the owner's time zone"`

	Early        bool   `fact:"early" doc:"nothing explains it, and when it was logged a certificate for the same names that a listed server still shows had lived less than half of the time after which it is renewed"`
	EarlyAgainst string `fact:"early_against" doc:"SHA-256 of that certificate, sha256:hex; empty where there is none"`
	EarlyPercent int64  `fact:"early_percent" doc:"how much of that certificate's life was over"`

	NewIssuer bool     `fact:"new_issuer" doc:"neither a listed server nor an earlier entry for the same domain has a certificate by this issuer, though there are some by others"`
	Profile   []string `fact:"other_profile" doc:"in what it differs from all earlier certificates of the CA for the domain, where three and most of them share something else in all of it: validity, key, validation (policies and organization), purposes, common name, must-staple, order of names; and of the same CA certificate extensions, pointers, serial, begins; empty where in nothing, or nothing is shared"`
	// Hints are for people: none of them proves who ordered.
	Hints      []string `fact:"hints" doc:"where nothing explains it, what points to who ordered it, in words: how it was ordered, how earlier ones were, its serial number, and the accounts that CAA records name now (with --online dns)"`
	Stranger   bool     `fact:"key_elsewhere" doc:"it is over a key that a listed server shows or the owner pins, and for no name of the owner's"`
	Overlooked int64    `fact:"servers_not_seen" doc:"listed servers of its names that could not be reached or were left out"`
}
