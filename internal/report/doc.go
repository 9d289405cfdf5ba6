// Package report writes what an audit concluded, for people and for programs,
// and reads it back.
//
// [Document] is the whole report; its comments are the manual, and the schema
// that [Schema] gives is made from them. Fields are only ever added.
//
// # Design
//
// Writers take one subject after the other and keep none, so that a scan of a
// hundred thousand hosts needs no more memory than one of ten. A JSON document
// has its summary before its subjects, which is known only after them: they wait
// in an unlinked temporary file. Writing the summary last would have been
// simpler, but the contract, and people who look at the start of a file, want it
// first.
//
// Everything that came from outside is hostile. JSON writers encode what a
// terminal might obey; text goes through [Escape]. The order is that of the
// input, and the same audit gives the same bytes.
package report
