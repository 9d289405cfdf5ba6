// Package cli is the command line: each subcommand with its flags, its help and the
// wiring of what it runs. Nothing else in the program knows flags, standard streams
// or exit codes.
//
// What can be understood alone has a room of its own below, which imports nothing of
// this package:
//
//   - What every command is made of: call (one call of the program, and how it is
//     run), exit (codes), hint (what a person can do), noun (commands that hold
//     others), stream (standard streams), wholefile and dest (what is written),
//     version.
//   - What a command takes from the user: given (files to judge by), fetched (the
//     directory that "data update" fills), bundle (evidence), inventories (which one,
//     and which of its targets), servers and logs (whom it asks, and how).
//   - Commands that judge nothing themselves: configs, data, history, reports, rules. A
//     room of a command exports New alone.
//
// The rest is here, as it shares a session: the rules, trust data, waivers and
// baseline of one run, what it found, and what that makes of the exit code. A file
// bears the name of its subcommand, with its parent's before it: ctsearch.go is
// "certassay ct search", and what follows an underscore, or a further word, is a part
// of it (ctsearch_read.go, ctwatchstatus.go). The others are shared:
//
//   - root.go, completion.go, schema.go: the program as a whole.
//   - session.go and sessionload.go: a run that judges something, and the reports it
//     writes (output.go).
//   - inventory.go: an inventory as a session judges by it.
//   - whom it asks: observer.go (the store), vantage.go, dns.go, online.go and
//     onlinect.go (third parties), held.go (what waits for others).
//   - ct.go and ctjudge.go: what the ct subcommands share, and judging log entries.
//     auditct.go, auditreconcile.go and their like: an audit that holds logs against
//     servers and inventory.
package cli
