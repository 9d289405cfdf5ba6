// Package reallogs holds certassay against log software that others wrote: the
// front end of Certificate Transparency's authors over Trillian, which serves
// RFC 6962, and Tessera with its CT layout, which serves static-ct-api. Both run
// in the process of the test, on loopback, and keep nothing.
//
// The logs of internal/lab/ctlog are ours, and could share our mistakes about
// the protocols. These cannot. What goes wrong between a log and its reader is
// put there by a [Proxy].
//
// It is a module of its own, so that what the logs are made of is never linked
// into the program, and "go install" of the program downloads none of it.
package reallogs
