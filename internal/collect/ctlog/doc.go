// Package ctlog reads Certificate Transparency logs: their tree heads, entries
// and proofs, through RFC 6962 and through static-ct-api, from the network and
// from directories of tiles.
//
// Nothing that a log says is believed before it is verified: each tree head
// against the log's key, each entry against a tree head. What could not be read
// or verified is stated as a [Gap]; a search is complete where there is none.
//
// # Design
//
// A tile of a static-ct-api log is verified by one node hash of the tree, so
// that 8 KiB of hashes serve 65 536 entries; the hashes of single entries are
// fetched only for a tile that does not fit, to name the entry at fault. Entries
// of an RFC 6962 log are verified by segments: the inclusion proofs of a
// segment's first and last entry hold all that is missing to compute the root,
// see [ct.Range]. The alternative, reading a log from its start, costs weeks for
// logs of today.
//
// certificate-transparency-go has a client for RFC 6962 only. It reads answers
// without a limit, repeats requests without one, and verifies no entry; what is
// left of it to use is three JSON structures.
//
// [Matcher] finds names in entries with the walker of package cert alone: an
// X.509 parser would refuse, and so hide, the certificates that matter most.
package ctlog
