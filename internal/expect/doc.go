// Package expect is the vocabulary of what an owner expects of a target: keys,
// issuers, names, key types, lifetimes and what else must hold. It is the third
// ledger, beside what hosts serve and what logs recorded.
//
// Its types are plain values. What a person wrote becomes one of them through a
// function Parse..., which refuses what it does not understand; a value that was
// made so needs no further checks. Nothing here reads a file.
//
// # What is not here
//
// An issuer is a key, or the identifier that a CA has in CAA records: the
// distinguished name of a CA is what a forger copies, and cannot be written. A
// pin is a hash; forms in which others write pins are read and written by
// package pinform.
//
// # Nothing expected
//
// The zero [Expectation] expects nothing, so that nothing can break it. That is
// not the same as a nil one, which means that nobody was asked.
package expect
