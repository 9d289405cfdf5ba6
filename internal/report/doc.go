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
// in an unlinked temporary file, and so do parts of SARIF, JUnit, HTML and
// Prometheus' format. Writing the summary last would have been simpler, but the
// contract, and people who look at the start of a file, want it first. Markdown
// and workflow annotations have a length that platforms set: they keep the gravest
// and count the rest.
//
// Everything that came from outside is hostile. JSON writers encode what a
// terminal might obey; all else goes through [Escape] first and then through what
// its format needs besides. What an eye sees is the same in every format. The
// order is that of the input, in HTML and Markdown the gravest first, and the same
// audit gives the same bytes.
//
// SARIF and annotations want a file and line: what an inventory lists is at its
// [Source]; a certificate from a file is at line 1 of that file, everything else of
// [Options].TargetsFile or certassay.yaml, and the endpoint's name is in the message.
package report
