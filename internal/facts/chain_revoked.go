package facts

import "time"

// Revoked is a certificate of a path that stands on a list of revoked certificates:
// Mozilla's OneCRL, which the program holds, or a list of CAs that was given to it.
type Revoked struct {
	SHA256     string     `fact:"sha256" doc:"SHA-256 of the DER, sha256:hex"`
	Subject    string     `fact:"subject" doc:"subject as text"`
	Leaf       bool       `fact:"leaf" doc:"it is the first certificate itself, and not one above it"`
	OnBestPath bool       `fact:"on_best_path" doc:"it is part of the best path, which avoids revoked certificates where another path is as good"`
	List       string     `fact:"list" doc:"the list and its date: OneCRL 2026-10-28; CCADB for a list of CAs"`
	Listed     *time.Time `fact:"listed" doc:"a day on which it stood on the list, which may have been put there earlier; unknown where the list does not say"`
	InForce    bool       `fact:"in_force" doc:"it is known to have been on the list at the time of judgement, or the list has no days"`
	Reason     string     `fact:"reason" doc:"key-compromise, misissued, interception, test or sha1 where the publisher says why; empty where not, as mostly: many were only taken out of service"`
	Source     string     `fact:"source" doc:"address of the publisher's report; empty where there is none"`
	Told       string     `fact:"told_by" doc:"the documented incident or distrusted CA whose rules speak of this certificate; empty where none do"`
}

// PathRevoked is a revoked certificate of one path, as it is told of.
type PathRevoked struct {
	Index   int64      `fact:"index" doc:"its index on the path, 0 is the leaf"`
	List    string     `fact:"list" doc:"the list and its date"`
	Listed  *time.Time `fact:"listed" doc:"a day on which it stood on the list; unknown where the list does not say"`
	InForce bool       `fact:"in_force" doc:"it is known to have been on the list at the time of judgement, or the list has no days"`
}
