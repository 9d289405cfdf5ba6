// Package trust holds what is known before any evidence is looked at: root
// programs and the anchors an owner names, the names and keys of known CAs (those
// of public intermediates in package disclosed), and the identities of interceptors and attack tools.
//
// Everything here is data with a date and a source, never fetched silently.
// A [Store] is immutable and safe for concurrent use.
//
// The machine's own root store never makes a chain good: an interceptor's root
// that was installed there makes its forgeries verify. It is held apart, only to
// say "trusted here, and by nobody else".
package trust
