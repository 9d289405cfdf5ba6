// Package archtest holds the table of who may import whom, and the fences around
// network, clock, environment and exit, as data, with the test that keeps them.
// Nothing but its own test imports it.
//
// Only files that end up in the binary are looked at: tests may import and call
// what they like. Every complaint says what to do about it. A new package starts
// with a row in [Table].
//
// # Design
//
// The tree is read with go/parser and not through "go list": the check then needs
// no build, sees files of every operating system, and can be shown a broken tree
// in memory, so that each rule here has a test in which it fires. golangci-lint's
// depguard could hold the import table too, but not everyone who runs the tests
// has it, and it cannot say "this folder has no row".
package archtest
