// Package finding holds what an audit concludes: outcomes of rules, findings,
// and the one verdict each subject gets.
//
// # Glossary
//
// The whole program uses these words, and only these, in the sense given.
//
//   - Subject: one thing judged, with one verdict: an endpoint (name, address,
//     port and protocol), a certificate chain from a file, or a log entry.
//   - Leaf, issuer, subscriber: as in RFC 5280. The leaf of a subject is the
//     first certificate that was served or found in the file.
//   - Precertificate, SCT, tree head, entry: as in RFC 6962 and the
//     static-ct-api specification. Checkpoint: as in static-ct-api.
//   - Anchor: why a root is trusted: public (a browser root program),
//     inventory (named by the owner), local (only the machine's own store),
//     or none.
//   - Vantage: the network position that evidence was taken from.
//   - Evidence: bytes with where, when and how. Fact: a value computed from
//     evidence; an unknown fact is never false.
//   - Outcome: what one rule says of one subject. Finding: an outcome that
//     accuses. Gap: an outcome that could not be reached.
//   - Proof, strong, weak: how surely the facts of a finding mean what its rule
//     says. Severity is the harm if it is true.
package finding
