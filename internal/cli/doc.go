// Package cli is the command line: each subcommand with its flags, its help and the
// wiring of what it runs. Nothing else in the program knows flags, standard streams
// or exit codes.
//
// A file bears the name of its subcommand, with its parent's before it: ctsearch.go
// is "certassay ct search", and what follows an underscore, or a further word, is a
// part of it (ctsearch_read.go, ctwatchstatus.go). The others are shared:
//
//   - root.go, version.go, completion.go, suggest.go: the program as a whole, its
//     errors and exit codes.
//   - session.go and sessionload.go: a run that judges something, with the rules,
//     trust data, waivers and baseline it read, and the reports it writes (output.go).
//   - what a session reads: roots.go, knownkeys.go, loglist.go, passwords.go,
//     datadir.go, inventory.go and expected.go.
//   - whom it asks: observer.go (servers), vantage.go and jump.go (from where), dns.go,
//     online.go and onlinect.go (third parties), held.go (what waits for others).
//   - ct.go and ctjudge.go: the flags that the ct subcommands share, and judging log
//     entries. auditct.go, auditreconcile.go and their like: an audit that holds logs
//     against servers and inventory.
package cli
