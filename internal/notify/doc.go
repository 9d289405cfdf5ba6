// Package notify tells people and programs what was found: it takes what waits in
// the outbox of package store to webhooks, commands, files and standard output.
//
// A notification is delivered at least once, and keeps its id: it is taken out of
// the outbox after it was delivered, so that a process that is killed in between
// delivers it again. Webhooks and commands are told the id, with which they can
// pass over what they have; a file is looked at before it is written, so that a
// line stands in it once.
//
// A receiver that fails is tried again, later and later, and never holds up
// another one or the finding.
//
// What is told comes from certificates that anybody can make: it is passed as
// JSON in the body of a request or on standard input, never in an argument, a
// header, a variable or through a shell.
package notify
