// Package watch follows CT logs and finds certificates in them, without losing
// one and without telling twice.
//
// A round asks a log for its tree head, verifies that it continues the one that is
// stored, reads the new entries, which are verified against it, and writes in one
// transaction: the position, the certificates that match, and what is to be told.
// Package notify tells it from there. A process that is killed at any moment goes
// on where the last transaction ended; entries that were read and not written are
// read again.
//
// What cannot be read is never passed over silently: entries at the end are asked
// for again in the next round, and those with readable ones behind them become a
// gap, which is stored, tried again, and part of the log's health. A log that
// fails harms no other.
//
// A head that does not continue the stored one is never taken. The stored one
// stays, both are saved as proof, and it is told once. Not every smaller tree is
// proof: one of several front ends may be behind, and shows a head that is older
// in time, too. Such a head is passed over.
//
// Entries in the last, partial tile of a tiled log are read when the tile is full
// or has stayed partial for some time, as static-ct-api asks for: a reader that
// fetches each state of each tile costs a log hundreds of times the traffic.
package watch
