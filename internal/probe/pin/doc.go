// Package pin compares what an owner expects with what was seen: keys, issuers,
// anchors, names and the rest of [expect.Expectation] become [facts.Expect].
//
// # What counts
//
// A server can append any certificate to its chain, the pinned one included. So a
// pin is compared with the leaf, whose key the handshake proves, and with CAs on
// paths from the leaf to a public or inventory root on which every signature was
// verified and every rule of RFC 5280 kept, dates aside: that a certificate has
// expired is said elsewhere and makes nobody an impostor.
//
// A pinned CA key that stands above the leaf on another path, by signatures
// alone, decides nothing: either an anchor is missing from the inventory, or
// somebody had a certificate without the right to issue sign another one. The
// answer is unknown, and the reason says why.
//
// # Issuers by name
//
// An identifier of CAA records stands for an operator, who is found by the
// organisation in the CA's subject, below a public root only. An operator that
// the table does not know is unknown, never wrong.
package pin
