// Package ledger reconciles what logs recorded with what an owner's servers show
// and the owner expects. A certificate that all agree on is explained; one that
// nothing explains was issued behind the owner's back, or by somebody whom the
// owner forgot.
//
// # Design
//
// What is missing never counts as an answer. A server that was not reached may
// show what looks unexplained: then that is unknown. What was not read of a log
// may hold anything: nothing here concludes that a certificate was not issued.
//
// A renewal has a new key by design, so that a key alone explains but never
// accuses. What makes a certificate a renewal is that it is for the same names, by
// the same issuer, at the time when renewals are due, and the first to be so:
// whoever issues a second one beside it is seen. An attacker who has the CA issue
// just then, and before the owner does, is seen when the owner does; an owner who
// wants more pins keys.
package ledger
