// Package rule loads, checks, compiles and evaluates rule files: the judgement
// of the program, kept as data.
//
// A rule passes through three types. [File] is what was written, [Rule] is what
// can run, [Result] is what came out for one subject.
//
// # Design
//
// Conditions are CEL over the structs of internal/facts. The vocabulary is read
// from their struct tags by reflection, so that no name of a fact occurs in this
// package: a new field there is a new word here.
//
// A fact that is unknown must never count as false. Two mechanisms see to it:
//
//   - The type-checked expression tells which facts a rule reads. Each of them,
//     and each group that holds one, is looked at before the expression runs; an
//     unknown one makes the outcome inconclusive.
//   - Elements of lists are only met while the expression runs. There, reading an
//     unknown fact is an error that CEL's own three-valued && and || carry: it
//     vanishes where the other operand decides alone, as it should, and makes the
//     outcome inconclusive where it does not.
//
// CEL's has() would turn "unknown" into "false" and is refused.
//
// Rejected: CEL's native-types extension, which reads a nil pointer as the zero
// value, so that a missing fact becomes a false one; and CEL's partial
// evaluation, which has the right semantics but needs an attribute pattern for
// every unknown fact of every evaluation.
//
// CEL takes 0.4 to 0.7 microseconds for a condition, and there are some hundred for
// each certificate. Conditions are therefore lowered to closures over the structs
// when they are loaded; what that does not cover, and whatever ends in an error, is
// asked of CEL, which stays the only meaning that a rule has.
//
// A user's rule may be hostile or just slow. Its cost is estimated when it is
// loaded, with declared sizes of lists and texts; above [maxCost] it runs under
// a run-time limit instead, and what it does not answer within it is
// inconclusive, as is a panic.
package rule
