// Package audit is the pipeline: it has evidence collected, turns it into facts
// with the probes, has the rules judge these, applies waivers, and gives each
// subject its one verdict. It knows no flags and no operating system.
//
// # Design
//
// Judging is pure: [Auditor.Judge] gives the same subject for the same evidence,
// rules, trust data and time, in whatever order and on however many goroutines.
// What is true of one certificate alone (parsing it, its facts, the rules that
// read nothing else) is kept by the certificate's hash, since the upper
// certificates of most chains are the same few.
//
// Probes are called one by one in facts.go and nowhere registered: that file is
// the list of what is looked at.
package audit
